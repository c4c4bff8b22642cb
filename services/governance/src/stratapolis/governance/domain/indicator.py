"""Indicators: which side of its target a value is on, and when a change of sides is said."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum


class Direction(StrEnum):
    """Which side of a target is the good one."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"


class Side(StrEnum):
    """On target, the target itself included, or off it."""

    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A value of one series (an indicator and a scope) for one period; a better figure for the same period is its next revision."""

    period: str
    revision: int
    value: Decimal
    target: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was said of a series last: its side, the newest period it was judged by, the period it was last said to be off."""

    side: Side = Side.ON
    period: str = ""
    off_period: str = ""


def side_of(value: Decimal, target: Decimal, direction: Direction) -> Side:
    """The side of a value; meeting the target exactly is meeting it."""
    is_good = value <= target if direction is Direction.LOWER_IS_BETTER else value >= target
    return Side.ON if is_good else Side.OFF


def judge(standing: Standing, measured: Measured, direction: Direction) -> tuple[Standing, Side | None]:
    """The side to say, or None: an older period says nothing of today, an unchanged side is not news, and a period goes off once."""
    if measured.target is None or measured.period < standing.period:
        return standing, None
    standing = replace(standing, period=measured.period)
    side = side_of(measured.value, measured.target, direction)
    if side is standing.side or (side is Side.OFF and measured.period == standing.off_period):
        return standing, None
    return replace(standing, side=side, off_period=measured.period if side is Side.OFF else standing.off_period), side
