"""Feedback, and the rating of services."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.value_catalog.domain.feedback import Feedback
from stratapolis.value_catalog.store.owners import Owners, services

# Two words of one subscriber, given at once, do not both count as the first.
LOCK = "select pg_advisory_xact_lock(hashtextextended('feedback' || $1 || ' ' || $2, 0))"
PUT = """
    insert into feedback (feedback_id, service_id, creator_id, subscriber, rating, comment, given_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (feedback_id) do update set rating = excluded.rating, comment = excluded.comment, updated_at = excluded.updated_at"""
COUNT = """
    insert into rating as r (service_id, ratings, stars) values ($1, $2, $3)
    on conflict (service_id) do update set ratings = r.ratings + excluded.ratings, stars = r.stars + excluded.stars"""
CHANGE = "update rating set stars = stars + $2 where service_id = $1"
LIST = """
    select * from feedback
    where ($1::text[] is null or subscriber = any($1) or creator_id = any($1) or service_id = any($2)) and ($3::text = '' or service_id = $3)
      and ($4::timestamptz is null or (given_at, feedback_id) < ($4, $5::text))
    order by given_at desc, feedback_id desc limit $6"""


async def of_subscriber(tx: Tx, service_id: str, subscriber: str) -> Feedback | None:
    """What a subscriber said before; until the transaction ends nobody else speaks for them."""
    await tx.execute(LOCK, service_id, subscriber)
    row = await tx.row("select * from feedback where service_id = $1 and subscriber = $2", service_id, subscriber)
    return _feedback(row) if row else None


async def put(tx: Tx, given: Feedback, *, ratings: int, stars: int) -> None:
    """Keep feedback, and by how much the service's rating changes with it."""
    about = (given.feedback_id, given.service_id, given.creator_id, given.subscriber)
    await tx.execute(PUT, *about, given.rating, given.comment, given.given_at, given.updated_at)
    if ratings:
        await tx.execute(COUNT, given.service_id, ratings, stars)
    elif stars:
        await tx.execute(CHANGE, given.service_id, stars)


async def listed(tx: Tx, owners: Owners, *, service_id: str, after: tuple[datetime, str] | None, limit: int) -> list[Feedback]:
    """Feedback, newest first."""
    at, feedback_id = after or (None, "")
    return [_feedback(row) for row in await tx.fetch(LIST, owners, services(owners), service_id, at, feedback_id, limit)]


def _feedback(row: Row) -> Feedback:
    return Feedback(
        feedback_id=row["feedback_id"],
        service_id=row["service_id"],
        creator_id=row["creator_id"],
        subscriber=row["subscriber"],
        rating=row["rating"],
        comment=row["comment"],
        given_at=row["given_at"],
        updated_at=row["updated_at"],
    )
