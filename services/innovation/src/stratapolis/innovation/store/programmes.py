"""Programmes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.errors import ProgrammeNotFound
from stratapolis.innovation.domain.programme import Competency, Programme, ProgrammeKind, Training, Zone

INSERT = """
    insert into programme (programme_id, kind, title, description, start_on, end_on, latitude, longitude, capacity, competency_code, competency_name,
                           competency_criteria, competency_valid_days, seats, opened_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"""
UPDATE = "update programme set enrolled = $2, closed_at = $3, close_reason = $4 where programme_id = $1"
SEE = "select * from programme where programme_id = $1"
LIST = """
    select * from programme
    where ($1::text[] is null or kind = any($1)) and (not $2 or (closed_at is null and end_on >= $3))
      and ($4::timestamptz is null or (opened_at, programme_id) < ($4, $5::text))
    order by opened_at desc, programme_id desc limit $6"""


async def add(tx: Tx, programme: Programme) -> None:
    """Keep a new one."""
    zone, training = programme.zone, programme.training
    latitude, longitude = zone.place if zone else (None, None)
    competency = training.competency if training else None
    about = (competency.code, competency.name, competency.criteria, competency.valid_days) if competency else (None,) * 4
    await tx.execute(
        INSERT, programme.programme_id, programme.kind, programme.title, programme.description, programme.start_on, programme.end_on, latitude, longitude,
        zone.capacity if zone else None, *about, training.seats if training else None, programme.opened_at,
    )  # fmt: skip


async def put(tx: Tx, programme: Programme) -> None:
    """Keep what changed of one."""
    await tx.execute(UPDATE, programme.programme_id, programme.enrolled, programme.closed_at, programme.close_reason)


async def get(tx: Tx, programme_id: str) -> Programme:
    """One, as it stands; raises ProgrammeNotFound."""
    return _found(await tx.row(SEE, programme_id), programme_id)


async def for_update(tx: Tx, programme_id: str) -> Programme:
    """One, locked: its seats, or its places, are nobody else's until the transaction ends. Raises ProgrammeNotFound."""
    return _found(await tx.row(f"{SEE} for update", programme_id), programme_id)


async def listed(tx: Tx, *, kinds: Sequence[str] | None, open_only: bool, today: date, after: tuple[datetime, str] | None, limit: int) -> list[Programme]:
    """Programmes, newest first."""
    at, programme_id = after or (None, "")
    return [_programme(row) for row in await tx.fetch(LIST, kinds, open_only, today, at, programme_id, limit)]


def _found(row: Row | None, programme_id: str) -> Programme:
    if row is None:
        raise ProgrammeNotFound(programme_id)
    return _programme(row)


def _programme(row: Row) -> Programme:
    return Programme(
        programme_id=row["programme_id"],
        kind=ProgrammeKind(row["kind"]),
        title=row["title"],
        description=row["description"],
        start_on=row["start_on"],
        end_on=row["end_on"],
        zone=Zone(place=(row["latitude"], row["longitude"]), capacity=row["capacity"]) if row["capacity"] is not None else None,
        training=Training(competency=competency_of(row, "competency_"), seats=row["seats"]) if row["seats"] is not None else None,
        enrolled=row["enrolled"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        close_reason=row["close_reason"],
    )


def competency_of(row: Row, prefix: str = "") -> Competency:
    """A competency from columns that begin so."""
    return Competency(
        code=row[f"{prefix}code"], name=row[f"{prefix}name"], criteria=row[f"{prefix}criteria"], valid_days=row[f"{prefix}valid_days"]
    )  # fmt: skip
