"""What innovation keeps: typed functions over `tx`, a module a noun, the SQL beside its caller."""
