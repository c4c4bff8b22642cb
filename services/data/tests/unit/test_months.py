"""Months of partitions: every moment lies in exactly one, leap days and turns of the year as well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.data.store.partitions import month_after, month_of

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(9000, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - the zone follows


@given(MOMENTS)
def test_a_moment_lies_in_its_month_and_not_in_the_next(at: datetime) -> None:
    month = month_of(at)
    assert month.day == month_after(month).day == 1
    assert month <= at.date() < month_after(month)
    assert timedelta(days=28) <= month_after(month) - month <= timedelta(days=31)


@pytest.mark.parametrize(
    ("at", "month", "following"),
    [
        ("2028-02-29T23:59:59.999999+00:00", date(2028, 2, 1), date(2028, 3, 1)),
        ("2026-12-31T23:59:59.999999+00:00", date(2026, 12, 1), date(2027, 1, 1)),
        ("2027-01-01T00:00:00+00:00", date(2027, 1, 1), date(2027, 2, 1)),
    ],
)
def test_the_last_moment_of_a_month_is_still_its_own(at: str, month: date, following: date) -> None:
    assert (month_of(datetime.fromisoformat(at)), month_after(month)) == (month, following)
