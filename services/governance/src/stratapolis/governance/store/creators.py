"""Value creators and their members."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter
from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import AlreadyAMember, NotAMember, ValueCreatorNameTaken, ValueCreatorNotFound
from stratapolis.governance.domain.step import Reason
from stratapolis.governance.domain.value_creator import CreatorKind, CreatorState, Member, Role, ValueCreator

REASONS = TypeAdapter(tuple[Reason, ...])
Owners = tuple[str, ...] | None
"""Whose rows may be seen: by value creator, or by member; None: everybody's. Who was turned away still sees why."""

SEE = """
    select * from value_creator v where creator_id = $1
      and ($2::text[] is null or creator_id = any($2) or exists (select from member m where m.creator_id = v.creator_id and m.subject = any($2))
           or state = 'refused' and founding_subject = any($2))"""
LOCK = """
    select * from value_creator v where creator_id = $1
      and ($2::text[] is null or creator_id = any($2) or exists (select from member m where m.creator_id = v.creator_id and m.subject = any($2))
           or state = 'refused' and founding_subject = any($2))
    for update"""
LIST = """
    select * from value_creator v
    where ($1::text[] is null or creator_id = any($1) or exists (select from member m where m.creator_id = v.creator_id and m.subject = any($1))
           or state = 'refused' and founding_subject = any($1))
      and ($2::text[] is null or state = any($2)) and ($3::timestamptz is null or (registered_at, creator_id) < ($3, $4))
    order by registered_at desc, creator_id desc limit $5"""
INSERT = """
    insert into value_creator (creator_id, name, kind, founding_subject, state, reasons, registered_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (lower(name)) where state <> 'refused' do nothing"""
UPDATE = "update value_creator set state = $2, reasons = $3, updated_at = $4 where creator_id = $1"
OF_SUBJECT = "select v.* from value_creator v join member m using (creator_id) where m.subject = $1 for share of v"
PUT_MEMBER = """
    insert into member as m (subject, creator_id, roles, added_at) values ($1, $2, $3, $4)
    on conflict (subject) do update set roles = excluded.roles where m.creator_id = excluded.creator_id"""


async def add(tx: Tx, creator: ValueCreator) -> None:
    """Keep a new one; raises ValueCreatorNameTaken."""
    about = (creator.creator_id, creator.name, creator.kind, creator.founding_subject)
    done = await tx.execute(INSERT, *about, *_changing(creator), creator.registered_at, creator.updated_at)
    if done != "INSERT 0 1":
        raise ValueCreatorNameTaken(creator.name)


async def put(tx: Tx, creator: ValueCreator) -> None:
    """Keep what changed of one."""
    await tx.execute(UPDATE, creator.creator_id, *_changing(creator), creator.updated_at)


async def get(tx: Tx, creator_id: str, owners: Owners) -> ValueCreator:
    """One, as it stands; raises ValueCreatorNotFound."""
    return _found(await tx.row(SEE, creator_id, owners), creator_id)


async def for_update(tx: Tx, creator_id: str, owners: Owners) -> ValueCreator:
    """One, locked; raises ValueCreatorNotFound."""
    return _found(await tx.row(LOCK, creator_id, owners), creator_id)


async def of_member(tx: Tx, subject: str) -> ValueCreator:
    """The one that the subject acts for, which cannot change its state meanwhile; raises NotAMember."""
    row = await tx.row(OF_SUBJECT, subject)
    if row is None:
        raise NotAMember(subject)
    return _creator(row)


async def listed(tx: Tx, owners: Owners, *, states: Sequence[CreatorState], after: tuple[datetime, str] | None, limit: int) -> list[ValueCreator]:
    """Value creators, newest first."""
    at, creator_id = after or (None, "")
    return [_creator(row) for row in await tx.fetch(LIST, owners, list(states) or None, at, creator_id, limit)]


async def members(tx: Tx, creator_id: str) -> tuple[Member, ...]:
    """All members, by subject."""
    rows = await tx.fetch("select subject, roles, added_at from member where creator_id = $1 order by subject", creator_id)
    return tuple(Member(subject=row["subject"], roles=tuple(Role(role) for role in row["roles"]), added_at=row["added_at"]) for row in rows)


async def put_member(tx: Tx, creator_id: str, member: Member) -> None:
    """Add a member or change its roles; raises AlreadyAMember for one of another value creator."""
    if await tx.execute(PUT_MEMBER, member.subject, creator_id, list(member.roles), member.added_at) != "INSERT 0 1":
        raise AlreadyAMember(member.subject)


async def drop_member(tx: Tx, creator_id: str, subject: str) -> None:
    """End a membership."""
    await tx.execute("delete from member where creator_id = $1 and subject = $2", creator_id, subject)


async def drop_members(tx: Tx, creator_id: str) -> None:
    """End all memberships: who was turned away may try again."""
    await tx.execute("delete from member where creator_id = $1", creator_id)


def _found(row: Row | None, creator_id: str) -> ValueCreator:
    if row is None:
        raise ValueCreatorNotFound(creator_id)
    return _creator(row)


def _changing(creator: ValueCreator) -> tuple[object, ...]:
    return creator.state, REASONS.dump_python(creator.reasons, mode="json")


def _creator(row: Row) -> ValueCreator:
    return ValueCreator(
        creator_id=row["creator_id"],
        name=row["name"],
        kind=CreatorKind(row["kind"]),
        founding_subject=row["founding_subject"],
        registered_at=row["registered_at"],
        updated_at=row["updated_at"],
        state=CreatorState(row["state"]),
        reasons=REASONS.validate_python(row["reasons"]),
    )
