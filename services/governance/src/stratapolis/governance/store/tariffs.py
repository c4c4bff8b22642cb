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
PINNED = """
    select s.*, t.valid_from, t.currency, t.plans, t.shares from subscription s join tariff t using (tariff_id, service_id)
    where subscription_id = $1 and service_id = $2"""
PUT = "update subscription set ended_at = $2, fee_due = $3 where subscription_id = $1"
DUE = """
    select s.*, t.valid_from, t.currency, t.plans, t.shares from subscription s join tariff t using (tariff_id, service_id)
    where fee_due <= $1 order by fee_due, subscription_id limit $2 for update of s skip locked"""
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
    return None if row is None else _tariff(row)


async def start(tx: Tx, subscription: Subscription) -> bool:
    """Keep a new subscription; False: it is known."""
    about = (subscription.subscription_id, subscription.service_id, subscription.subscriber, subscription.tariff_id, subscription.plan)
    return await tx.execute(START, *about, subscription.started_at, subscription.ended_at, subscription.fee_due) == "INSERT 0 1"


async def put(tx: Tx, subscription: Subscription) -> None:
    """Keep what changed of one."""
    await tx.execute(PUT, subscription.subscription_id, subscription.ended_at, subscription.fee_due)


async def pinned(tx: Tx, subscription_id: str, service_id: str, *, to_change: bool = False) -> tuple[Subscription, Tariff]:
    """A service's subscription and the tariff it is pinned to; raises Permanent where the service has no such subscription."""
    row = await tx.row(f"{PINNED} for update of s" if to_change else PINNED, subscription_id, service_id)
    if row is None:
        raise Permanent(f"service {service_id} has no subscription {subscription_id}")
    return _subscription(row), _tariff(row)


async def with_fees_due(tx: Tx, period: str, limit: int) -> list[tuple[Subscription, Tariff]]:
    """Subscriptions that owe a fee for this month or an earlier one, locked; what somebody has in hand right now is theirs."""
    return [(_subscription(row), _tariff(row)) for row in await tx.fetch(DUE, period, limit)]


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


def _tariff(row: Row) -> Tariff:
    return Tariff(
        tariff_id=row["tariff_id"],
        service_id=row["service_id"],
        valid_from=row["valid_from"],
        currency=row["currency"],
        plans=PLANS.validate_python(row["plans"]),
        shares=SHARES.validate_python(row["shares"]),
    )


def _subscription(row: Row) -> Subscription:
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
