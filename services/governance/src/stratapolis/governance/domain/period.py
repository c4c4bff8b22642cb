"""Periods of indicators: days, months and years of the calendar, written so that their names sort by time."""

from datetime import date, timedelta
from enum import StrEnum

FIRST, LAST = 1900, 9000
"""Years that a period may lie in: the ends of the calendar are left out, so that there is a period before each."""


class Length(StrEnum):
    """How long the periods of an indicator are."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


SIGNS = {Length.YEAR: 4, Length.MONTH: 7, Length.DAY: 10}
"""How many signs a period is written with: 2026, 2026-01, 2026-01-31."""


def begins(period: str, length: Length) -> date | None:
    """The first day of a period; None for a text that names none of this length."""
    if len(period) != SIGNS[length]:
        return None
    try:
        first = date.fromisoformat(period + "-01-01"[len(period) - 4 :])
    except ValueError:
        return None
    return first if FIRST <= first.year <= LAST and named(first, length) == period else None


def named(day: date, length: Length) -> str:
    """The period that a day lies in."""
    return day.isoformat()[: SIGNS[length]]


def before(period: str) -> str:
    """The period right before one; raises ValueError for a text that names none."""
    length = next((length for length, signs in SIGNS.items() if len(period) == signs), Length.DAY)
    first = begins(period, length)
    if first is None:
        raise ValueError(f"{period!r} is no period")
    return named(first - timedelta(days=1), length)
