"""Windows of indicator feeds: which are due, what they come to, what was said of them."""

from collections.abc import Sequence
from datetime import date, datetime

from stratapolis.chassis.db import Tx
from stratapolis.data.domain.feed import Computed, Value, mean

MEET = 0x5741_0D02
"""Batches share it, the registration of a feed has it alone: no row falls between the days that are marked and those that mark themselves."""
DUE = """
    select feed_id, day from dirty_window where due_at <= $1 group by feed_id, day order by min(due_at), feed_id, day limit $2"""
TAKE = """
    delete from dirty_window where (feed_id, day, series_id) in (
        select feed_id, day, series_id from dirty_window where feed_id = $1 and day = $2 order by series_id for update skip locked
    ) returning series_id"""
VALUES = """
    select s.thing, count(*) as count, sum(o.value) as total
    from series s join observation o on o.series_id = s.series_id
    where s.series_id = any($1) and o.observed_at >= $2 and o.observed_at < $3 group by s.thing order by s.thing"""
PUT = """
    insert into computed (feed_id, scope, day, revision, value, observations, computed_at)
    select $1, n.scope, $2, n.revision, n.value, n.observations, $3 from unnest($4::text[], $5::int[], $6::numeric[], $7::bigint[])
        as n(scope, revision, value, observations)
    on conflict (feed_id, day, scope) do update
    set revision = excluded.revision, value = excluded.value, observations = excluded.observations, computed_at = excluded.computed_at"""
DAYS = """
    select distinct o.series_id, date_trunc('day', o.observed_at, 'UTC')::date as day from observation o where o.series_id = any($1) and o.observed_at >= $2"""


async def share_feeds(tx: Tx) -> None:
    """No feed comes while this transaction lasts."""
    await tx.execute("select pg_advisory_xact_lock_shared($1)", MEET)


async def own_feeds(tx: Tx) -> None:
    """No batch is under way from here to the end of this transaction."""
    await tx.execute("select pg_advisory_xact_lock($1)", MEET)


async def due(tx: Tx, *, at: datetime, limit: int) -> list[tuple[str, date]]:
    """Days of feeds that may be computed, the longest waiting first."""
    return [(row["feed_id"], row["day"]) for row in await tx.fetch(DUE, at, limit)]


async def take(tx: Tx, feed_id: str, day: date) -> list[int]:
    """Take the marks off a day: the series to compute. What is being marked just now is left for the next run."""
    return [row["series_id"] for row in await tx.fetch(TAKE, feed_id, day)]


async def values(tx: Tx, series_ids: Sequence[int], start: datetime, end: datetime) -> dict[str, Value]:
    """The mean of each thing that observed in the span."""
    rows = await tx.fetch(VALUES, list(series_ids), start, end)
    return {row["thing"]: Value(value=mean(row["total"], row["count"]), observations=row["count"]) for row in rows}


async def computed(tx: Tx, feed_id: str, day: date) -> dict[str, Computed]:
    """What is known of a day, by scope."""
    rows = await tx.fetch("select * from computed where feed_id = $1 and day = $2", feed_id, day)
    return {
        row["scope"]: Computed(scope=row["scope"], day=row["day"], revision=row["revision"], value=row["value"], observations=row["observations"])
        for row in rows
    }


async def put(tx: Tx, feed_id: str, day: date, found: Sequence[Computed]) -> None:
    """Store what a day's scopes come to."""
    columns = ([c.scope for c in found], [c.revision for c in found], [c.value for c in found], [c.observations for c in found])
    await tx.execute(PUT, feed_id, day, tx.at, *columns)


async def observed_days(tx: Tx, series_ids: Sequence[int], since: datetime) -> list[tuple[int, date]]:
    """The UTC days on which series have observed."""
    return [(row["series_id"], row["day"]) for row in await tx.fetch(DAYS, list(series_ids), since)]
