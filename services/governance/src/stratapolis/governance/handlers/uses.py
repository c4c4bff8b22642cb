"""Subscriptions and uses: what the ledger charges. Whether a use counts is the catalogue's to say; what it has recorded is charged."""

from dataclasses import replace
from datetime import datetime

from city.value_catalog.v1.events_pb2 import ServiceUsed, SubscriptionEnded, SubscriptionStarted
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_time
from stratapolis.governance import charging, repricing
from stratapolis.governance.codec.uses import started_of, use_of
from stratapolis.governance.domain.platform import USES
from stratapolis.governance.store import marks, price_changes, tariffs


async def on_subscription_started(event: SubscriptionStarted, *, tx: Tx, at: datetime) -> None:
    """Pin the subscription to the tariff that holds, and charge its first month where it has a fee. One that is heard of late moves as all others did."""
    tariff = await tariffs.at_start(tx, event.service_id, to_time(event.start_time))
    plan = tariff.plan(event.plan) if tariff is not None else None
    if tariff is None or plan is None:
        raise Permanent(f"service {event.service_id} has no plan {event.plan}")
    subscription = started_of(event, tariff, plan)
    if await tariffs.start(tx, subscription):
        await charging.charge_fees(tx, subscription, at=at)
        pinned = await tariffs.subscription(tx, event.subscription_id, event.service_id, to_change=True)
        await repricing.move(tx, pinned, await price_changes.newest(tx, event.service_id), at=at)


async def on_subscription_ended(event: SubscriptionEnded, *, tx: Tx, at: datetime) -> None:
    """Charge what is due to the end, and nothing after it."""
    subscription = await tariffs.subscription(tx, event.subscription_id, event.service_id, to_change=True)
    if subscription.ended_at is None:
        ended = replace(subscription, ended_at=max(to_time(event.end_time), subscription.started_at))
        await charging.charge_fees(tx, ended, at=at)


async def on_service_used(event: ServiceUsed, *, tx: Tx, at: datetime) -> None:
    """Count a use once, have its day measured, and charge it by its subscription's tariff."""
    use = use_of(event)
    subscription = await tariffs.subscription(tx, use.subscription_id, use.service_id)
    if await tariffs.note_use(tx, use):
        await marks.put(tx, USES, use.service_id, use.used_at)
        await charging.charge_use(tx, use, subscription, await tariffs.in_force(tx, subscription, use.used_at), at=at)
