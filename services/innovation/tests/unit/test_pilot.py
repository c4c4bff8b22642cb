"""Hypotheses, means, spans and periods: what a pilot's result is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some
from stratapolis.chassis.errors import InvalidField
from stratapolis.innovation.domain.errors import PilotNotInState, ZoneFull
from stratapolis.innovation.domain.period import span_of
from stratapolis.innovation.domain.pilot import Comparison, PilotState, Verdict, average, book, cancel, conclude, days, plain, span, start

from services.innovation.tests.builders import DAY, NOW, TODAY, a_pilot, a_zone, measured

RUNNING = start(a_pilot(), today=TODAY, at=NOW)
DECIMALS = some.decimals(-(10**15), 10**15, places=9)


@pytest.mark.parametrize(
    ("comparison", "values", "verdict"),
    [
        (Comparison.AT_MOST, ["15"], Verdict.CONFIRMED),
        (Comparison.AT_MOST, ["15.000000001"], Verdict.REFUTED),
        (Comparison.AT_MOST, ["10", "20"], Verdict.CONFIRMED),
        (Comparison.AT_LEAST, ["15"], Verdict.CONFIRMED),
        (Comparison.AT_LEAST, ["14.9"], Verdict.REFUTED),
        (Comparison.AT_LEAST, ["0", "0", "45"], Verdict.CONFIRMED),
    ],
)
def test_the_mean_decides_and_the_expected_value_is_on_both_sides(comparison: Comparison, values: list[str], verdict: Verdict) -> None:
    pilot = replace(RUNNING, hypothesis=replace(RUNNING.hypothesis, comparison=comparison))
    done = conclude(pilot, [measured(value) for value in values], measured("40"), conclusion="so it is", today=TODAY, at=NOW)
    assert done.result is not None and done.result.verdict is verdict
    assert (done.state, done.ended_at, done.ended_on, done.result.baseline) == (PilotState.COMPLETED, NOW, TODAY, measured("40"))
    assert done.finding.endswith(f"expected: {verdict}")


@given(some.lists(DECIMALS, min_size=1, max_size=400))
def test_a_mean_is_within_half_of_the_last_place_of_the_true_one(values: list[Decimal]) -> None:
    true = sum((Fraction(value) for value in values), Fraction(0)) / len(values)
    assert abs(Fraction(average(values)) - true) <= Fraction(1, 2 * 10**9)


@given(DECIMALS)
def test_a_decimal_reads_without_an_exponent_and_means_the_same(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value and "E" not in text and not text.endswith(".") and (text == "0" or "." not in text or text[-1] != "0")


@given(some.dates(date(1900, 1, 1), date(9000, 1, 1)), some.integers(0, 400))
def test_a_span_has_each_of_its_days_once(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    found = days(first, last)
    assert (found[0], found[-1], len(found)) == (first, last, more + 1) and sorted(set(found)) == found
    if more >= 366:
        with pytest.raises(InvalidField):
            span(first, last)
    else:
        span(first, last)


@given(some.dictionaries(some.integers(0, 4), some.integers(0, 12)), some.integers(1, 12))
def test_a_slot_is_given_exactly_where_every_day_has_room(full: dict[int, int], places: int) -> None:
    taken = {TODAY + n * DAY: many for n, many in full.items()}
    pilot = a_pilot(places=places)
    lacking = [day for day in days(pilot.start_on, pilot.end_on) if taken.get(day, 0) + places > 12]
    if lacking:
        with pytest.raises(ZoneFull, match=str(lacking[0])):
            book(pilot, a_zone(12), taken, today=TODAY)
    else:
        assert book(pilot, a_zone(12), taken, today=TODAY) is pilot


def test_an_end_is_final() -> None:
    done = conclude(RUNNING, [measured("1")], None, conclusion="so it is", today=TODAY, at=NOW)
    gone = cancel(RUNNING, reason="rain", today=TODAY, at=NOW)
    for ended in (done, gone):
        with pytest.raises(PilotNotInState):
            cancel(ended, reason="rain", today=TODAY, at=NOW)
        with pytest.raises(PilotNotInState):
            conclude(ended, [measured("1")], None, conclusion="so it is", today=TODAY, at=NOW)
        with pytest.raises(PilotNotInState):
            start(ended, today=TODAY, at=NOW)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026-01-31", date(2026, 1, 31), date(2026, 1, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("9999-12", date(9999, 12, 1), date(9999, 12, 31)),
    ],
)
def test_a_period_has_its_days(period: str, first: date, last: date) -> None:
    assert span_of(period) == (first, last)


@pytest.mark.parametrize("period", ["", "2026-1", "2026-13", "2026-00", "2026-02-30", "2026-Q5", "20260131", "2026-W05", "26", "0000", "2026-01-31T00", "२०२६"])
def test_what_is_no_period_is_refused(period: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        span_of(period)


@given(some.text(max_size=12))
def test_any_text_is_a_period_or_refused(text: str) -> None:
    try:
        first, last = span_of(text)
    except ValueError:
        return
    assert first <= last
