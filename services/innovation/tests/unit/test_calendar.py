"""The city's calendar: days and months as its people count them, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.domain.period import span_of

BERLIN = Calendar(ZoneInfo("Europe/Berlin"))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2036, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - the zone follows


@pytest.mark.parametrize(
    ("at", "day", "month"),
    [
        ("2026-03-28T22:59:59.999999Z", date(2026, 3, 28), "2026-03"),
        ("2026-03-28T23:00:00Z", date(2026, 3, 29), "2026-03"),
        ("2026-03-29T21:59:59Z", date(2026, 3, 29), "2026-03"),  # a day of 23 hours
        ("2026-03-29T22:00:00Z", date(2026, 3, 30), "2026-03"),
        ("2026-10-24T22:00:00Z", date(2026, 10, 25), "2026-10"),
        ("2026-10-25T22:59:59Z", date(2026, 10, 25), "2026-10"),  # a day of 25 hours
        ("2026-10-25T23:00:00Z", date(2026, 10, 26), "2026-10"),
        ("2028-02-28T23:00:00Z", date(2028, 2, 29), "2028-02"),  # a leap day
        ("2028-02-29T23:00:00Z", date(2028, 3, 1), "2028-03"),
        ("2026-12-31T23:00:00Z", date(2027, 1, 1), "2027-01"),
    ],
)
def test_a_moment_is_of_the_day_that_the_citys_clocks_show(at: str, day: date, month: str) -> None:
    moment = datetime.fromisoformat(at)
    assert (BERLIN.day(moment), BERLIN.month(moment)) == (day, month)


@given(MOMENTS)
def test_the_day_of_a_moment_lies_in_its_month(at: datetime) -> None:
    first, last = span_of(BERLIN.month(at))
    assert first <= BERLIN.day(at) <= last


@given(st.dates(date(2000, 1, 1), date(2036, 12, 31)))
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    _, last = span_of(f"{day:%Y-%m}")
    following, _ = span_of(f"{last + timedelta(days=1):%Y-%m}")
    assert following == last + timedelta(days=1)
