"""What parties of an agreement promise of indicators, and when they have missed it. Promised values are judged once their period is over."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from stratapolis.policy.domain.errors import MetricNotValid

CITY = "city"
EVERYWHERE = timedelta(hours=12)
"""How much later than in UTC a day ends in the zone that is farthest behind."""
SIGNS = {4: "-12-31", 7: "-01", 10: ""}
"""How many signs a year, a month and a day are written with, and what makes a date of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A promise: the value is at the bound or on its good side; `penalty` is paid to the city for a period in which it is not."""

    framework: str
    code: str
    measure: str
    scope: str
    lower_is_better: bool
    bound: Decimal
    party: str
    penalty: Decimal

    def missed_by(self, value: Decimal) -> bool:
        """Whether a value breaks the promise."""
        return value > self.bound if self.lower_is_better else value < self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The newest value of a metric's period; `number` is the metric's place in its agreement."""

    agreement_id: str
    currency: str
    number: int
    metric: Metric
    period: str
    revision: int
    value: Decimal
    unit: str
    failure_id: str | None = None
    """The failure that stands for this period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A period in which a metric was missed; `withdrawn_at`: a corrected value has kept the promise after all."""

    failure_id: str
    reading: Reading
    raised_at: datetime
    withdrawn_at: datetime | None = None


def check(metrics: Sequence[Metric], parties: AbstractSet[str]) -> None:
    """Raises MetricNotValid for a promise by nobody who could pay, of nothing, or made twice."""
    seen: set[tuple[str, ...]] = set()
    for number, metric in enumerate(metrics):
        if metric.party == CITY:
            raise MetricNotValid(number, "party", "penalties are paid to the city, it promises none; name another party")
        if metric.party not in parties:
            raise MetricNotValid(number, "party", f"{metric.party} has no share in the agreement; name one of its parties")
        if metric.penalty <= 0:
            raise MetricNotValid(number, "penalty", "must be more than 0")
        named = (metric.framework, metric.code, metric.measure, metric.scope, metric.party)
        if named in seen:
            raise MetricNotValid(number, "indicator", "is promised twice by this party; promise it once")
        seen.add(named)


def last_day(period: str) -> date | None:
    """The last day of a year, a month or a day; None for a text that names none."""
    try:
        day = date.fromisoformat(period + SIGNS[len(period)])
    except (KeyError, ValueError):
        return None
    return (day + timedelta(days=31)).replace(day=1) - timedelta(days=1) if len(period) == 7 else day


def over_at(day: date) -> datetime:
    """When a period with this last day is over in every zone."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) + EVERYWHERE


def judge(reading: Reading) -> bool | None:
    """True: a failure is to be raised. False: the one that stands is to be withdrawn. None: all is as it should be."""
    missed = reading.metric.missed_by(reading.value)
    return None if missed == (reading.failure_id is not None) else missed
