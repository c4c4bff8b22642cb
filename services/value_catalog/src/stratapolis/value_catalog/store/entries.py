"""Entries, and how they are found. Reads return rows of the view `shown`, which `codec.entries` renders."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime

from stratapolis.chassis.changes import Cursor
from stratapolis.chassis.db import Row, Tx
from stratapolis.value_catalog.domain.entry import Entry
from stratapolis.value_catalog.domain.errors import ServiceNotFound, ServiceRetired, ServiceSuspended
from stratapolis.value_catalog.store.owners import Owners, services

LONE_DASHES = re.compile(r"(?<!\S)[-–—]+(?!\S)")
UNPREPARE = "delete from entry where service_id = $1 and version = $2 and state = 'hidden'"
PREPARE = """
    insert into entry (service_id, version, journey_id, creator_id, creator_name, name, title, description, category, stakeholders, outcomes, outcome_names,
                       is_free, answer_within_hours, latitude, longitude, manifest, shares, endpoint, life_events, state, prepared_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 'hidden', $21)"""
CURRENT = "select version, state, suspended_why from entry where service_id = $1 and state in ('live', 'suspended') for update"
PUBLISH = """
    update entry set state = $5, suspended_why = $6, published_at = $4 where service_id = $1 and version = $2 and journey_id = $3 and state = 'hidden'
    returning title"""
COMES_FROM = "update entry set origin = $3 where service_id = $1 and version = $2 and state = 'hidden'"
REPLACE = "update entry set state = 'replaced', suspended_why = '' where service_id = $1 and version = $2"
SUSPEND = "update entry set state = 'suspended', suspended_why = $2 where service_id = $1 and state in ('live', 'suspended')"
RESUME = "update entry set state = 'live', suspended_why = '' where service_id = $1 and state = 'suspended'"
RETIRE = """
    update entry set state = 'retiring', suspended_why = '' where journey_id = $1 and state in ('live', 'suspended')
    returning service_id, version"""
DROP = "delete from entry where journey_id = $1 and state in ('hidden', 'replaced')"
# A shown entry that is not live belongs to who offers the service, to its software, and to who has or had a subscription.
MAY_SEE = """
    ($1::text[] is null or state = 'live' or creator_id = any($1) or service_id = any($2)
     or exists (select from subscription u where u.service_id = s.service_id and u.subscriber = any($1)))"""
SEE = f"select * from shown s where {MAY_SEE} and service_id = $3"  # noqa: S608 - constants of this module
# Locked against the entry's suspension and retirement, which wait for what is built on it in this moment.
SERVING = f"""
    select s.state, s.creator_id, s.title, s.manifest, s.answer_within_hours from entry s
    where {MAY_SEE} and service_id = $3 and state in ('live', 'suspended', 'retiring', 'retired') for share of s"""  # noqa: S608 - constants of this module
CHANGED = f"""
    select s.*, s.changed::text as changed_text, {MAY_SEE} as may_see from shown s
    where (changed, service_id) > ($3::text::xid8, $4) and changed < pg_snapshot_xmin(pg_current_snapshot())
    order by changed, service_id limit $5"""  # noqa: S608 - constants of this module
LIFE_EVENTS = """
    select l.name, count(*) as services from entry, unnest(life_events) l(name) where state = 'live' and ($1::text is null or l.name > $1)
    group by l.name order by l.name limit $2"""
FITS = """
    state = 'live' and ($1::text = '' or category = $1) and ($2::jsonb is null or outcomes @> $2) and ($3::text = '' or stakeholders @> array[$3])
    and ($4::text = '' or creator_id = $4) and ($5::boolean is null or is_free = $5)
    and ($6::float8 is null or latitude is null or latitude between $6 and $7::float8
         and case when $8::float8 <= $9::float8 then longitude between $8 and $9 else longitude >= $8 or longitude <= $9 end)
    and ($10::text = '' or life_events @> array[$10])"""
SEARCH = f"""
    with found as (
        select service_id, version, ts_rank(search, websearch_to_tsquery('english', $11))::float8 as rank from entry
        where {FITS} and search @@ websearch_to_tsquery('english', $11)
    ), page as (
        select * from found where $12::float8 is null or rank < $12 or (rank = $12 and service_id > $13::text) order by rank desc, service_id limit $14
    )
    select s.*, page.rank from page join shown s using (service_id, version) order by page.rank desc, service_id"""  # noqa: S608 - constants of this module
BROWSE = f"""
    with page as (
        select service_id, version from entry where {FITS} and ($11::text is null or (title, service_id) > ($11, $12::text)) order by title, service_id limit $13
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
    life_event: str = ""
    box: tuple[float, float, float, float] | None = None


async def prepare(tx: Tx, entry: Entry, at: datetime) -> None:
    """Keep a hidden entry, in place of one that an earlier attempt has left."""
    await tx.execute(UNPREPARE, entry.service_id, entry.version)
    latitude, longitude = entry.place or (None, None)
    await tx.execute(
        PREPARE, entry.service_id, entry.version, entry.journey_id, entry.creator_id, entry.creator_name, entry.name, entry.title, entry.description,
        entry.category, list(entry.stakeholders), [asdict(outcome) for outcome in entry.outcomes], "\n".join(outcome.name for outcome in entry.outcomes),
        entry.is_free, entry.answer_within_hours, latitude, longitude, entry.manifest, [asdict(share) for share in entry.shares], entry.endpoint,
        list(entry.life_events), at,
    )  # fmt: skip
    if entry.origin is not None:
        await tx.execute(COMES_FROM, entry.service_id, entry.version, asdict(entry.origin))


async def publish(tx: Tx, service_id: str, version: int, journey_id: str, at: datetime) -> tuple[str, int | None] | None:
    """Show the entry that this journey has prepared, in place of the version that is shown now: its title, and that version. None where none is hidden.

    A suspended service stays suspended; what is left of an earlier, retired one is taken away.
    """
    now = await tx.row(CURRENT, service_id)
    if now is not None and now["version"] == version:
        return None
    await tx.execute("delete from entry where service_id = $1 and state = 'retired'", service_id)
    if now is not None:
        await tx.execute(REPLACE, service_id, now["version"])
    state, why = (now["state"], now["suspended_why"]) if now is not None else ("live", "")
    shown = await tx.row(PUBLISH, service_id, version, journey_id, at, state, why)
    return None if shown is None else (shown["title"], now["version"] if now is not None else None)


async def drop(tx: Tx, journey_id: str) -> None:
    """Remove the entry of a journey that is not shown: hidden, or replaced."""
    await tx.execute(DROP, journey_id)


async def suspend(tx: Tx, service_id: str, why: str) -> None:
    """Hide the shown entry for a while."""
    await tx.execute(SUSPEND, service_id, why)


async def resume(tx: Tx, service_id: str) -> None:
    """Show it again."""
    await tx.execute(RESUME, service_id)


async def retire(tx: Tx, journey_id: str) -> Row | None:
    """Take the shown entry of a journey out of the catalogue, for good; None where there is none."""
    return await tx.row(RETIRE, journey_id)


async def note_retired(tx: Tx, service_id: str) -> None:
    """Nothing of the service is left anywhere."""
    await tx.execute("update entry set state = 'retired' where service_id = $1 and state = 'retiring'", service_id)


async def shown_version(tx: Tx, service_id: str) -> int | None:
    """The version that is shown, or would be if it were not suspended."""
    found: int | None = await tx.value("select version from entry where service_id = $1 and state in ('live', 'suspended')", service_id)
    return found


async def is_suspended(tx: Tx, service_id: str) -> bool:
    """Whether a service is stopped for a while."""
    return bool(await tx.value("select exists (select from entry where service_id = $1 and state = 'suspended')", service_id))


async def live(tx: Tx, service_id: str, owners: tuple[str, ...]) -> Row:
    """What others in this layer build on: the shown entry's own columns. Raises ServiceNotFound, ServiceSuspended, ServiceRetired."""
    row = await tx.row(SERVING, owners, services(owners), service_id)
    if row is None:
        raise ServiceNotFound(service_id)
    if row["state"] == "suspended":
        raise ServiceSuspended(service_id)
    if row["state"] != "live":
        raise ServiceRetired(service_id)
    return row


async def get(tx: Tx, service_id: str, owners: Owners) -> Row:
    """An entry that these owners may see, with all that is known of it; raises ServiceNotFound."""
    row = await tx.row(SEE, owners, services(owners), service_id)
    if row is None:
        raise ServiceNotFound(service_id)
    return row


async def changed(tx: Tx, owners: Owners, after: Cursor, limit: int) -> list[tuple[Row, Cursor]]:
    """What has changed behind a cursor, each with its own; `may_see` says whether these owners may. Only what no open transaction can come before."""
    rows = await tx.fetch(CHANGED, owners, services(owners), *after, limit)
    return [(row, (row["changed_text"], row["service_id"])) for row in rows]


async def search(tx: Tx, words: str, keep: Filter, *, after: tuple[float, str] | None, limit: int) -> list[Row]:
    """Shown entries that fit the words, the best first, with their `rank`. A dash before a word leaves out what has it; one that stands alone says nothing."""
    rank, service_id = after or (None, "")
    return await tx.fetch(SEARCH, *_arguments(keep), LONE_DASHES.sub(" ", words), rank, service_id, limit)


async def browse(tx: Tx, keep: Filter, *, after: tuple[str, str] | None, limit: int) -> list[Row]:
    """Shown entries by title."""
    title, service_id = after or (None, "")
    return await tx.fetch(BROWSE, *_arguments(keep), title, service_id, limit)


async def categories(tx: Tx, *, after: str | None, limit: int) -> list[Row]:
    """Categories of shown entries by name, with their number."""
    return await tx.fetch(CATEGORIES, after, limit)


async def life_events(tx: Tx, *, after: str | None, limit: int) -> list[Row]:
    """Life events that shown entries name, with their number."""
    return await tx.fetch(LIFE_EVENTS, after, limit)


async def outcomes(tx: Tx, *, after: tuple[str, str, str] | None, limit: int) -> list[Row]:
    """Indicators that shown entries promise to move, with the city's newest value."""
    return await tx.fetch(OUTCOMES, *(after or (None, "", "")), limit)


def _arguments(keep: Filter) -> tuple[object, ...]:
    framework, code, measure = keep.indicator or ("", "", "")
    bound = [{"framework": framework, "code": code, "measure": measure}] if keep.indicator else None
    return keep.category, bound, keep.stakeholder, keep.creator_id, keep.is_free, *(keep.box or (None, None, None, None)), keep.life_event
