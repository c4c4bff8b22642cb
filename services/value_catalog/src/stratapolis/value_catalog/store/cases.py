"""Requests to services."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.value_catalog.domain.case import Case, CaseState
from stratapolis.value_catalog.domain.errors import CaseNotFound
from stratapolis.value_catalog.store.owners import Owners, services

INSERT = """
    insert into service_case (case_id, service_id, creator_id, opener, description, latitude, longitude, state, due_at, opened_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
UPDATE = "update service_case set state = $2, answer = $3, updated_at = $4, overdue_at = $5 where case_id = $1"
MINE = "($1::text[] is null or opener = any($1) or creator_id = any($1) or service_id = any($2))"
SEE = f"select * from service_case where {MINE} and case_id = $3"  # noqa: S608 - constants of this module
LIST = f"""
    select * from service_case
    where {MINE} and ($3::text = '' or service_id = $3) and ($4::text[] is null or state = any($4))
      and (not $5 or case when state in ('closed', 'refused') then updated_at else $6::timestamptz end > due_at)
      and ($7::timestamptz is null or (opened_at, case_id) < ($7, $8::text))
    order by opened_at desc, case_id desc limit $9"""  # noqa: S608 - constants of this module
DUE = """
    select * from service_case where overdue_at is null and state in ('open', 'acknowledged') and due_at < $1 order by due_at limit $2
    for update skip locked"""


async def add(tx: Tx, case: Case) -> None:
    """Keep a new one."""
    latitude, longitude = case.place or (None, None)
    about = (case.case_id, case.service_id, case.creator_id, case.opener, case.description, latitude, longitude)
    await tx.execute(INSERT, *about, case.state, case.due_at, case.opened_at, case.updated_at)


async def put(tx: Tx, case: Case) -> None:
    """Keep what changed of one."""
    await tx.execute(UPDATE, case.case_id, case.state, case.answer, case.updated_at, case.overdue_at)


async def get(tx: Tx, case_id: str, owners: Owners) -> Case:
    """One, as it stands; raises CaseNotFound."""
    return _found(await tx.row(SEE, owners, services(owners), case_id), case_id)


async def for_update(tx: Tx, case_id: str, owners: Owners) -> Case:
    """One, locked; raises CaseNotFound."""
    return _found(await tx.row(f"{SEE} for update", owners, services(owners), case_id), case_id)


async def listed(
    tx: Tx, owners: Owners, *, service_id: str, states: Sequence[CaseState], overdue_only: bool, at: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[Case]:
    """Requests, newest first."""
    opened_at, case_id = after or (None, "")
    rows = await tx.fetch(LIST, owners, services(owners), service_id, list(states) or None, overdue_only, at, opened_at, case_id, limit)
    return [_case(row) for row in rows]


async def due(tx: Tx, at: datetime, limit: int) -> list[Case]:
    """Requests whose due time has passed unnoted, locked; what another transaction has in hand is left to it."""
    return [_case(row) for row in await tx.fetch(DUE, at, limit)]


def _found(row: Row | None, case_id: str) -> Case:
    if row is None:
        raise CaseNotFound(case_id)
    return _case(row)


def _case(row: Row) -> Case:
    return Case(
        case_id=row["case_id"],
        service_id=row["service_id"],
        creator_id=row["creator_id"],
        opener=row["opener"],
        description=row["description"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
        due_at=row["due_at"],
        place=(row["latitude"], row["longitude"]) if row["latitude"] is not None else None,
        state=CaseState(row["state"]),
        answer=row["answer"],
        overdue_at=row["overdue_at"],
    )
