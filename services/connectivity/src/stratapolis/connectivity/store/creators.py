"""Value creators and memberships as governance has said them, and the founding of the city."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.connectivity.domain.standing import Membership

ADD = """
    insert into membership (creator_id, subject, roles, joined_at) values ($1, $2, $3, $4)
    on conflict (creator_id, subject) do update set roles = excluded.roles"""
OF_SUBJECT = """
    select m.creator_id, m.roles, m.joined_at from membership m join value_creator c using (creator_id)
    where m.subject = $1 and not c.suspended order by m.joined_at, m.creator_id"""


async def accept(tx: Tx, creator: str) -> None:
    """A value creator may act."""
    await tx.execute("insert into value_creator (creator_id, suspended) values ($1, false) on conflict (creator_id) do update set suspended = false", creator)


async def suspend(tx: Tx, creator: str) -> None:
    """A value creator may not act any more."""
    await tx.execute("insert into value_creator (creator_id, suspended) values ($1, true) on conflict (creator_id) do update set suspended = true", creator)


async def is_active(tx: Tx, creator: str) -> bool:
    """Whether a value creator is accepted and not suspended."""
    return bool(await tx.value("select exists (select from value_creator where creator_id = $1 and not suspended)", creator))


async def roles_in(tx: Tx, creator: str, subject: str) -> frozenset[str]:
    """The roles of a member; none where it is no member."""
    return frozenset(await tx.value("select roles from membership where creator_id = $1 and subject = $2", creator, subject) or ())


async def add(tx: Tx, creator: str, subject: str, roles: frozenset[str], at: datetime) -> None:
    """A subject is a member with these roles."""
    await tx.execute(ADD, creator, subject, sorted(roles), at)


async def remove(tx: Tx, creator: str, subject: str) -> None:
    """A subject is no member any more."""
    await tx.execute("delete from membership where creator_id = $1 and subject = $2", creator, subject)


async def of_subject(tx: Tx, subject: str) -> list[Membership]:
    """The memberships that count now, first one first."""
    rows = await tx.fetch(OF_SUBJECT, subject)
    return [Membership(row["creator_id"], frozenset(row["roles"]), row["joined_at"]) for row in rows]


async def founded(tx: Tx) -> bool:
    """Whether the city is founded."""
    return bool(await tx.value("select exists (select from founding)"))


async def found(tx: Tx, officer: str, at: datetime) -> bool:
    """Found the city; False where it was founded before, by whomever."""
    return await tx.execute("insert into founding (officer, founded_at) values ($1, $2) on conflict do nothing", officer, at) == "INSERT 0 1"
