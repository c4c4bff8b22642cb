"""Tariffs, subscriptions, and how far each is in its month."""

from datetime import datetime

from pydantic import TypeAdapter
from stratapolis.chassis.db import Row, Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.governance.domain.step import Share
from stratapolis.governance.domain.subscription import Subscription, Use
from stratapolis.governance.domain.tariff import Plan, Position, Tariff

PLANS = TypeAdapter(tuple[Plan, ...])
SHARES = TypeAdapter(tuple[Share, ...])

ADD = "insert into tariff (tariff_id, service_id, valid_from, currency, plans, shares) values ($1, $2, $3, $4, $5, $6)"
AT = """
    select * from tariff where service_id = $1
    order by valid_from <= $2 desc, case when valid_from <= $2 then valid_from end desc nulls last, valid_from limit 1"""
START = """
    insert into subscription (subscription_id, service_id, subscriber, tariff_id, plan, started_at, ended_at, fee_due) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (subscription_id) do nothing"""
IN_FORCE = """
    select t.* from tariff t where tariff_id = coalesce(
        (select tariff_id from price_change where subscription_id = $1 and valid_from <= $3 order by valid_from desc limit 1), $2)"""
SUBSCRIPTION = "select * from subscription where subscription_id = $1 and service_id = $2"
PUT = "update subscription set ended_at = $2, fee_due = $3 where subscription_id = $1"
DUE = "select * from subscription where fee_due <= $1 order by fee_due, subscription_id limit $2 for update skip locked"
USE = """
    insert into used (service_id, use_id, subscription_id, quantity, used_at) values ($1, $2, $3, $4, $5)
    on conflict (service_id, use_id) do nothing"""
POSITION = """
    insert into tier_position (subscription_id, period) values ($1, $2)
    on conflict (subscription_id, period) do update set used = tier_position.used returning used, charged"""
MOVE = "update tier_position set used = $3, charged = $4 where subscription_id = $1 and period = $2"


async def add(tx: Tx, tariff: Tariff) -> None:
    """Keep a new version of prices, for good."""
    plans, shares = PLANS.dump_python(tariff.plans, mode="json"), SHARES.dump_python(tariff.shares, mode="json")
    await tx.execute(ADD, tariff.tariff_id, tariff.service_id, tariff.valid_from, tariff.currency, plans, shares)


async def at_start(tx: Tx, service_id: str, at: datetime) -> Tariff | None:
    """The tariff that held at a time; the first one for a time just before it, since clocks of two databases differ a little."""
    row = await tx.row(AT, service_id, at)
    return None if row is None else tariff_of(row)


async def start(tx: Tx, subscription: Subscription) -> bool:
    """Keep a new subscription; False: it is known."""
    about = (subscription.subscription_id, subscription.service_id, subscription.subscriber, subscription.tariff_id, subscription.plan)
    return await tx.execute(START, *about, subscription.started_at, subscription.ended_at, subscription.fee_due) == "INSERT 0 1"


async def put(tx: Tx, subscription: Subscription) -> None:
    """Keep what changed of one."""
    await tx.execute(PUT, subscription.subscription_id, subscription.ended_at, subscription.fee_due)


async def subscription(tx: Tx, subscription_id: str, service_id: str, *, to_change: bool = False) -> Subscription:
    """A service's subscription; raises Permanent where the service has no such one."""
    row = await tx.row(f"{SUBSCRIPTION} for update" if to_change else SUBSCRIPTION, subscription_id, service_id)
    if row is None:
        raise Permanent(f"service {service_id} has no subscription {subscription_id}")
    return subscription_of(row)


async def in_force(tx: Tx, pinned: Subscription, at: datetime) -> Tariff:
    """The tariff that a subscription is pinned to at a time."""
    (row,) = await tx.fetch(IN_FORCE, pinned.subscription_id, pinned.tariff_id, at)
    return tariff_of(row)


async def with_fees_due(tx: Tx, period: str, limit: int) -> list[Subscription]:
    """Subscriptions that owe a fee for this month or an earlier one, locked; what somebody has in hand right now is theirs."""
    return [subscription_of(row) for row in await tx.fetch(DUE, period, limit)]


async def note_use(tx: Tx, use: Use) -> bool:
    """Keep a use; False: it has been counted, whatever event brought it."""
    return await tx.execute(USE, use.service_id, use.use_id, use.subscription_id, use.quantity, use.used_at) == "INSERT 0 1"


async def position(tx: Tx, subscription_id: str, period: str) -> Position:
    """How far a subscription is in a month, locked until it is rated."""
    (row,) = await tx.fetch(POSITION, subscription_id, period)
    return Position(used=row["used"], charged=row["charged"])


async def move(tx: Tx, subscription_id: str, period: str, to: Position) -> None:
    """Keep how far it is now."""
    await tx.execute(MOVE, subscription_id, period, to.used, to.charged)


def tariff_of(row: Row) -> Tariff:
    """A row as the value."""
    return Tariff(
        tariff_id=row["tariff_id"],
        service_id=row["service_id"],
        valid_from=row["valid_from"],
        currency=row["currency"],
        plans=PLANS.validate_python(row["plans"]),
        shares=SHARES.validate_python(row["shares"]),
    )


def subscription_of(row: Row) -> Subscription:
    """A row as the value."""
    return Subscription(
        subscription_id=row["subscription_id"],
        service_id=row["service_id"],
        subscriber=row["subscriber"],
        tariff_id=row["tariff_id"],
        plan=row["plan"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        fee_due=row["fee_due"],
    )
