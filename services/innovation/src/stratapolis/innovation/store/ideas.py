"""Ideas, their supporters, and the board: every step of every idea, numbered in the order in which they become visible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.errors import AlreadySupported, IdeaNotFound, NotSupported
from stratapolis.innovation.domain.idea import VOTES, Happened, Idea, IdeaState, Step

INSERT = """
    insert into idea (idea_id, proposer, title, description, challenge_id, state, supporters, submitted_at, updated_at)
    values ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9)"""
UPDATE = """
    update idea set title = $2, description = $3, state = $4, supporters = $5, lead = $6, pilot_id = nullif($7, ''), reason = $8, updated_at = $9, ended_at = $10
    where idea_id = $1"""
SEE = "select * from idea where idea_id = $1"
LOCK_ALL = "select * from idea where idea_id = any($1) order by idea_id for update"
LIST = """
    select * from idea
    where ($1::text[] is null or state = any($1)) and ($2::text = '' or challenge_id = $2) and ($3::text[] is null or proposer = any($3))
      and ($4::bigint is null or (supporters, idea_id) < ($4, $5::text))
    order by supporters desc, idea_id desc limit $6"""
SUPPORT = "insert into support (idea_id, subject, given_at) values ($1, $2, $3) on conflict do nothing"
UNSUPPORT = "delete from support where idea_id = $1 and subject = $2"
SUPPORTS = "select exists (select from support where idea_id = $1 and subject = $2)"
NUMBER = "update board set last = last + $1 returning last"
NOTE = """
    insert into idea_step (number, idea_id, proposer, title, kind, state, supporters, message, reference, at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
WAY = """
    select * from (select * from idea_step where idea_id = $1 and kind <> all($2) order by number desc limit $3) newest order by number"""
NEWS = "select * from idea_step where proposer = any($1) and ($2::bigint is null or number < $2) order by number desc limit $3"
ONWARD = """
    select * from idea_step
    where number > $1 and ($2::text = '' or idea_id = $2) and ($3::text[] is null or proposer = any($3)) order by number limit $4"""
LONGEST_WAY = 200
"""Steps that one answer has room for."""


async def add(tx: Tx, idea: Idea) -> None:
    """Keep a new one."""
    await tx.execute(
        INSERT, idea.idea_id, idea.proposer, idea.title, idea.description, idea.challenge_id, idea.state, idea.supporters, idea.submitted_at, idea.updated_at
    )  # fmt: skip


async def put(tx: Tx, ideas: Sequence[Idea]) -> None:
    """Keep what changed of some."""
    await tx.executemany(UPDATE, [_changing(idea) for idea in ideas])


async def get(tx: Tx, idea_id: str) -> Idea:
    """One, as it stands; raises IdeaNotFound."""
    return _found(await tx.row(SEE, idea_id), idea_id)


async def for_update(tx: Tx, idea_id: str) -> Idea:
    """One, locked, before anything else of it is; raises IdeaNotFound."""
    return _found(await tx.row(f"{SEE} for update", idea_id), idea_id)


async def all_for_update(tx: Tx, idea_ids: Sequence[str]) -> list[Idea]:
    """All of these, locked; raises IdeaNotFound for the first that is not there."""
    found = {row["idea_id"]: _idea(row) for row in await tx.fetch(LOCK_ALL, list(idea_ids))}
    for idea_id in idea_ids:
        if idea_id not in found:
            raise IdeaNotFound(idea_id)
    return [found[idea_id] for idea_id in idea_ids]


async def listed(
    tx: Tx, *, states: Sequence[str] | None, challenge_id: str, proposers: Sequence[str] | None, after: tuple[int, str] | None, limit: int
) -> list[Idea]:
    """Ideas, the most supported first."""
    supporters, idea_id = after or (None, "")
    return [_idea(row) for row in await tx.fetch(LIST, states, challenge_id, proposers, supporters, idea_id, limit)]


async def support(tx: Tx, idea_id: str, subject: str, at: datetime) -> None:
    """Note a vote; raises AlreadySupported."""
    if await tx.execute(SUPPORT, idea_id, subject, at) != "INSERT 0 1":
        raise AlreadySupported(idea_id)


async def unsupport(tx: Tx, idea_id: str, subject: str) -> None:
    """Take a vote back; raises NotSupported."""
    if await tx.execute(UNSUPPORT, idea_id, subject) != "DELETE 1":
        raise NotSupported(idea_id)


async def supports(tx: Tx, idea_id: str, subject: str) -> bool:
    """Whether somebody supports it."""
    return bool(await tx.value(SUPPORTS, idea_id, subject))


async def note(tx: Tx, steps: Sequence[Step]) -> None:
    """Put steps on the board. Its lock is held to the end of the transaction: take it last."""
    first = await tx.value(NUMBER, len(steps)) - len(steps) + 1
    await tx.executemany(NOTE, [_noting(number, step) for number, step in enumerate(steps, first)])


async def way(tx: Tx, idea_id: str) -> list[tuple[int, Step]]:
    """What happened to an idea, oldest first, the votes left out."""
    return [_step(row) for row in await tx.fetch(WAY, idea_id, list(VOTES), LONGEST_WAY)]


async def news(tx: Tx, owners: Sequence[str], *, before: int | None, limit: int) -> list[tuple[int, Step]]:
    """What happened to the ideas of some proposers, newest first."""
    return [_step(row) for row in await tx.fetch(NEWS, list(owners), before, limit)]


async def onward(tx: Tx, after: int, *, idea_id: str, proposers: Sequence[str] | None, limit: int) -> list[tuple[int, Step]]:
    """What the board tells after a number."""
    return [_step(row) for row in await tx.fetch(ONWARD, after, idea_id, proposers, limit)]


def _found(row: Row | None, idea_id: str) -> Idea:
    if row is None:
        raise IdeaNotFound(idea_id)
    return _idea(row)


def _changing(idea: Idea) -> tuple[object, ...]:
    return (
        idea.idea_id, idea.title, idea.description, idea.state, idea.supporters, idea.lead, idea.pilot_id, idea.reason, idea.updated_at, idea.ended_at,
    )  # fmt: skip


def _noting(number: int, step: Step) -> tuple[object, ...]:
    return (
        number, step.idea_id, step.proposer, step.title, step.kind, step.state, step.supporters, step.message, step.reference, step.at,
    )  # fmt: skip


def _idea(row: Row) -> Idea:
    return Idea(
        idea_id=row["idea_id"],
        proposer=row["proposer"],
        title=row["title"],
        description=row["description"],
        challenge_id=row["challenge_id"] or "",
        state=IdeaState(row["state"]),
        supporters=row["supporters"],
        lead=row["lead"],
        pilot_id=row["pilot_id"] or "",
        reason=row["reason"],
        submitted_at=row["submitted_at"],
        updated_at=row["updated_at"],
        ended_at=row["ended_at"],
    )


def _step(row: Row) -> tuple[int, Step]:
    step = Step(
        idea_id=row["idea_id"],
        proposer=row["proposer"],
        title=row["title"],
        kind=Happened(row["kind"]),
        state=IdeaState(row["state"]),
        supporters=row["supporters"],
        at=row["at"],
        message=row["message"],
        reference=row["reference"],
    )
    return row["number"], step
