"""What is measured, as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.indicator import IndicatorKey, Measurement
from stratapolis.governance.domain.period import before
from stratapolis.governance.store.measurements import measurement

NEWEST = """
    select s.framework, s.code, s.measure, m.* from series s
    cross join lateral (select * from measurement m where m.series_id = s.series_id and m.period = s.newest order by m.revision desc limit 1) m
    where s.scope = $1"""
BEFORE = """
    select n.series_id, m.value from unnest($1::bigint[], $2::text[]) n(series_id, period)
    cross join lateral (
        select value from measurement m where (m.series_id, m.period) = (n.series_id, n.period) order by m.revision desc limit 1
    ) m"""
HISTORY = """
    select m.* from measurement m join series s using (series_id)
    where (s.framework, s.code, s.measure, s.scope) = ($1, $2, $3, $4) and ($5::text is null or (m.period, m.revision) < ($5, $6::int))
    order by m.period desc, m.revision desc limit $7"""
EXCURSIONS = """
    select s.framework, s.code, s.measure, s.scope, e.* from excursion e join series s using (series_id)
    where ($1::text is null or (s.framework, s.code, s.measure) = ($1, $2, $3)) and ($4 = '' or s.scope = $4) and (not $5 or e.recovered_period is null)
      and ($6::timestamptz is null or (e.off_at, e.series_id, e.period) < ($6, $7::bigint, $8::text))
    order by e.off_at desc, e.series_id desc, e.period desc limit $9"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest value of an indicator in a scope, and that of the period before, if it was measured."""

    measurement: Measurement
    before: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursion:
    """A span off target, as it was said."""

    series_id: int
    key: IndicatorKey
    scope: str
    period: str
    value: Decimal
    target: Decimal
    unit: str
    off_at: datetime
    recovered_period: str
    recovered_value: Decimal | None
    recovered_at: datetime | None


async def newest(tx: Tx, scope: str) -> dict[IndicatorKey, Newest]:
    """Everything that is measured in a scope, in two queries: no more than there are indicators."""
    rows = await tx.fetch(NEWEST, scope)
    periods = {row["series_id"]: before(row["period"]) for row in rows}
    earlier = {row["series_id"]: row["value"] for row in await tx.fetch(BEFORE, list(periods), list(periods.values()))}
    return {
        IndicatorKey(row["framework"], row["code"], row["measure"]): Newest(measurement=measurement(row), before=earlier.get(row["series_id"])) for row in rows
    }


async def history(tx: Tx, key: IndicatorKey, scope: str, *, after: tuple[str, int] | None, limit: int) -> list[Measurement]:
    """Every revision of a series, the newest period first."""
    period, revision = after or (None, 0)
    return [measurement(row) for row in await tx.fetch(HISTORY, key.framework, key.code, key.measure, scope, period, revision, limit)]


async def excursions(tx: Tx, key: IndicatorKey | None, *, scope: str, open_only: bool, after: tuple[datetime, int, str] | None, limit: int) -> list[Excursion]:
    """Spans off target, the newest first."""
    wanted: Sequence[str | None] = (key.framework, key.code, key.measure) if key else (None, None, None)
    off_at, series_id, period = after or (None, 0, "")
    return [_excursion(row) for row in await tx.fetch(EXCURSIONS, *wanted, scope, open_only, off_at, series_id, period, limit)]


def _excursion(row: Row) -> Excursion:
    return Excursion(
        series_id=row["series_id"],
        key=IndicatorKey(row["framework"], row["code"], row["measure"]),
        scope=row["scope"],
        period=row["period"],
        value=row["value"],
        target=row["target"],
        unit=row["unit"],
        off_at=row["off_at"],
        recovered_period=row["recovered_period"] or "",
        recovered_value=row["recovered_value"],
        recovered_at=row["recovered_at"],
    )
