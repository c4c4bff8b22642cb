"""Moves running subscriptions to the prices of a new version: at once where no month costs more, else with the first month after 30 days' notice."""

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.governance.domain.subscription import Subscription, owing
from stratapolis.governance.domain.tariff import Tariff, moves_at
from stratapolis.governance.store import price_changes, tariffs


async def move_some(tx: Tx, services: int, subscriptions: int, *, at: datetime) -> None:
    """Go on where the last run stopped, with so many subscriptions of so many services."""
    for tariff, after in await price_changes.asked(tx, services):
        found = await price_changes.running(tx, tariff.service_id, after, subscriptions)
        for subscription in found:
            await move(tx, subscription, tariff, at=at)
        is_last = len(found) < subscriptions
        await price_changes.went_on(tx, tariff.service_id, None if is_last else found[-1].subscription_id)


async def move(tx: Tx, subscription: Subscription, tariff: Tariff, *, at: datetime) -> None:
    """Move one, which is locked, from the prices it has now; what it was to move to later counts no more."""
    now = await tariffs.in_force(tx, subscription, at)
    if now.tariff_id == tariff.tariff_id:
        return
    await price_changes.drop_pending(tx, subscription.subscription_id, at)
    when, plan = moves_at(now, tariff, subscription.plan, at=at), tariff.plan(subscription.plan)
    if when is not None and plan is not None:
        await price_changes.put(tx, subscription.subscription_id, tariff.tariff_id, valid_from=when, at=at)
        await tariffs.put(tx, owing(subscription, plan, when))
