"""Copies of what a journey left carry ids of their own, wherever an id may stand."""

from __future__ import annotations

from stratapolis.chassis.ids import new_id

from benchmarks.copies import Pattern


def test_an_id_is_another_in_each_copy_as_text_and_in_hexadecimal() -> None:
    journey, other = new_id().encode(), new_id().encode()
    pattern = Pattern.of(b'{"id": "%s"}\t\\\\x00%s\t%s' % (journey, journey.hex().encode(), other), [journey])
    tail = b"00000000002a"
    copied = journey[:-12] + tail
    assert pattern.copy(tail) == b'{"id": "%s"}\t\\\\x00%s\t%s' % (copied, copied.hex().encode(), other)
    assert len(pattern.copy(tail)) == len(pattern.copy(b"0" * 12))


def test_ids_of_one_moment_stay_apart() -> None:
    one = new_id().encode()
    other = one[:-12] + (b"0" * 12 if one[-12:] != b"0" * 12 else b"1" * 12)
    copied = Pattern.of(b"%s %s" % (one, other), [one, other]).copy(b"00000000002a").split()
    assert copied[0] != copied[1] and all(part.endswith(b"-00000000002a") and len(part) == 36 for part in copied)


def test_what_names_no_id_stays() -> None:
    assert Pattern.of(b"acme", [new_id().encode()]).copy(b"0" * 12) == b"acme"
    assert Pattern.of(b"acme", []).copy(b"0" * 12) == b"acme"
