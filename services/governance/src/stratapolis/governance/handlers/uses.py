"""Subscriptions and uses: what the ledger charges."""

from dataclasses import replace
from datetime import datetime

from city.value_catalog.v1.events_pb2 import ServiceUsed, SubscriptionEnded, SubscriptionStarted
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_time
from stratapolis.governance import charging
from stratapolis.governance.domain.subscription import Subscription, begun
from stratapolis.governance.store import tariffs


async def on_subscription_started(event: SubscriptionStarted, *, tx: Tx, at: datetime) -> None:
    """Pin the subscription to the tariff that holds, and charge its first month where it has a fee."""
    started_at = to_time(event.start_time)
    tariff = await tariffs.at_start(tx, event.service_id, started_at)
    plan = tariff.plan(event.plan) if tariff is not None else None
    if tariff is None or plan is None:
        raise Permanent(f"service {event.service_id} has no plan {event.plan}")
    subscription = Subscription(
        subscription_id=event.subscription_id,
        service_id=event.service_id,
        subscriber=event.subscriber,
        tariff_id=tariff.tariff_id,
        plan=plan.name,
        started_at=started_at,
    )
    subscription = begun(subscription, plan)
    if await tariffs.start(tx, subscription) and subscription.fee_due is not None:
        await charging.charge_fees(tx, subscription, tariff, at=at)


async def on_subscription_ended(event: SubscriptionEnded, *, tx: Tx, at: datetime) -> None:
    """Charge what is due to the end, and nothing after it."""
    subscription = await _subscription(tx, event.subscription_id, event.service_id)
    if subscription.ended_at is None:
        ended = replace(subscription, ended_at=max(to_time(event.end_time), subscription.started_at))
        await charging.charge_fees(tx, ended, await tariffs.get(tx, ended.tariff_id), at=at)


async def on_service_used(event: ServiceUsed, *, tx: Tx, at: datetime) -> None:
    """Count a use once, and charge it by its subscription's tariff."""
    subscription, used_at = await _subscription(tx, event.subscription_id, event.service_id), to_time(event.used_time)
    if not subscription.runs_at(used_at) or event.quantity < 1:
        raise Permanent(f"use {event.use_id} of {event.quantity} at {used_at} is not within subscription {event.subscription_id}")
    if await tariffs.note_use(tx, event.service_id, event.use_id, event.subscription_id, event.quantity, used_at):
        tariff = await tariffs.get(tx, subscription.tariff_id)
        await charging.charge_use(tx, subscription, tariff, use_id=event.use_id, quantity=event.quantity, used_at=used_at, at=at)


async def _subscription(tx: Tx, subscription_id: str, service_id: str) -> Subscription:
    found = await tariffs.subscription(tx, subscription_id)
    if found is None or found.service_id != service_id:
        raise Permanent(f"service {service_id} has no subscription {subscription_id}")
    return found
