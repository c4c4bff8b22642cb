"""Connections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.connectivity.domain.connection import Connection, Link

PUT = """
    insert into connection (connection_id, subject, target, scope, owner, state, service_id, version, end_at, reason, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (connection_id) do update set state = excluded.state, reason = excluded.reason, updated_at = excluded.updated_at"""
LIST = """
    select * from connection
    where ($1::text[] is null or owner = any($1)) and ($2 = '' or subject = $2) and ($3 = '' or target = $3) and ($4::text[] is null or state = any($4))
      and ($5::timestamptz is null or (created_at, connection_id) < ($5, $6))
    order by created_at desc, connection_id desc limit $7"""
USABLE = """
    select c.* from connection c join identity s on s.subject = c.subject left join identity t on t.subject = c.target
    where c.subject = $1 and c.target = $2 and c.scope = $3 and c.state = 'trusted' and (c.end_at is null or c.end_at > $4)
      and s.state = 'active' and coalesce(t.state, 'active') = 'active' and ($5::text[] is null or c.owner = any($5))
    order by c.created_at limit 1"""
OPEN = """
    select connection_id from connection where subject = $1 and target = $2 and scope = $3 and service_id = '' and state <> 'severed'"""


async def put(tx: Tx, connection: Connection) -> None:
    """Store a connection. Only its standing ever changes."""
    await tx.execute(
        PUT, connection.connection_id, connection.subject, connection.target, connection.scope, connection.owner, connection.state.value,
        connection.service_id, connection.version, connection.end_at, connection.reason, connection.created_at, connection.updated_at,
    )  # fmt: skip


async def for_update(tx: Tx, connection_id: str, owners: Sequence[str] | None) -> Connection | None:
    """A connection of these owners, locked; None: every owner's."""
    row = await tx.row("select * from connection where connection_id = $1 and ($2::text[] is null or owner = any($2)) for update", connection_id, owners)
    return connection_of(row) if row else None


async def open_by_hand(tx: Tx, subject: str, target: str, scope: str) -> str | None:
    """The id of the open connection for a use that was made by hand."""
    found: str | None = await tx.value(OPEN, subject, target, scope)
    return found


async def of_service(tx: Tx, service_id: str, version: int) -> list[Connection]:
    """The open connections of one version of a service, locked."""
    rows = await tx.fetch(
        "select * from connection where service_id = $1 and version = $2 and state <> 'severed' order by connection_id for update", service_id, version
    )
    return [connection_of(row) for row in rows]


async def of_identity(tx: Tx, subject: str) -> list[Connection]:
    """The open connections from or to an identity, locked."""
    rows = await tx.fetch("select * from connection where (subject = $1 or target = $1) and state <> 'severed' order by connection_id for update", subject)
    return [connection_of(row) for row in rows]


async def ended(tx: Tx, at: datetime, limit: int) -> list[Connection]:
    """Trusted connections whose time is over, locked; those that somebody else has in hand are left to the next time."""
    rows = await tx.fetch("select * from connection where state = 'trusted' and end_at <= $1 order by end_at limit $2 for update skip locked", at, limit)
    return [connection_of(row) for row in rows]


async def usable(tx: Tx, subject: str, target: str, scope: str, at: datetime, owners: Sequence[str] | None) -> Connection | None:
    """The connection by which the subject may use the target now."""
    row = await tx.row(USABLE, subject, target, scope, at, owners)
    return connection_of(row) if row else None


async def listed(
    tx: Tx, *, owners: Sequence[str] | None, subject: str, target: str, states: Sequence[str] | None, after: tuple[datetime, str] | None, limit: int
) -> list[Connection]:
    """Connections, newest first, behind `after`."""
    at, last = after or (None, "")
    return [connection_of(row) for row in await tx.fetch(LIST, owners, subject, target, states, at, last, limit)]


def connection_of(row: Row) -> Connection:
    """A row as the value."""
    return Connection(
        connection_id=row["connection_id"], subject=row["subject"], target=row["target"], scope=row["scope"], owner=row["owner"], state=Link(row["state"]),
        service_id=row["service_id"], version=row["version"], end_at=row["end_at"], reason=row["reason"], created_at=row["created_at"],
        updated_at=row["updated_at"],
    )  # fmt: skip
