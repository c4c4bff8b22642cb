"""A batch that is changed and sealed anew is seen by the seal after it."""

from dataclasses import replace
from datetime import UTC, datetime

from stratapolis.connectivity.domain.audit import Entry, Record, check, seal

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_batch_sealed_anew_is_seen_by_the_seal_after_it() -> None:
    first = Record(number=1, at=NOW, entry=Entry(subject="a", action="x"))
    second = Record(number=2, at=NOW, entry=Entry(subject="b", action="x"))
    one = seal(None, [first], at=NOW)
    two = seal(one, [second], at=NOW)
    assert check(one, two, [second]) == ()
    forged = replace(first, entry=Entry(subject="z", action="x"))
    anew = seal(None, [forged], at=NOW)
    assert check(None, anew, [forged]) == ()
    assert check(anew, two, [second]) != ()
