"""The trail: whatever is changed, dropped, swapped or cut under a seal is seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from stratapolis.connectivity.domain.audit import Entry, Published, Record, Seal, check, check_tail, seal

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
TEXT = st.text(max_size=12)
ENTRIES = st.builds(Entry, subject=TEXT, action=TEXT, object=TEXT, outcome=st.sampled_from(["done", "denied"]), detail=st.dictionaries(TEXT, TEXT, max_size=3))
BATCHES = st.lists(st.lists(ENTRIES, min_size=1, max_size=5), min_size=1, max_size=5)


def a_trail(batches: list[list[Entry]]) -> list[tuple[Seal, list[Record]]]:
    trail: list[tuple[Seal, list[Record]]] = []
    number = 0
    for batch in batches:
        records = [Record(number=number + n, at=NOW + timedelta(microseconds=number + n), entry=entry) for n, entry in enumerate(batch, 1)]
        number += len(batch)
        trail.append((seal(trail[-1][0] if trail else None, records, at=NOW), records))
    return trail


def faults(trail: list[tuple[Seal, list[Record]]]) -> list[str]:
    before: Seal | None = None
    found: list[str] = []
    for stands, records in trail:
        found += [fault.message for fault in check(before, stands, records)]
        before = stands
    return found


@given(BATCHES)
def test_an_untouched_trail_is_whole(batches: list[list[Entry]]) -> None:
    assert faults(a_trail(batches)) == []


@given(BATCHES, st.data())
def test_a_changed_record_is_seen(batches: list[list[Entry]], data: st.DataObject) -> None:
    trail = a_trail(batches)
    _stands, records = data.draw(st.sampled_from(trail))
    place = data.draw(st.integers(0, len(records) - 1))
    other = data.draw(ENTRIES.filter(lambda entry: entry != records[place].entry))
    records[place] = replace(records[place], entry=other)
    assert faults(trail)


@given(BATCHES, st.data())
def test_a_dropped_record_is_seen(batches: list[list[Entry]], data: st.DataObject) -> None:
    trail = a_trail(batches)
    _, records = data.draw(st.sampled_from(trail))
    del records[data.draw(st.integers(0, len(records) - 1))]
    assert faults(trail)


@given(BATCHES.filter(lambda batches: len(batches) > 1), st.data())
def test_a_dropped_batch_is_seen_unless_it_is_the_tail(batches: list[list[Entry]], data: st.DataObject) -> None:
    trail = a_trail(batches)
    del trail[data.draw(st.integers(0, len(trail) - 2))]
    assert faults(trail)


@given(BATCHES)
def test_a_cut_tail_is_seen_by_who_saw_its_seal(batches: list[list[Entry]]) -> None:
    newest, _ = a_trail(batches)[-1]
    seen = Published(newest.number, newest.hash)
    assert check_tail(newest.number, newest.hash, seen) == ()
    assert check_tail(newest.number - 1, None, seen) != ()


@given(BATCHES, ENTRIES)
def test_a_trail_written_anew_is_seen_by_who_saw_a_seal(batches: list[list[Entry]], other: Entry) -> None:
    newest, _ = a_trail(batches)[-1]
    batches[0] = [*batches[0], other]
    anew, _ = a_trail(batches)[-1]
    assert check_tail(anew.number, anew.hash, Published(newest.number, newest.hash)) != ()
