"""The indicators the city knows, and how it computes the few it does compute.

Four files stand beside this module. `indicators.csv`: the 111 U4SSC rows (91 codes) as published, with `measure` telling rows of one
code apart. `iso37120.csv`: the 100 names of ISO 37120:2014. `own.csv`: the city's own. `computed.csv`: unit, direction, target and their
sources, for the indicators the city computes. An indicator that is not in the last file has none of these and reads `not measured`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from stratapolis.chassis.errors import Kind, Refused
from stratapolis.governance.domain.indicator import CITY, Definition, Direction, IndicatorKey, Target
from stratapolis.governance.domain.period import Length

CATALOGUES = ("indicators.csv", "iso37120.csv", "own.csv")
OWN = "The city's own"
U4SSC_DIMENSIONS = {"EC": "Economy", "EN": "Environment", "SC": "Society and culture"}
"""U4SSC codes begin with their dimension."""


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

    @property
    def dimension(self) -> str:
        """The part of the scorecard it belongs to; ISO 37120 has sectors instead."""
        return OWN if self.key.framework == CITY else U4SSC_DIMENSIONS.get(self.key.code.partition(":")[0], self.sector)


@cache
def indicators() -> Mapping[IndicatorKey, Indicator]:
    """All indicators by key: U4SSC, ISO 37120 and the city's own; read once."""
    rows = (_indicator(row) for name in CATALOGUES for row in _rows(name))
    return MappingProxyType({row.key: row for row in rows})


@cache
def computed() -> Mapping[IndicatorKey, Definition]:
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


def own(key: IndicatorKey, name: str) -> Indicator:
    """An indicator of the city's own that is in no file."""
    return Indicator(key=key, name=name, kind="own", sector="", sdg=(), evaluation="", impact="", periodicity="")


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


def _computed(row: Mapping[str, str]) -> Definition:
    return Definition(
        key=_key(row),
        unit=row["unit"],
        direction=Direction(row["direction"]),
        length=Length(row["period"]),
        computed_as=row["computed_as"],
        source=row["source"],
        target=Target(value=Decimal(row["target"]), source=row["target_source"]) if row["target"] else None,
    )
