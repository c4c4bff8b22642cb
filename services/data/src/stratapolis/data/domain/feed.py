"""Indicator feeds: what a day's observations say about the city."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

PLACES = Decimal("1e-9")
CITY = "city"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """What identifies an indicator."""

    framework: str
    code: str
    measure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A property of a product that gives an indicator its value, by days in the product's zone."""

    feed_id: str
    product: str
    prop: str
    indicator: Indicator
    unit: str
    zone: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a window comes to, and on how many observations it rests."""

    value: Decimal
    observations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """The value of one scope on one day; each change is a new revision."""

    scope: str
    day: date
    revision: int
    value: Decimal
    observations: int


def thing_scope(thing: str) -> str:
    """The scope of one thing's values."""
    return f"thing:{thing}"


def mean(total: Decimal, count: int) -> Decimal:
    """The mean, rounded half-even to 9 places."""
    return rounded(Fraction(total) / count)


def rounded(exact: Fraction) -> Decimal:
    """A fraction as a decimal of 9 places, half-even; exact arithmetic, so that the order of what was added up cannot show."""
    scaled = exact * 10**9
    with localcontext() as context:
        context.prec, context.rounding = 60, ROUND_HALF_EVEN
        return (Decimal(round(scaled)) * PLACES).quantize(PLACES)


def across(values: Sequence[Value]) -> Value | None:
    """The city's value: the mean of the things' means, each counting alike however often it observed. None: nothing was observed."""
    if not values:
        return None
    total = sum((Fraction(value.value) for value in values), Fraction(0))
    return Value(value=rounded(total / len(values)), observations=sum(value.observations for value in values))


def revise(before: Computed | None, found: Value, *, scope: str, day: date) -> tuple[Computed, bool]:
    """The next revision where the value changed, and whether it did: the same value on more observations is nothing to say."""
    if before is None:
        return Computed(scope=scope, day=day, revision=1, value=found.value, observations=found.observations), True
    changed = before.value != found.value
    revision = before.revision + changed
    return Computed(scope=scope, day=day, revision=revision, value=found.value, observations=found.observations), changed
