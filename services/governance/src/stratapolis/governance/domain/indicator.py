"""Indicators: their values by period and revision, which side of a target a value is on, and when a change of sides is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from stratapolis.governance.domain.period import Length

CITY = "city"
"""The framework of the city's own indicators, and the scope of the whole city."""


class Direction(StrEnum):
    """Which side of a target is the good one."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"


class Side(StrEnum):
    """On target, the target itself included, or off it."""

    ON = "on"
    OFF = "off"


class Trend(StrEnum):
    """How a value compares with that of the period before."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, order=True)
class IndicatorKey:
    """What identifies an indicator; `measure` is empty where the code has only one row."""

    framework: str
    code: str
    measure: str = ""

    def __str__(self) -> str:
        return f"{self.framework}:{self.code}" + (f" ({self.measure})" if self.measure else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A value to meet. `scope` is empty where it holds for every scope without one of its own, `set_at` None where it ships."""

    value: Decimal
    source: str
    scope: str = ""
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """How the city measures an indicator. A target ships with it only where it was fixed beforehand and has a source."""

    key: IndicatorKey
    unit: str
    direction: Direction
    length: Length
    computed_as: str
    source: str
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value that somebody found. `source_revision` is the finder's own: an older one, or the same again, is known already; 0: it has none."""

    definition: Definition
    scope: str
    period: str
    value: Decimal
    observations: int = 0
    source_revision: int = 0
    recorded_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A value of one series (an indicator and a scope) for one period. All revisions of a period are judged by the target of its first.

    `source_revision` is the newest that a finder has given for the period: a figure by hand comes between, and does not make an old one new again.
    """

    period: str
    revision: int
    value: Decimal
    unit: str
    target: Decimal | None
    side: Side | None
    observations: int
    source_revision: int
    measured_at: datetime
    recorded_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A change of sides that is said."""

    side: Side
    measurement: Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What is known of one series: the newest measured period, the newest revision of the periods in question, and what was said of it.

    `is_off` is what was said last; `off_period` and `recovered_period` are the periods it was last said of, empty before that.
    """

    newest: str = ""
    periods: Mapping[str, Measurement] = field(default_factory=lambda: MappingProxyType({}))
    is_off: bool = False
    off_period: str = ""
    recovered_period: str = ""


def side_of(value: Decimal, target: Decimal, direction: Direction) -> Side:
    """The side of a value; meeting the target exactly is meeting it."""
    is_good = value <= target if direction is Direction.LOWER_IS_BETTER else value >= target
    return Side.ON if is_good else Side.OFF


def trend_of(value: Decimal, before: Decimal | None, direction: Direction) -> Trend | None:
    """How a value compares with that of the period before; None where that was not measured."""
    if before is None:
        return None
    if value == before:
        return Trend.SAME
    return Trend.BETTER if (value < before) is (direction is Direction.LOWER_IS_BETTER) else Trend.WORSE


def measure(series: Series, figure: Figure, target: Decimal | None, *, at: datetime) -> tuple[Series, Measurement | None, Turn | None]:
    """Take a figure in: the next revision of its period, or None where nothing is new, and the change of sides to say. `target` is what holds now."""
    known = series.periods.get(figure.period)
    if known is not None and _is_known(known, figure):
        return series, None, None
    target = target if known is None else known.target
    found = Measurement(
        period=figure.period,
        revision=1 if known is None else known.revision + 1,
        value=figure.value,
        unit=figure.definition.unit,
        target=target,
        side=None if target is None else side_of(figure.value, target, figure.definition.direction),
        observations=figure.observations,
        source_revision=figure.source_revision or (0 if known is None else known.source_revision),
        measured_at=at,
        recorded_by=figure.recorded_by,
    )
    is_news = found.period >= series.newest
    series = replace(series, newest=max(series.newest, found.period), periods=MappingProxyType({**series.periods, found.period: found}))
    series, turn = _judge(series, found) if is_news else (series, None)
    return series, found, turn


def _is_known(known: Measurement, figure: Figure) -> bool:
    if figure.source_revision:
        return figure.source_revision <= known.source_revision
    return figure.value == known.value


def _judge(series: Series, found: Measurement) -> tuple[Series, Turn | None]:
    """An unchanged side is not news, and each side is said once of a period: a value that goes to and fro is said again from the next period on."""
    if found.side is Side.OFF and not series.is_off and found.period != series.off_period:
        return replace(series, is_off=True, off_period=found.period), Turn(side=Side.OFF, measurement=found)
    if found.side is Side.ON and series.is_off and found.period != series.recovered_period:
        return replace(series, is_off=False, recovered_period=found.period), Turn(side=Side.ON, measurement=found)
    return series, None
