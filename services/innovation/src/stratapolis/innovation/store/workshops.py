"""Workshops."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.errors import WorkshopNotFound
from stratapolis.innovation.domain.workshop import Workshop

INSERT = "insert into workshop (workshop_id, programme_id, title, latitude, longitude, start_at) values ($1, $2, $3, $4, $5, $6)"
LOOKS_AT = "insert into workshop_idea (workshop_id, idea_id) select $1, unnest($2::text[])"
CANCEL = "update workshop set cancelled_at = $2, cancel_reason = $3 where workshop_id = $1"
SEE = """
    select w.*, (select array_agg(i.idea_id order by i.idea_id) from workshop_idea i where i.workshop_id = w.workshop_id) as idea_ids
    from workshop w where workshop_id = $1"""
LIST = """
    select w.*, (select array_agg(i.idea_id order by i.idea_id) from workshop_idea i where i.workshop_id = w.workshop_id) as idea_ids
    from workshop w
    where ($1::text = '' or programme_id = $1)
      and ($2::text = '' or exists (select from workshop_idea i where i.workshop_id = w.workshop_id and i.idea_id = $2))
      and ($3::timestamptz is null or (start_at, workshop_id) < ($3, $4::text))
    order by start_at desc, workshop_id desc limit $5"""


async def add(tx: Tx, workshop: Workshop) -> None:
    """Keep a new one."""
    await tx.execute(INSERT, workshop.workshop_id, workshop.programme_id, workshop.title, *workshop.place, workshop.start_at)
    await tx.execute(LOOKS_AT, workshop.workshop_id, list(workshop.idea_ids))


async def put_cancelled(tx: Tx, workshop: Workshop) -> None:
    """Keep that one was called off."""
    await tx.execute(CANCEL, workshop.workshop_id, workshop.cancelled_at, workshop.cancel_reason)


async def get(tx: Tx, workshop_id: str) -> Workshop:
    """One, as it stands; raises WorkshopNotFound."""
    return _found(await tx.row(SEE, workshop_id), workshop_id)


async def for_update(tx: Tx, workshop_id: str) -> Workshop:
    """One, locked; raises WorkshopNotFound."""
    return _found(await tx.row(f"{SEE} for update", workshop_id), workshop_id)


async def listed(tx: Tx, *, programme_id: str, idea_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Workshop]:
    """Workshops, the latest first."""
    at, workshop_id = after or (None, "")
    return [_workshop(row) for row in await tx.fetch(LIST, programme_id, idea_id, at, workshop_id, limit)]


def _found(row: Row | None, workshop_id: str) -> Workshop:
    if row is None:
        raise WorkshopNotFound(workshop_id)
    return _workshop(row)


def _workshop(row: Row) -> Workshop:
    return Workshop(
        workshop_id=row["workshop_id"],
        programme_id=row["programme_id"],
        title=row["title"],
        place=(row["latitude"], row["longitude"]),
        start_at=row["start_at"],
        idea_ids=tuple(row["idea_ids"]),
        cancelled_at=row["cancelled_at"],
        cancel_reason=row["cancel_reason"],
    )
