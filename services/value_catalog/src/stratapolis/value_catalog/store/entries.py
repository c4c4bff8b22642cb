"""Entries, and how they are found. Reads return rows of the view `shown`, which `codec.entries` renders."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.value_catalog.domain.entry import Entry
from stratapolis.value_catalog.domain.errors import ServiceNotFound

UNPREPARE = "delete from entry where service_id = $1 and version = $2 and state = 'hidden'"
PREPARE = """
    insert into entry (service_id, version, journey_id, creator_id, creator_name, name, title, description, category, stakeholders, outcomes, outcome_names,
                       is_free, answer_within_hours, latitude, longitude, manifest, shares, endpoint, state, prepared_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 'hidden', $20)"""
PUBLISH = """
    update entry set state = 'live', published_at = $4 where service_id = $1 and version = $2 and journey_id = $3 and state = 'hidden'
    returning service_id, version, title"""
COMES_FROM = "update entry set origin = $3 where service_id = $1 and version = $2 and state = 'hidden'"
FITS = """
    state = 'live' and ($1::text = '' or category = $1) and ($2::jsonb is null or outcomes @> $2) and ($3::text = '' or stakeholders @> array[$3])
    and ($4::text = '' or creator_id = $4) and ($5::boolean is null or is_free = $5)
    and ($6::float8 is null or latitude is null or latitude between $6 and $7::float8
         and case when $8::float8 <= $9::float8 then longitude between $8 and $9 else longitude >= $8 or longitude <= $9 end)"""
SEARCH = f"""
    with found as (
        select service_id, version, ts_rank(search, websearch_to_tsquery('english', $10))::float8 as rank from entry
        where {FITS} and search @@ websearch_to_tsquery('english', $10)
    ), page as (
        select * from found where $11::float8 is null or rank < $11 or (rank = $11 and service_id > $12::text) order by rank desc, service_id limit $13
    )
    select s.*, page.rank from page join shown s using (service_id, version) order by page.rank desc, service_id"""  # noqa: S608 - constants of this module
BROWSE = f"""
    with page as (
        select service_id, version from entry where {FITS} and ($10::text is null or (title, service_id) > ($10, $11::text)) order by title, service_id limit $12
    )
    select s.* from page join shown s using (service_id, version) order by title, service_id"""  # noqa: S608 - constants of this module
CATEGORIES = """
    select category, count(*) as services from entry where state = 'live' and ($1::text is null or category > $1) group by category order by category limit $2"""
OUTCOMES = """
    with promised as (
        select o->>'framework' as framework, o->>'code' as code, o->>'measure' as measure, count(distinct service_id) as services,
            (array_agg(distinct o->>'name'))[:20] as names
        from entry, jsonb_array_elements(outcomes) o where state = 'live' group by 1, 2, 3
    ), page as (
        select * from promised where $1::text is null or (framework, code, measure) > ($1, $2::text, $3::text) order by framework, code, measure limit $4
    )
    select page.*, to_jsonb(m) as measured from page
    left join measured m on (m.framework, m.code, m.measure) = (page.framework, page.code, page.measure) and m.scope = 'city'
    order by page.framework, page.code, page.measure"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is kept; what is empty or None keeps all. `box` is (south, north, west, east), `indicator` (framework, code, measure)."""

    category: str = ""
    indicator: tuple[str, str, str] | None = None
    stakeholder: str = ""
    creator_id: str = ""
    is_free: bool | None = None
    box: tuple[float, float, float, float] | None = None


async def prepare(tx: Tx, entry: Entry, at: datetime) -> None:
    """Keep a hidden entry, in place of one that an earlier attempt has left."""
    await tx.execute(UNPREPARE, entry.service_id, entry.version)
    latitude, longitude = entry.place or (None, None)
    await tx.execute(
        PREPARE, entry.service_id, entry.version, entry.journey_id, entry.creator_id, entry.creator_name, entry.name, entry.title, entry.description,
        entry.category, list(entry.stakeholders), [asdict(outcome) for outcome in entry.outcomes], "\n".join(outcome.name for outcome in entry.outcomes),
        entry.is_free, entry.answer_within_hours, latitude, longitude, entry.manifest, [asdict(share) for share in entry.shares], entry.endpoint, at,
    )  # fmt: skip
    if entry.origin is not None:
        await tx.execute(COMES_FROM, entry.service_id, entry.version, asdict(entry.origin))


async def publish(tx: Tx, service_id: str, version: int, journey_id: str, at: datetime) -> Row | None:
    """Show the entry that this journey has prepared; None where there is none hidden."""
    return await tx.row(PUBLISH, service_id, version, journey_id, at)


async def drop(tx: Tx, journey_id: str) -> None:
    """Remove the hidden entry of a journey that did not end live."""
    await tx.execute("delete from entry where journey_id = $1 and state = 'hidden'", journey_id)


async def live_version(tx: Tx, service_id: str) -> int | None:
    """The version that is shown."""
    found: int | None = await tx.value("select version from entry where service_id = $1 and state = 'live'", service_id)
    return found


async def live(tx: Tx, service_id: str) -> Row:
    """What others in this layer build on: the shown entry's own columns; raises ServiceNotFound."""
    row = await tx.row("select creator_id, title, manifest, answer_within_hours from entry where service_id = $1 and state = 'live'", service_id)
    if row is None:
        raise ServiceNotFound(service_id)
    return row


async def get(tx: Tx, service_id: str) -> Row:
    """A shown entry with all that is known of it; raises ServiceNotFound."""
    row = await tx.row("select * from shown where service_id = $1", service_id)
    if row is None:
        raise ServiceNotFound(service_id)
    return row


async def search(tx: Tx, words: str, keep: Filter, *, after: tuple[float, str] | None, limit: int) -> list[Row]:
    """Shown entries that fit the words, the best first, with their `rank`."""
    rank, service_id = after or (None, "")
    return await tx.fetch(SEARCH, *_arguments(keep), words, rank, service_id, limit)


async def browse(tx: Tx, keep: Filter, *, after: tuple[str, str] | None, limit: int) -> list[Row]:
    """Shown entries by title."""
    title, service_id = after or (None, "")
    return await tx.fetch(BROWSE, *_arguments(keep), title, service_id, limit)


async def categories(tx: Tx, *, after: str | None, limit: int) -> list[Row]:
    """Categories of shown entries by name, with their number."""
    return await tx.fetch(CATEGORIES, after, limit)


async def outcomes(tx: Tx, *, after: tuple[str, str, str] | None, limit: int) -> list[Row]:
    """Indicators that shown entries promise to move, with the city's newest value."""
    return await tx.fetch(OUTCOMES, *(after or (None, "", "")), limit)


def _arguments(keep: Filter) -> tuple[object, ...]:
    framework, code, measure = keep.indicator or ("", "", "")
    bound = [{"framework": framework, "code": code, "measure": measure}] if keep.indicator else None
    return keep.category, bound, keep.stakeholder, keep.creator_id, keep.is_free, *(keep.box or (None, None, None, None))
