"""Charges uses and fees, mirrors charges, settles periods: the only module that posts to the ledger."""

from datetime import datetime, timedelta
from decimal import Decimal

from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.tables.currencies import minor_units
from stratapolis.governance.codec.ledger import mirrored, posted
from stratapolis.governance.domain.errors import ChargeAlreadyReversed, PeriodNotOver
from stratapolis.governance.domain.ledger import (
    Charge,
    ChargeKind,
    Line,
    charge_legs,
    owner_of,
    reversed_legs,
    rounded,
    rounding_legs,
)
from stratapolis.governance.domain.subscription import Subscription, fees_due
from stratapolis.governance.domain.tariff import ZERO, Model, Tariff, after, capped, period_of, rate, start_of
from stratapolis.governance.store import ledger, statements, tariffs
from stratapolis.governance.store.statements import Statement

LARGEST = Decimal(10) ** 12
"""The most one charge may be, in whole units: what a Money takes."""


async def charge_use(tx: Tx, subscription: Subscription, tariff: Tariff, *, use_id: str, quantity: int, used_at: datetime, at: datetime) -> None:
    """Rate a use by its subscription's tariff and post it; what costs nothing is not posted."""
    plan = tariff.plan(subscription.plan)
    if plan is None or plan.model is not Model.PAY_PER_USE:
        return
    month = period_of(used_at)
    position, amount = rate(plan, await tariffs.position(tx, subscription.subscription_id, month), quantity)
    if amount > LARGEST:
        raise Permanent(f"use {use_id} of {quantity} would cost {amount} {tariff.currency}")
    await tariffs.move(tx, subscription.subscription_id, month, position)
    await _charge(tx, subscription, tariff, ChargeKind.USE, f"use:{subscription.service_id}:{use_id}", amount, month, at)


async def charge_fees(tx: Tx, subscription: Subscription, tariff: Tariff, *, at: datetime) -> None:
    """Post the fees that are due, a calendar month each."""
    paid, months = fees_due(subscription, at=at)
    plan = tariff.plan(subscription.plan)
    for month in months if plan is not None else ():
        fee = capped(plan, ZERO, plan.fee)
        await _charge(tx, subscription, tariff, ChargeKind.FEE, f"fee:{subscription.subscription_id}:{month}", fee, month, at)
    await tariffs.put(tx, paid)


async def reverse(tx: Tx, charge_id: str, reason: str, *, at: datetime) -> Charge:
    """Mirror a charge, once, in the month it was earned or the first open one after it."""
    original = await ledger.charge(tx, charge_id)
    reversal = Charge(
        charge_id=new_id(),
        kind=ChargeKind.REVERSAL,
        source=f"reversal:{charge_id}",
        service_id=original.service_id,
        subscription_id=original.subscription_id,
        currency=original.currency,
        amount=-original.amount,
        period=await ledger.open_period(tx, original.service_period),
        service_period=original.service_period,
        posted_at=at,
        legs=reversed_legs(original),
    )
    if not await ledger.post(tx, reversal, reason=reason):
        raise ChargeAlreadyReversed(charge_id)
    await outbox.append(tx, mirrored(original, reversal, reason))
    return reversal


async def settle(tx: Tx, period: str, *, wait: timedelta, at: datetime) -> int:
    """Close a period and make its statements; each line is rounded once, the difference goes to `rounding`. Returns how many."""
    earliest = start_of(after(period)) + wait
    if at < earliest:
        raise PeriodNotOver(period, earliest.isoformat())
    await ledger.lock_period(tx, period)
    made = await statements.sums(tx, period)
    for account, currency, sums in made:
        digits = minor_units(currency)
        lines = tuple(
            Line(service_id=s.service_id, service_period=s.service_period, entries=s.entries, exact=s.exact, amount=rounded(s.exact, digits)) for s in sums
        )
        await _post_rounding(tx, period, account, currency, lines, at)
        total = sum((line.amount for line in lines), ZERO)
        about = {"statement_id": new_id(), "period": period, "account": account, "owner": owner_of(account), "currency": currency}
        await statements.add(tx, Statement(**about, total=total, lines=lines, closed_at=at))
    await ledger.close_period(tx, period, at)
    return len(made)


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
        period=await ledger.open_period(tx, month),
        service_period=month,
        posted_at=at,
        legs=charge_legs(subscription.subscriber, amount, tariff.shares),
    )
    if await ledger.post(tx, charge):
        await outbox.append(tx, posted(charge))


async def _post_rounding(tx: Tx, period: str, account: str, currency: str, lines: tuple[Line, ...], at: datetime) -> None:
    legs = rounding_legs(account, lines)
    if not legs:
        return
    rounding = Charge(
        charge_id=new_id(),
        kind=ChargeKind.ROUNDING,
        source=f"rounding:{period}:{account}:{currency}",
        service_id="",
        subscription_id="",
        currency=currency,
        amount=legs[0].amount,
        period=period,
        service_period=period,
        posted_at=at,
        legs=legs,
    )
    await ledger.post(tx, rounding)
