"""Funding sources and reservations. Sources are locked in the order of their ids, so that no two transactions wait for each other."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.policy.domain.errors import FundingNotFound
from stratapolis.policy.domain.funding import FundingKind, Reservation, Source

KNOWN = "select * from funding_source where source_id = any($1) order by source_id"
LOCK = f"{KNOWN} for update"
LIST = """
    select * from funding_source
    where ($1::text[] is null or kind = any($1)) and ($2::timestamptz is null or (created_at, source_id) < ($2, $3))
    order by created_at desc, source_id desc limit $4"""
INSERT = "insert into funding_source (source_id, title, kind, currency, amount, start_at, end_at, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
UPDATE = """
    update funding_source s set reserved = n.reserved, committed = n.committed
    from unnest($1::text[], $2::numeric[], $3::numeric[]) n(source_id, reserved, committed) where s.source_id = n.source_id"""
HELD = "select * from reservation where service_id = $1 and version = $2 order by source_id"
PUT = """
    insert into reservation (source_id, service_id, version, amount, committed, carried_from)
    select * from unnest($1::text[], $2::text[], $3::int[], $4::numeric[], $5::bool[], $6::int[])
    on conflict (service_id, version, source_id) do update set committed = excluded.committed"""
TAKE_OVER = """
    update reservation r set carried_from = null from reservation was
    where (r.service_id, r.version) = ($1, $2) and (was.service_id, was.version, was.source_id) = (r.service_id, r.carried_from, r.source_id)
    returning was.version as carried_from, r.source_id"""
GIVE_UP = """
    delete from reservation r using unnest($2::int[], $3::text[]) n(version, source_id)
    where r.service_id = $1 and (r.version, r.source_id) = (n.version, n.source_id)"""


async def add(tx: Tx, source: Source) -> None:
    """Keep a new one."""
    term = (source.start_at, source.end_at, source.created_at)
    await tx.execute(INSERT, source.source_id, source.title, source.kind, source.currency, source.amount, *term)


async def get(tx: Tx, source_id: str) -> Source:
    """One, as it stands; raises FundingNotFound."""
    row = await tx.row("select * from funding_source where source_id = $1", source_id)
    if row is None:
        raise FundingNotFound(source_id)
    return _source(row)


async def listed(tx: Tx, *, kinds: Sequence[FundingKind], after: tuple[datetime, str] | None, limit: int) -> list[Source]:
    """Sources, newest first."""
    at, source_id = after or (None, "")
    return [_source(row) for row in await tx.fetch(LIST, list(kinds) or None, at, source_id, limit)]


async def known(tx: Tx, source_ids: Iterable[str]) -> dict[str, Source]:
    """Those of the sources that there are."""
    return {row["source_id"]: _source(row) for row in await tx.fetch(KNOWN, sorted(source_ids))}


async def lock(tx: Tx, source_ids: Iterable[str]) -> dict[str, Source]:
    """Those of the sources that there are, locked in the order of their ids."""
    return {row["source_id"]: _source(row) for row in await tx.fetch(LOCK, sorted(source_ids))}


async def reservations(tx: Tx, service_id: str, version: int) -> tuple[Reservation, ...]:
    """What a version of a service has, by source."""
    return tuple(_reservation(row) for row in await tx.fetch(HELD, service_id, version))


async def put(tx: Tx, changed: Sequence[tuple[Source, Reservation]]) -> None:
    """Keep what was reserved or committed, and what it leaves of the sources."""
    await _put_sources(tx, [source for source, _ in changed])
    held = [reservation for _, reservation in changed]
    keys = ([r.source_id for r in held], [r.service_id for r in held], [r.version for r in held])
    await tx.execute(PUT, *keys, [r.amount for r in held], [r.committed for r in held], [r.carried_from for r in held])


async def take_over(tx: Tx, service_id: str, version: int) -> None:
    """What a version refers to becomes its own, and is no more the earlier version's."""
    rows = await tx.fetch(TAKE_OVER, service_id, version)
    await tx.execute(GIVE_UP, service_id, [row["carried_from"] for row in rows], [row["source_id"] for row in rows])


async def drop(tx: Tx, service_id: str, version: int, sources: Sequence[Source]) -> None:
    """Forget what a version of a service had, and keep what is free again of the sources."""
    await _put_sources(tx, sources)
    await tx.execute("delete from reservation where service_id = $1 and version = $2", service_id, version)


async def _put_sources(tx: Tx, sources: Sequence[Source]) -> None:
    await tx.execute(UPDATE, [s.source_id for s in sources], [s.reserved for s in sources], [s.committed for s in sources])


def _source(row: Row) -> Source:
    return Source(
        source_id=row["source_id"],
        title=row["title"],
        kind=FundingKind(row["kind"]),
        currency=row["currency"],
        amount=row["amount"],
        reserved=row["reserved"],
        committed=row["committed"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        created_at=row["created_at"],
    )


def _reservation(row: Row) -> Reservation:
    return Reservation(
        source_id=row["source_id"],
        service_id=row["service_id"],
        version=row["version"],
        amount=row["amount"],
        committed=row["committed"],
        carried_from=row["carried_from"],
    )
