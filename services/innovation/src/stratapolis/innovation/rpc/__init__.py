"""What innovation answers, a servicer a noun: parse, one domain call, store, say, render."""
