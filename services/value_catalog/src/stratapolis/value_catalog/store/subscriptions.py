"""Subscriptions, and the uses that count against them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.value_catalog.domain.errors import AlreadySubscribed, SubscriptionNotFound
from stratapolis.value_catalog.domain.subscription import Subscription
from stratapolis.value_catalog.domain.use import Use
from stratapolis.value_catalog.store.owners import Owners, services

INSERT = """
    insert into subscription (subscription_id, service_id, creator_id, service_title, subscriber, plan, started_at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (service_id, subscriber, plan) where ended_at is null do nothing"""
UPDATE = "update subscription set ended_at = $2, end_reason = $3 where subscription_id = $1"
UPDATE_ALL = """
    update subscription s set ended_at = n.ended_at, end_reason = n.end_reason
    from unnest($1::text[], $2::timestamptz[], $3::text[]) n(subscription_id, ended_at, end_reason) where s.subscription_id = n.subscription_id"""
RUNNING_OF = "select * from subscription where service_id = $1 and ended_at is null order by started_at, subscription_id limit $2 for update"
MINE = "($1::text[] is null or subscriber = any($1) or creator_id = any($1) or service_id = any($2))"
SEE = f"select * from subscription where {MINE} and subscription_id = $3"  # noqa: S608 - constants of this module
LIST = f"""
    select * from subscription
    where {MINE} and ($3::text = '' or service_id = $3) and ($4::text = '' or subscriber = $4) and (not $5 or ended_at is null)
      and ($6::timestamptz is null or (started_at, subscription_id) < ($6, $7::text))
    order by started_at desc, subscription_id desc limit $8"""  # noqa: S608 - constants of this module
RUNNING = f"select * from subscription where {MINE} and service_id = $3 and subscriber = $4 and ended_at is null order by started_at, subscription_id"  # noqa: S608 - constants of this module
# A cancellation waits for reports in hand, and they for it: no use behind the end slips in.
OF_USES = "select * from subscription where service_id = $1 and subscription_id = any($2) order by subscription_id for share"
EVER = "select exists (select from subscription where service_id = $1 and subscriber = $2)"
RECORDED = "select use_id, subscription_id, quantity, used_at from recorded_use where service_id = $1 and use_id = any($2)"
RECORD = """
    insert into recorded_use (service_id, use_id, subscription_id, quantity, used_at, recorded_at)
    select $1, u, s, q, t, $6 from unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[]) n(u, s, q, t) order by u
    on conflict (service_id, use_id) do nothing returning use_id"""


async def add(tx: Tx, subscription: Subscription) -> None:
    """Keep a new one; raises AlreadySubscribed where one to the plan runs."""
    new = subscription
    done = await tx.execute(
        INSERT, new.subscription_id, new.service_id, new.creator_id, new.service_title, new.subscriber, new.plan, new.started_at
    )  # fmt: skip
    if done != "INSERT 0 1":
        raise AlreadySubscribed(new.service_id, new.plan)


async def put(tx: Tx, subscription: Subscription) -> None:
    """Keep what changed of one."""
    await tx.execute(UPDATE, subscription.subscription_id, subscription.ended_at, subscription.end_reason)


async def running_of(tx: Tx, service_id: str, limit: int) -> list[Subscription]:
    """A service's running subscriptions, locked, the oldest first."""
    return [_subscription(row) for row in await tx.fetch(RUNNING_OF, service_id, limit)]


async def put_all(tx: Tx, ended: Sequence[Subscription]) -> None:
    """Keep what changed of many."""
    await tx.execute(UPDATE_ALL, [one.subscription_id for one in ended], [one.ended_at for one in ended], [one.end_reason for one in ended])


async def get(tx: Tx, subscription_id: str, owners: Owners) -> Subscription:
    """One, as it stands; raises SubscriptionNotFound."""
    return _found(await tx.row(SEE, owners, services(owners), subscription_id), subscription_id)


async def for_update(tx: Tx, subscription_id: str, owners: Owners) -> Subscription:
    """One, locked; raises SubscriptionNotFound."""
    return _found(await tx.row(f"{SEE} for update", owners, services(owners), subscription_id), subscription_id)


async def listed(
    tx: Tx, owners: Owners, *, service_id: str, subscriber: str, running_only: bool, after: tuple[datetime, str] | None, limit: int
) -> list[Subscription]:
    """Subscriptions, newest first."""
    at, subscription_id = after or (None, "")
    rows = await tx.fetch(LIST, owners, services(owners), service_id, subscriber, running_only, at, subscription_id, limit)
    return [_subscription(row) for row in rows]


async def running(tx: Tx, owners: Owners, *, service_id: str, subscriber: str) -> list[Subscription]:
    """What a subscriber has running with a service, the oldest first."""
    return [_subscription(row) for row in await tx.fetch(RUNNING, owners, services(owners), service_id, subscriber)]


async def of_uses(tx: Tx, service_id: str, uses: Sequence[Use]) -> dict[str, Subscription]:
    """The service's subscriptions that uses name, which do not end meanwhile."""
    rows = await tx.fetch(OF_USES, service_id, sorted({use.subscription_id for use in uses}))
    return {row["subscription_id"]: _subscription(row) for row in rows}


async def has_subscribed(tx: Tx, service_id: str, subscriber: str) -> bool:
    """Whether the subscriber has, or had, a subscription."""
    return bool(await tx.value(EVER, service_id, subscriber))


async def recorded(tx: Tx, service_id: str, use_ids: Sequence[str]) -> dict[str, Use]:
    """Uses that are recorded already, by id."""
    rows = await tx.fetch(RECORDED, service_id, list(use_ids))
    return {row["use_id"]: Use(use_id=row["use_id"], subscription_id=row["subscription_id"], quantity=row["quantity"], used_at=row["used_at"]) for row in rows}


async def record(tx: Tx, service_id: str, uses: Sequence[Use], at: datetime) -> set[str]:
    """Keep uses; returns the ids of those that nobody else has recorded meanwhile."""
    columns = [u.use_id for u in uses], [u.subscription_id for u in uses], [u.quantity for u in uses], [u.used_at for u in uses]
    return {row["use_id"] for row in await tx.fetch(RECORD, service_id, *columns, at)}


def _found(row: Row | None, subscription_id: str) -> Subscription:
    if row is None:
        raise SubscriptionNotFound(subscription_id)
    return _subscription(row)


def _subscription(row: Row) -> Subscription:
    return Subscription(
        subscription_id=row["subscription_id"],
        service_id=row["service_id"],
        creator_id=row["creator_id"],
        service_title=row["service_title"],
        subscriber=row["subscriber"],
        plan=row["plan"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
    )
