"""UCUM: the units the city accepts, and how one becomes another.

Every unit has a factor and an offset towards the reference of its dimension: `reference = value * factor + offset`. The references
are chosen so that all factors and offsets are exact decimals (km/h rather than m/s, Fahrenheit rather than Celsius). Codes are
the case-sensitive ones of the Unified Code for Units of Measure; all factors are exact by definition of the unit.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from stratapolis.chassis.errors import Kind, Refused

MOST_DIGITS = 38
"""Longest value that is kept, and the precision of a division that does not end."""
LARGEST = Decimal("1e29")
"""Values of this size and above have no place in `numeric(38,9)`."""
EXACT = Context(prec=160, rounding=ROUND_HALF_EVEN)
"""Room for any product and sum of a measurable value with the table's factors and offsets, unrounded."""
ROUNDED = Context(prec=MOST_DIGITS, rounding=ROUND_HALF_EVEN)


class UnknownUnit(Refused):
    """The code is no unit the city accepts."""

    reason = "UNKNOWN_UNIT"
    kind = Kind.INVALID

    def __init__(self, unit: str) -> None:
        super().__init__(f"{unit!r} is not a UCUM unit the city accepts", unit=unit)
        self.unit = unit


class UnitsNotConvertible(Refused):
    """The two units measure different things."""

    reason = "UNITS_NOT_CONVERTIBLE"
    kind = Kind.INVALID

    def __init__(self, unit: str, to: str) -> None:
        super().__init__(f"{unit!r} cannot become {to!r}: {units()[unit].dimension} is not {units()[to].dimension}", unit=unit, to=to)
        self.unit, self.to = unit, to


class ValueNotMeasurable(Refused):
    """NaN, an infinity, or a number too large or too long to be kept."""

    reason = "VALUE_NOT_MEASURABLE"
    kind = Kind.INVALID

    def __init__(self, value: Decimal) -> None:
        super().__init__(f"{value:.9g} is no value that can be kept: finite, below {LARGEST} in size, at most {MOST_DIGITS} digits long or deep")
        self.value = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One line of the table; units of one dimension convert into each other."""

    code: str
    dimension: str
    factor: Decimal
    offset: Decimal
    name: str


@cache
def units() -> Mapping[str, Unit]:
    """All units by their UCUM code; read once."""
    table = files(__package__).joinpath("units.csv").read_text(encoding="utf-8").splitlines()
    rows = [
        Unit(code=row["unit"], dimension=row["dimension"], factor=Decimal(row["factor"]), offset=Decimal(row["offset"]), name=row["name"])
        for row in csv.DictReader(table)
    ]
    return MappingProxyType({row.code: row for row in rows})


def unit_of(code: str) -> Unit:
    """The unit with this code; raises UnknownUnit."""
    unit = units().get(code)
    if unit is None:
        raise UnknownUnit(code)
    return unit


def convert(value: Decimal, unit: str, to: str) -> Decimal:
    """The same quantity in another unit; unchanged if the units are one.

    Exact where the result is a finite decimal of up to 38 digits, else rounded half-even to 38. Raises UnknownUnit,
    UnitsNotConvertible, ValueNotMeasurable.
    """
    have, want = unit_of(unit), unit_of(to)
    if have.dimension != want.dimension:
        raise UnitsNotConvertible(unit, to)
    measurable(value)
    if have == want:
        return value
    reference = EXACT.fma(value, have.factor, have.offset)
    converted = ROUNDED.divide(EXACT.subtract(reference, want.offset), want.factor)
    return measurable(converted) if converted else Decimal(0)


def measurable(value: Decimal) -> Decimal:
    """The value itself; raises ValueNotMeasurable for NaN, infinities and what would not fit."""
    if not value.is_finite() or len(value.as_tuple().digits) > MOST_DIGITS or not -MOST_DIGITS < value.adjusted() < LARGEST.adjusted():
        raise ValueNotMeasurable(value)
    return value
