"""How the value of an indicator is to the target of an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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
class Value:
    """A value of an indicator (framework, code, measure) in a scope, as governance says it; decimals as they are written."""

    indicator: tuple[str, str, str]
    scope: str
    period: str
    revision: int
    value: str
    unit: str
    target: str
    side: Side | None
    direction: Direction | None
    measured_at: datetime


def side(value: Decimal, direction: Direction | None, *, own_target: Decimal | None, city_side: Side | None) -> Side | None:
    """The side of the service's own target if it sets one, else of the city's; None without either, or where nobody has said which side is good."""
    if own_target is None:
        return city_side
    if direction is None:
        return None
    is_good = value <= own_target if direction is Direction.LOWER_IS_BETTER else value >= own_target
    return Side.ON if is_good else Side.OFF
