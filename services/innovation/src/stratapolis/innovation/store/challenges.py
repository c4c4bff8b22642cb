"""Challenges, and what services were rated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.challenge import Challenge, Indicator, Score, Source
from stratapolis.innovation.domain.errors import ChallengeClosed, ChallengeNotFound

INSERT = """
    insert into challenge (challenge_id, source, title, description, framework, code, measure, scope, service_id, period, opened_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing"""
CLOSE = "update challenge set closed_at = $2, close_reason = $3 where challenge_id = $1"
CLOSE_ABOUT = "update challenge set closed_at = $2, close_reason = $3 where service_id = $1 and closed_at is null"
SEE = "select * from challenge where challenge_id = $1"
TAKE = "update challenge set ideas = ideas + 1 where challenge_id = $1 and closed_at is null"
LIST = """
    select * from challenge
    where (not $1 or closed_at is null) and ($2::text[] is null or source = any($2)) and ($3::text = '' or service_id = $3)
      and ($4::timestamptz is null or (opened_at, challenge_id) < ($4, $5::text))
    order by opened_at desc, challenge_id desc limit $6"""
BEFORE = "select service_id, period, rating from rated where feedback_id = $1 for update"
RATED = """
    insert into rated (feedback_id, service_id, period, rating) values ($1, $2, $3, $4)
    on conflict (feedback_id) do update set period = excluded.period, rating = excluded.rating"""
LESS = "update score set ratings = ratings - 1, stars = stars - $3 where service_id = $1 and period = $2"
MORE = """
    insert into score as s (service_id, period, ratings, stars) values ($1, $2, 1, $3)
    on conflict (service_id, period) do update set ratings = s.ratings + 1, stars = s.stars + excluded.stars returning ratings, stars"""


async def add(tx: Tx, challenge: Challenge) -> bool:
    """Keep a new one; False where one about the same thing is open, or was opened for the same period."""
    indicator = challenge.indicator or Indicator("", "")
    done = await tx.execute(
        INSERT, challenge.challenge_id, challenge.source, challenge.title, challenge.description, indicator.framework, indicator.code, indicator.measure,
        challenge.scope, challenge.service_id, challenge.period, challenge.opened_at,
    )  # fmt: skip
    return done == "INSERT 0 1"


async def put_closed(tx: Tx, challenge: Challenge) -> None:
    """Keep that one was closed."""
    await tx.execute(CLOSE, challenge.challenge_id, challenge.closed_at, challenge.close_reason)


async def close_about(tx: Tx, service_id: str, *, reason: str, at: datetime) -> None:
    """Close all that are about a service."""
    await tx.execute(CLOSE_ABOUT, service_id, at, reason)


async def get(tx: Tx, challenge_id: str) -> Challenge:
    """One, as it stands; raises ChallengeNotFound."""
    return _found(await tx.row(SEE, challenge_id), challenge_id)


async def for_update(tx: Tx, challenge_id: str) -> Challenge:
    """One, locked; raises ChallengeNotFound."""
    return _found(await tx.row(f"{SEE} for update", challenge_id), challenge_id)


async def take_idea(tx: Tx, challenge_id: str) -> None:
    """Count one more idea; raises ChallengeNotFound or ChallengeClosed. It is not closed before the transaction ends."""
    if await tx.execute(TAKE, challenge_id) != "UPDATE 1":
        raise ChallengeClosed((await get(tx, challenge_id)).challenge_id)


async def listed(
    tx: Tx, *, open_only: bool, sources: Sequence[str] | None, service_id: str, after: tuple[datetime, str] | None, limit: int
) -> list[Challenge]:  # fmt: skip
    """Challenges, newest first."""
    at, challenge_id = after or (None, "")
    return [_challenge(row) for row in await tx.fetch(LIST, open_only, sources, service_id, at, challenge_id, limit)]


async def rate(tx: Tx, service_id: str, feedback_id: str, rating: int, period: str) -> Score:
    """Note a rating, in place of what the same feedback said before; the service's score of that month."""
    before = await tx.row(BEFORE, feedback_id)
    if before is not None:
        await tx.execute(LESS, before["service_id"], before["period"], before["rating"])
    await tx.execute(RATED, feedback_id, service_id, period, rating)
    row = await tx.row(MORE, service_id, period, rating)
    return Score(ratings=row["ratings"], stars=row["stars"]) if row else Score(ratings=0, stars=0)


def _found(row: Row | None, challenge_id: str) -> Challenge:
    if row is None:
        raise ChallengeNotFound(challenge_id)
    return _challenge(row)


def _challenge(row: Row) -> Challenge:
    return Challenge(
        challenge_id=row["challenge_id"],
        source=Source(row["source"]),
        title=row["title"],
        description=row["description"],
        indicator=Indicator(row["framework"], row["code"], row["measure"]) if row["code"] else None,
        scope=row["scope"],
        service_id=row["service_id"],
        period=row["period"],
        ideas=row["ideas"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        close_reason=row["close_reason"],
    )
