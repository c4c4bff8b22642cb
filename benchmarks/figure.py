"""A figure: what was measured, in which unit, against which target."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `target` is text such as `<= 8 ms`; `met` says whether the value keeps it, None where there is none."""

    what: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """As a line of the JSON report."""
        return asdict(self)


def at_most(what: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure that should not be above a limit."""
    return Figure(what, value, unit, f"<= {limit:g} {unit}", value <= limit, note)


def at_least(what: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    """A figure that should not be below a limit."""
    return Figure(what, value, unit, f">= {limit:g} {unit}", value >= limit, note)


def side_by_side(what: str, ours: Sequence[float], bare: Sequence[float], limit: float) -> list[Figure]:
    """Both sides, and what ours is of the bare loop's: of each round, since the machine changes between rounds, and the middle of those."""
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
    return [
        Figure(what, statistics.median(ours), "1/s"),
        Figure(f"{what}, bare loop", statistics.median(bare), "1/s"),
        at_least(f"{what}, against the bare loop", 100 * ratio, "%", limit),
    ]


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile, 0 < q < 1."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(q * 1000) - 1]
