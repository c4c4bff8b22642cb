"""Decimals as they are written: exactly for programs, shortly for people."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

SHORT = 4
"""Digits that people are shown, where the whole part does not need more."""


def plain(value: Decimal) -> str:
    """All digits, without an exponent and without idle zeros: 12.5, 1000, 0."""
    whole = f"{value:f}"
    return whole.rstrip("0").rstrip(".") if "." in whole else whole


def reading(value: Decimal, unit: str) -> str:
    """The value for people, rounded half-even to four digits or to a whole number, with its unit: `54.98 ug/m3`. UCUM's `1` is the unit of what has none."""
    digits = max(SHORT, value.adjusted() + 1)
    number = plain(Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value))
    return number if unit in ("", "1") else f"{number} {unit}"
