"""Posts to the ledger what is used, what is due, and what mirrors a charge."""

import contextlib
from datetime import datetime
from decimal import Decimal

from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.ids import new_id
from stratapolis.governance.domain.errors import ChargeAlreadyReversed
from stratapolis.governance.domain.ledger import Charge, ChargeKind, charge_legs, penalty_legs, reversal
from stratapolis.governance.domain.subscription import Subscription, Use, fees_due
from stratapolis.governance.domain.tariff import ZERO, Model, Tariff, capped, period_of, rate, start_of
from stratapolis.governance.store import ledger, periods, tariffs

LARGEST = Decimal(10) ** 12
"""The most one charge may be, in whole units: what a Money takes."""


async def charge_use(tx: Tx, use: Use, subscription: Subscription, tariff: Tariff, *, at: datetime) -> None:
    """Rate a use by its subscription's tariff and post it; what costs nothing is not posted."""
    plan = tariff.plan(subscription.plan)
    if plan is None or plan.model is not Model.PAY_PER_USE:
        return
    month = period_of(use.used_at)
    position, amount = rate(plan, await tariffs.position(tx, subscription.subscription_id, month), use.quantity)
    if amount > LARGEST:
        raise Permanent(f"use {use.use_id} of {use.quantity} would cost {amount} {tariff.currency}")
    await tariffs.move(tx, subscription.subscription_id, month, position)
    await _charge(tx, subscription, tariff, ChargeKind.USE, f"use:{subscription.service_id}:{use.use_id}", amount, month, at)


async def charge_fees(tx: Tx, subscription: Subscription, *, at: datetime) -> None:
    """Post the fees that are due, a calendar month each, by the prices that held when it began."""
    paid, months = fees_due(subscription, at=at)
    for month in months:
        tariff = await tariffs.in_force(tx, subscription, max(start_of(month), subscription.started_at))
        plan = tariff.plan(subscription.plan)
        fee = capped(plan, ZERO, plan.fee) if plan is not None else ZERO
        await _charge(tx, subscription, tariff, ChargeKind.FEE, f"fee:{subscription.subscription_id}:{month}", fee, month, at)
    await tariffs.put(tx, paid)


async def reverse(tx: Tx, charge_id: str, reason: str, *, at: datetime) -> Charge:
    """Mirror a charge, once, in the month it was earned or the first open one after it."""
    original = await ledger.charge(tx, charge_id)
    period = await periods.posting_to(tx, original.service_period)
    mirror = reversal(original, charge_id=new_id(), period=period, reason=reason, at=at)
    if not await ledger.post(tx, mirror):
        raise ChargeAlreadyReversed(charge_id)
    return mirror


async def penalise(tx: Tx, failure_id: str, party: str, amount: Decimal, currency: str, *, month: str, reason: str, at: datetime) -> None:
    """Post what a party owes the city for a missed metric, once."""
    charge = Charge(
        charge_id=new_id(),
        kind=ChargeKind.PENALTY,
        source=f"penalty:{failure_id}",
        service_id="",
        subscription_id="",
        currency=currency,
        amount=amount,
        period=await periods.posting_to(tx, month),
        service_period=month,
        posted_at=at,
        legs=penalty_legs(party, amount),
        reason=reason,
    )
    await ledger.post(tx, charge)


async def forgive(tx: Tx, failure_id: str, reason: str, *, at: datetime) -> None:
    """Mirror a penalty whose failure stands no more; one that an officer has reversed already stays as it is."""
    with contextlib.suppress(ChargeAlreadyReversed):
        await reverse(tx, await ledger.charge_of(tx, f"penalty:{failure_id}"), reason, at=at)


async def _charge(tx: Tx, subscription: Subscription, tariff: Tariff, kind: ChargeKind, source: str, amount: Decimal, month: str, at: datetime) -> None:
    if not amount:
        return
    charge = Charge(
        charge_id=new_id(),
        kind=kind,
        source=source,
        service_id=subscription.service_id,
        subscription_id=subscription.subscription_id,
        currency=tariff.currency,
        amount=amount,
        period=await periods.posting_to(tx, month),
        service_period=month,
        posted_at=at,
        legs=charge_legs(subscription.subscriber, amount, tariff.shares),
    )
    await ledger.post(tx, charge)
