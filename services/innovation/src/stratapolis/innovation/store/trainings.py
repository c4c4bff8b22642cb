"""Enrolments and awards: seen by who takes part, by the value creator it takes part for, and by officers."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.errors import AlreadyEnrolled, AwardNotFound, EnrolmentNotFound
from stratapolis.innovation.domain.training import Award, Enrolment, EnrolmentState
from stratapolis.innovation.store.programmes import competency_of

Owners = tuple[str, ...] | None
"""Whose rows may be seen; None: everybody's."""

MINE = "($1::text[] is null or subject = any($1) or (creator_id <> '' and creator_id = any($1)))"
INSERT = """
    insert into enrolment (enrolment_id, programme_id, subject, creator_id, state, enrolled_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (programme_id, subject) where ended_at is null do nothing"""
UPDATE = "update enrolment set state = $2, ended_at = $3 where enrolment_id = $1"
LOCK = f"select * from enrolment where {MINE} and enrolment_id = $2 for update"  # noqa: S608 - constants of this module
LIST = f"""
    select * from enrolment
    where {MINE} and ($2::text = '' or programme_id = $2) and ($3::timestamptz is null or (enrolled_at, enrolment_id) < ($3, $4::text))
    order by enrolled_at desc, enrolment_id desc limit $5"""  # noqa: S608 - constants of this module
AWARD = """
    insert into award (award_id, enrolment_id, programme_id, code, name, criteria, valid_days, subject, creator_id, awarded_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
SEE_AWARD = f"select * from award where {MINE} and award_id = $2"  # noqa: S608 - constants of this module
AWARDS = f"""
    select * from award
    where {MINE} and ($2::text = '' or creator_id = $2) and ($3::timestamptz is null or (awarded_at, award_id) < ($3, $4::text))
    order by awarded_at desc, award_id desc limit $5"""  # noqa: S608 - constants of this module


async def add(tx: Tx, enrolment: Enrolment) -> None:
    """Keep a new one; raises AlreadyEnrolled where the subject has a seat."""
    new = enrolment
    done = await tx.execute(INSERT, new.enrolment_id, new.programme_id, new.subject, new.creator_id, new.state, new.enrolled_at)
    if done != "INSERT 0 1":
        raise AlreadyEnrolled(new.programme_id)


async def put(tx: Tx, enrolment: Enrolment) -> None:
    """Keep what changed of one."""
    await tx.execute(UPDATE, enrolment.enrolment_id, enrolment.state, enrolment.ended_at)


async def for_update(tx: Tx, enrolment_id: str, owners: Owners) -> Enrolment:
    """One, locked; raises EnrolmentNotFound."""
    row = await tx.row(LOCK, owners, enrolment_id)
    if row is None:
        raise EnrolmentNotFound(enrolment_id)
    return _enrolment(row)


async def listed(tx: Tx, owners: Owners, *, programme_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Enrolment]:
    """Enrolments, newest first."""
    at, enrolment_id = after or (None, "")
    return [_enrolment(row) for row in await tx.fetch(LIST, owners, programme_id, at, enrolment_id, limit)]


async def award(tx: Tx, given: Award) -> None:
    """Keep an award."""
    of = given.competency
    await tx.execute(
        AWARD, given.award_id, given.enrolment_id, given.programme_id, of.code, of.name, of.criteria, of.valid_days, given.subject, given.creator_id,
        given.awarded_at, given.expires_at,
    )  # fmt: skip


async def get_award(tx: Tx, award_id: str, owners: Owners) -> Award:
    """One; raises AwardNotFound."""
    row = await tx.row(SEE_AWARD, owners, award_id)
    if row is None:
        raise AwardNotFound(award_id)
    return _award(row)


async def awards(tx: Tx, owners: Owners, *, creator_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Award]:
    """Awards, newest first."""
    at, award_id = after or (None, "")
    return [_award(row) for row in await tx.fetch(AWARDS, owners, creator_id, at, award_id, limit)]


def _enrolment(row: Row) -> Enrolment:
    return Enrolment(
        enrolment_id=row["enrolment_id"],
        programme_id=row["programme_id"],
        subject=row["subject"],
        creator_id=row["creator_id"],
        state=EnrolmentState(row["state"]),
        enrolled_at=row["enrolled_at"],
        ended_at=row["ended_at"],
    )


def _award(row: Row) -> Award:
    return Award(
        award_id=row["award_id"],
        enrolment_id=row["enrolment_id"],
        programme_id=row["programme_id"],
        competency=competency_of(row),
        subject=row["subject"],
        creator_id=row["creator_id"],
        awarded_at=row["awarded_at"],
        expires_at=row["expires_at"],
    )
