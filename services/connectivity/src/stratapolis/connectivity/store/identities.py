"""Identities and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.connectivity.domain.identity import Credential, Cut, Identity, Kind, State

OFFICERS = 0x0C17_0001
"""Advisory lock of whoever may take an officer away, so that two cannot each count on the other."""

PUT = """
    insert into identity (subject, kind, state, owner, creator, display_name, roles, cut_at, held_by_city, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (subject) do update
    set state = excluded.state, owner = excluded.owner, creator = excluded.creator, roles = excluded.roles, cut_at = excluded.cut_at,
        held_by_city = excluded.held_by_city, updated_at = excluded.updated_at"""
LIST = """
    select * from identity
    where ($1::text[] is null or owner = any($1)) and ($2::text[] is null or kind = any($2)) and ($3 = '' or creator = $3)
      and ($4::timestamptz is null or (created_at, subject) < ($4, $5))
    order by created_at desc, subject desc limit $6"""
CUT_ALL = """
    update identity set cut_at = $2, updated_at = $2
    where subject in (select subject from membership where creator_id = $1 union select subject from identity where creator = $1)
    returning subject, state"""
PUT_KEY = """
    insert into credential (credential_id, subject, public_key_pem, thumbprint, version, created_at, revoked_at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (credential_id) do update set revoked_at = excluded.revoked_at"""


async def find(tx: Tx, subject: str, owners: Sequence[str] | None) -> Identity | None:
    """An identity of these owners; None: every owner's."""
    row = await tx.row("select * from identity where subject = $1 and ($2::text[] is null or owner = any($2))", subject, owners)
    return identity_of(row) if row else None


async def for_update(tx: Tx, subject: str, owners: Sequence[str] | None = None) -> Identity | None:
    """The same, locked until the transaction ends."""
    row = await tx.row("select * from identity where subject = $1 and ($2::text[] is null or owner = any($2)) for update", subject, owners)
    return identity_of(row) if row else None


async def other_officers(tx: Tx, subject: str) -> int:
    """How many active officers there are beside this one; nobody can take another away meanwhile."""
    await tx.execute("select pg_advisory_xact_lock($1)", OFFICERS)
    return int(await tx.value("select count(*) from identity where state = 'active' and 'officer' = any(roles) and subject <> $1", subject))


async def put(tx: Tx, identity: Identity) -> None:
    """Store an identity. Kind, name and time of enrolment never change."""
    await tx.execute(
        PUT, identity.subject, identity.kind.value, identity.state.value, identity.owner, identity.creator, identity.display_name, sorted(identity.roles),
        identity.cut_at, identity.held_by_city, identity.created_at, identity.updated_at,
    )  # fmt: skip


async def listed(
    tx: Tx, *, owners: Sequence[str] | None, kinds: Sequence[str] | None, creator: str, after: tuple[datetime, str] | None, limit: int
) -> list[Identity]:
    """Identities, newest first, behind `after`."""
    at, subject = after or (None, "")
    return [identity_of(row) for row in await tx.fetch(LIST, owners, kinds, creator, at, subject, limit)]


async def cut_all(tx: Tx, creator: str, at: datetime) -> list[Cut]:
    """End the tokens of everybody and everything that belongs to a value creator."""
    rows = await tx.fetch(CUT_ALL, creator, at)
    return sorted((Cut(row["subject"], at, State(row["state"]) in (State.SUSPENDED, State.REVOKED)) for row in rows), key=lambda cut: cut.subject)


async def keys_of(tx: Tx, subject: str) -> list[Credential]:
    """All keys that an identity has or had, newest first."""
    rows = await tx.fetch("select * from credential where subject = $1 order by created_at desc, credential_id desc", subject)
    return [credential_of(row) for row in rows]


async def subject_of_key(tx: Tx, credential_id: str) -> str | None:
    """Whose key it is."""
    found: str | None = await tx.value("select subject from credential where credential_id = $1", credential_id)
    return found


async def put_key(tx: Tx, key: Credential) -> None:
    """Store a key. Only its end ever changes."""
    await tx.execute(PUT_KEY, key.credential_id, key.subject, key.public_key_pem, key.thumbprint, key.version, key.created_at, key.revoked_at)


def identity_of(row: Row) -> Identity:
    """A row as the value."""
    return Identity(
        subject=row["subject"], kind=Kind(row["kind"]), state=State(row["state"]), owner=row["owner"], creator=row["creator"],
        display_name=row["display_name"], roles=frozenset(row["roles"]), cut_at=row["cut_at"], held_by_city=row["held_by_city"],
        created_at=row["created_at"], updated_at=row["updated_at"],
    )  # fmt: skip


def credential_of(row: Row) -> Credential:
    """A row as the value."""
    return Credential(
        credential_id=row["credential_id"], subject=row["subject"], public_key_pem=row["public_key_pem"], thumbprint=row["thumbprint"],
        version=row["version"], created_at=row["created_at"], revoked_at=row["revoked_at"],
    )  # fmt: skip
