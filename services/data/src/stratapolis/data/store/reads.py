"""Reading observations: history, newest values, arrivals, windows; and what became of what was handed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stratapolis.chassis.db import Row, Tx
from stratapolis.data.domain.place import Box, Place
from stratapolis.data.domain.product import Product
from stratapolis.data.domain.reading import Series

AT_ONCE = 20
"""Series that one query of the history goes through: enough to fill a page soon, few enough not to read pages in vain."""

SERIES = """
    select series_id, thing, property from series
    where owner = $1 and property = any($2) and (case when cardinality($3::text[]) > 0 then thing = any($3) else starts_with(thing, $4) end)
      and (cardinality($5::text[]) = 0 or thing = any($5))
    order by thing, property"""
HISTORY = """
    select n.number, o.observed_at, o.value, o.latitude, o.longitude, o.flags
    from unnest($1::bigint[]) with ordinality n(series_id, number)
    cross join lateral (
        select * from observation o
        where o.series_id = n.series_id and o.observed_at >= case when n.number = 1 then $2::timestamptz else $3::timestamptz end and o.observed_at < $4
        order by o.observed_at limit $5
    ) o
    order by n.number, o.observed_at limit $5"""
LATEST = """
    select * from series
    where owner = $1 and property = any($2) and (case when cardinality($3::text[]) > 0 then thing = any($3) else starts_with(thing, $4) end)
      and observed_at is not null and ($5::text is null or (thing, property) > ($5, $6))
      and ($7::float8 is null or (latitude between $7 and $8
           and case when $9::float8 <= $10::float8 then longitude between $9 and $10 else longitude >= $9 or longitude <= $10 end))
    order by thing, property limit $11"""
ARRIVED = """
    select a.txid, a.series_id, o.observed_at, o.value, o.latitude, o.longitude, o.flags
    from arrival a
    cross join lateral (
        select * from observation o
        where o.series_id = a.series_id and o.observed_at between a.first_at and a.last_at and o.txid = a.txid
    ) o
    where a.series_id = any($1) and a.txid >= $2 and (a.txid, a.series_id, o.observed_at) > ($2, $3, $4)
      and a.txid <= $5
    order by a.txid, a.series_id, o.observed_at limit $6"""
NOW = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"
FORGOTTEN = "select coalesce(max(forgotten), 0) from arrivals_forgotten"
WINDOWS = """
    select s.number, width_bucket(o.observed_at, $2::timestamptz[]) as bucket, count(*) as count, sum(o.value) as total, min(o.value) as low, max(o.value) as high
    from unnest($1::bigint[]) with ordinality s(series_id, number) join observation o on o.series_id = s.series_id
    where o.observed_at >= $3 and o.observed_at < $4
    group by 1, 2 having (s.number, width_bucket(o.observed_at, $2::timestamptz[])) > ($5, $6) order by 1, 2 limit $7"""
REFUSED = """
    select * from refused_observation
    where ($1::text[] is null or owner = any($1)) and ($2 = '' or thing = $2) and ($3 = '' or reason = $3) and ($4::bigint is null or id < $4)
    order by id desc limit $5"""
INTAKE = "select * from intake where $1::timestamptz is null or (hour, way) < ($1, $2) order by hour desc, way desc limit $3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A series of a product."""

    series_id: int
    series: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """An observation as it is kept."""

    series: Series
    observed_at: datetime
    value: Decimal
    place: Place | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a stream has come: the transaction, and the row in it."""

    txid: int
    series_id: int
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A window of one thing: `bucket` counts windows from 1."""

    thing: str
    bucket: int
    count: int
    total: Decimal
    low: Decimal
    high: Decimal


async def series_of(tx: Tx, product: Product, *, things: Sequence[str] = (), properties: Sequence[str] = ()) -> list[Known]:
    """The series of a product by thing and property, or those of some things and properties of it."""
    wanted = [prop for prop in product.properties if not properties or prop in properties]
    rows = await tx.fetch(SERIES, product.owner, wanted, list(product.things), product.thing_prefix, list(things))
    return [Known(series_id=row["series_id"], series=Series(product.owner, row["thing"], row["property"])) for row in rows]


async def history(tx: Tx, known: Sequence[Known], *, start: datetime, end: datetime, first_from: datetime, limit: int) -> list[Observation]:
    """Observations by series and time; the first series from `first_from` on, which is where a page before has ended."""
    found: list[Observation] = []
    for begin in range(0, len(known), AT_ONCE):
        part = known[begin : begin + AT_ONCE]
        rows = await tx.fetch(HISTORY, [one.series_id for one in part], first_from if begin == 0 else start, start, end, limit - len(found))
        found += [_observation(row, part[row["number"] - 1].series) for row in rows]
        if len(found) >= limit:
            break
    return found


async def latest(tx: Tx, product: Product, *, prop: str, box: Box | None, after: tuple[str, ...] | None, limit: int) -> list[Observation]:
    """The newest observation of each thing and property; in a box: of those with a place in it."""
    thing, last = after or (None, None)
    sides = (box.south, box.north, box.west, box.east) if box else (None, None, None, None)
    properties = [prop] if prop else list(product.properties)
    rows = await tx.fetch(LATEST, product.owner, properties, list(product.things), product.thing_prefix, thing, last, *sides, limit)
    return [_observation(row, Series(row["owner"], row["thing"], row["property"])) for row in rows]


async def surely_over(tx: Tx) -> int:
    """The newest transaction that is surely over, and all before it."""
    return int(await tx.value(NOW))


async def forgotten(tx: Tx) -> int:
    """The newest transaction whose arrivals have been forgotten."""
    return int(await tx.value(FORGOTTEN))


async def arrived(tx: Tx, known: Sequence[Known], after: Cursor, *, upto: int, limit: int) -> list[tuple[Cursor, Observation]]:
    """What arrived after a cursor, in order, in transactions that were surely over (`surely_over`), so that none is overtaken."""
    by_id = {one.series_id: one.series for one in known}
    rows = await tx.fetch(ARRIVED, list(by_id), after.txid, after.series_id, after.observed_at, upto, limit)
    return [(Cursor(row["txid"], row["series_id"], row["observed_at"]), _observation(row, by_id[row["series_id"]])) for row in rows]


async def windows(tx: Tx, known: Sequence[Known], starts: Sequence[datetime], end: datetime, *, after: tuple[int, int], limit: int) -> list[Sum]:
    """Sums by thing and window; `after` is (number of the thing, window) of the last shown, both counted from 1."""
    rows = await tx.fetch(WINDOWS, [one.series_id for one in known], list(starts), starts[0], end, *after, limit)
    return [
        Sum(
            thing=known[row["number"] - 1].series.thing,
            bucket=row["bucket"],
            count=row["count"],
            total=row["total"],
            low=row["low"],
            high=row["high"],
        )
        for row in rows
    ]


async def list_refused(tx: Tx, *, owners: tuple[str, ...] | None, thing: str, reason: str, after: tuple[int, ...] | None, limit: int) -> list[Row]:
    """Refused observations of these owners' things, newest first."""
    return await tx.fetch(REFUSED, list(owners) if owners is not None else None, thing, reason, after[0] if after else None, limit)


async def list_intake(tx: Tx, *, after: tuple[object, ...] | None, limit: int) -> list[Row]:
    """Counts of what was taken in, newest hour first."""
    return await tx.fetch(INTAKE, *(after or (None, None)), limit)


def _observation(row: Row, series: Series) -> Observation:
    place = Place(latitude=row["latitude"], longitude=row["longitude"]) if row["latitude"] is not None and row["longitude"] is not None else None
    return Observation(
        series=series, observed_at=row["observed_at"], value=row["value"], place=place, flags=tuple(flag for flag in row["flags"].split(",") if flag)
    )
