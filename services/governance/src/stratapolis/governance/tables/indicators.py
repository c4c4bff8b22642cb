"""The indicators the city knows, and how it computes the few it does compute.

Four files stand beside this module. `indicators.csv`: the 111 U4SSC rows (91 codes) as published, with `measure` telling rows of one
code apart. `iso37120.csv`: the 100 names of ISO 37120:2014. `own.csv`: the city's own. `computed.csv`: unit, direction, target and their
sources, for the indicators the city computes. An indicator that is not in the last file has none of these and reads `not measured`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from stratapolis.chassis.errors import Kind, Refused

CATALOGUES = ("indicators.csv", "iso37120.csv", "own.csv")


class Direction(StrEnum):
    """Which side of a target is the good one."""

    HIGHER_IS_BETTER = "higher_is_better"
    LOWER_IS_BETTER = "lower_is_better"


@dataclass(frozen=True, slots=True, order=True)
class IndicatorKey:
    """What identifies an indicator; `measure` is empty where the code has only one row."""

    framework: str
    code: str
    measure: str = ""

    def __str__(self) -> str:
        return f"{self.framework}:{self.code}" + (f" ({self.measure})" if self.measure else "")


class UnknownIndicator(Refused):
    """No catalogue has this key; `measures` lists what the code is told apart by, if only the measure is wrong."""

    reason = "UNKNOWN_INDICATOR"
    kind = Kind.NOT_FOUND

    def __init__(self, key: IndicatorKey, measures: tuple[str, ...]) -> None:
        hint = f"; measures of this code: {', '.join(repr(measure) for measure in measures)}" if measures else ""
        super().__init__(f"unknown indicator {key}{hint}", framework=key.framework, code=key.code, measure=key.measure)
        self.key, self.measures = key, measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An indicator as its framework publishes it; what the framework leaves open is empty."""

    key: IndicatorKey
    name: str
    kind: str
    sector: str
    sdg: tuple[int, ...]
    evaluation: str
    impact: str
    periodicity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """How the city computes an indicator; a target is there only where it was fixed beforehand and has a source."""

    key: IndicatorKey
    unit: str
    direction: Direction
    period: str
    computed_as: str
    source: str
    target: Decimal | None
    target_source: str

    def meets(self, value: Decimal) -> bool | None:
        """Whether the value is on the target's good side, the target included; None without a target."""
        if self.target is None:
            return None
        return value <= self.target if self.direction is Direction.LOWER_IS_BETTER else value >= self.target


@cache
def indicators() -> Mapping[IndicatorKey, Indicator]:
    """All indicators by key: U4SSC, ISO 37120 and the city's own; read once."""
    rows = (_indicator(row) for name in CATALOGUES for row in _rows(name))
    return MappingProxyType({row.key: row for row in rows})


@cache
def computed() -> Mapping[IndicatorKey, Computed]:
    """The indicators the city computes, by key; read once."""
    rows = (_computed(row) for row in _rows("computed.csv"))
    return MappingProxyType({row.key: row for row in rows})


def indicator(framework: str, code: str, measure: str = "") -> Indicator:
    """The indicator with this key; raises UnknownIndicator."""
    key = IndicatorKey(framework, code, measure)
    found = indicators().get(key)
    if found is None:
        raise UnknownIndicator(key, tuple(other.measure for other in indicators() if (other.framework, other.code) == (framework, code)))
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines())


def _key(row: Mapping[str, str]) -> IndicatorKey:
    return IndicatorKey(row["framework"], row["code"], row["measure"])


def _indicator(row: Mapping[str, str]) -> Indicator:
    return Indicator(
        key=_key(row),
        name=row["name"],
        kind=row["kind"],
        sector=row["sector"],
        sdg=tuple(int(goal) for goal in row["sdg"].split("|") if goal),
        evaluation=row["evaluation"],
        impact=row["impact"],
        periodicity=row["periodicity"],
    )


def _computed(row: Mapping[str, str]) -> Computed:
    return Computed(
        key=_key(row),
        unit=row["unit"],
        direction=Direction(row["direction"]),
        period=row["period"],
        computed_as=row["computed_as"],
        source=row["source"],
        target=Decimal(row["target"]) if row["target"] else None,
        target_source=row["target_source"],
    )
