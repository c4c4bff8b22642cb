"""Periods of measurements: a day, a month, a quarter or a year, by their names."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])")
_YEAR = re.compile(r"[0-9]{4}")


def span_of(period: str) -> tuple[date, date]:
    """First and last day of `2026-01-31`, `2026-01`, `2026-Q1` or `2026`; raises ValueError for what is none of them."""
    if found := _MONTH.fullmatch(period):
        return _months(int(found[1]), int(found[2]), 1)
    if found := _QUARTER.fullmatch(period):
        return _months(int(found[1]), 3 * int(found[2]) - 2, 3)
    if _YEAR.fullmatch(period):
        return date(int(period), 1, 1), date(int(period), 12, 31)
    if len(period) != len("2026-01-31"):
        raise ValueError(f"no period: {period!r}")
    day = date.fromisoformat(period)
    return day, day


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    first = date(year, month, 1)
    ends = year * 12 + month - 1 + count
    # The last day of the year 9999 has no day after it.
    return first, date(ends // 12, ends % 12 + 1, 1) - timedelta(days=1) if ends < 9999 * 12 + 12 else date.max
