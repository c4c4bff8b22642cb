"""Measurements by period and revision, and what was said of them."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.indicator import IndicatorKey, Measurement, Series, Side, Turn

SeriesKey = tuple[IndicatorKey, str]
"""An indicator and a scope."""

BEGIN = """
    insert into series (framework, code, measure, scope)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) n(f, c, m, s) order by f, c, m, s on conflict do nothing"""
LOCK = """
    select s.* from series s join unnest($1::text[], $2::text[], $3::text[], $4::text[]) n(framework, code, measure, scope)
        on (s.framework, s.code, s.measure, s.scope) = (n.framework, n.code, n.measure, n.scope)
    order by s.framework, s.code, s.measure, s.scope for update of s"""
SAID = """
    select s.series_id, s.newest,
        coalesce((select max(e.period) from excursion e where e.series_id = s.series_id), '') as off_period,
        coalesce((select max(e.recovered_period) from excursion e where e.series_id = s.series_id), '') as recovered_period,
        exists (select from excursion e where e.series_id = s.series_id and e.recovered_period is null) as is_off
    from series s where s.series_id = any($1)"""
KNOWN = """
    select n.series_id as of_series, m.* from unnest($1::bigint[], $2::text[]) n(series_id, period)
    cross join lateral (select * from measurement m where (m.series_id, m.period) = (n.series_id, n.period) order by m.revision desc limit 1) m"""
INSERT = """
    insert into measurement (series_id, period, revision, value, unit, target, side, observations, source_revision, recorded_by, measured_at)
    select * from unnest($1::bigint[], $2::text[], $3::int[], $4::numeric[], $5::text[], $6::numeric[], $7::text[], $8::bigint[], $9::int[], $10::text[],
                         $11::timestamptz[])"""
ADVANCE = "update series s set newest = n.newest from unnest($1::bigint[], $2::text[]) n(series_id, newest) where s.series_id = n.series_id"
GO_OFF = "insert into excursion (series_id, period, value, target, unit, off_at) values ($1, $2, $3, $4, $5, $6)"
RECOVER = "update excursion set recovered_period = $2, recovered_value = $3, recovered_at = $4 where series_id = $1 and recovered_period is null"


async def lock(tx: Tx, wanted: Iterable[SeriesKey]) -> dict[SeriesKey, int]:
    """The ids of these series, begun where they are new, and locked: revisions of a series come one after the other."""
    columns = _columns(wanted)
    await tx.execute(BEGIN, *columns)
    return {(IndicatorKey(row["framework"], row["code"], row["measure"]), row["scope"]): row["series_id"] for row in await tx.fetch(LOCK, *columns)}


async def load(tx: Tx, periods: Sequence[tuple[int, str]]) -> dict[int, Series]:
    """Locked series by id, each with the newest revision of the periods in question."""
    series_ids = [series_id for series_id, _ in periods]
    known: dict[int, dict[str, Measurement]] = {}
    for row in await tx.fetch(KNOWN, series_ids, [period for _, period in periods]):
        known.setdefault(row["of_series"], {})[row["period"]] = measurement(row)
    return {
        row["series_id"]: Series(
            newest=row["newest"],
            periods=MappingProxyType(known.get(row["series_id"], {})),
            is_off=row["is_off"],
            off_period=row["off_period"],
            recovered_period=row["recovered_period"],
        )
        for row in await tx.fetch(SAID, series_ids)
    }


async def put(tx: Tx, found: Sequence[tuple[int, Measurement]], newest: Mapping[int, str]) -> None:
    """Keep new revisions, and how far their series have come."""
    await tx.execute(
        INSERT, [series_id for series_id, _ in found],
        *map(list, zip(*[
            (m.period, m.revision, m.value, m.unit, m.target, m.side, m.observations, m.source_revision, m.recorded_by, m.measured_at) for _, m in found
        ], strict=True)),
    )  # fmt: skip
    await tx.execute(ADVANCE, list(newest), list(newest.values()))


async def turn(tx: Tx, series_id: int, said: Turn) -> None:
    """Keep a change of sides: an excursion begins, or the open one ends."""
    m = said.measurement
    if said.side is Side.OFF:
        await tx.execute(GO_OFF, series_id, m.period, m.value, m.target, m.unit, m.measured_at)
    else:
        await tx.execute(RECOVER, series_id, m.period, m.value, m.measured_at)


def measurement(row: Row) -> Measurement:
    """A row of `measurement`."""
    return Measurement(
        period=row["period"],
        revision=row["revision"],
        value=row["value"],
        unit=row["unit"],
        target=row["target"],
        side=None if row["side"] is None else Side(row["side"]),
        observations=row["observations"],
        source_revision=row["source_revision"],
        measured_at=row["measured_at"],
        recorded_by=row["recorded_by"],
    )


def _columns(wanted: Iterable[SeriesKey]) -> tuple[list[str], list[str], list[str], list[str]]:
    wanted = list(wanted)
    return [k.framework for k, _ in wanted], [k.code for k, _ in wanted], [k.measure for k, _ in wanted], [scope for _, scope in wanted]
