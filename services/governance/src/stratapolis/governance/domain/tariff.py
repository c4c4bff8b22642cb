"""Prices: a tariff is a version of a service's plans, never edited; a use is rated once, by the tariff its subscription is pinned to.

Amounts are decimals with at most nine places; nothing is rounded here.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from enum import StrEnum

from stratapolis.governance.domain.step import Share

EXACT = Context(prec=60)
"""Wide enough that a sum or a product of amounts is never rounded."""
ZERO = Decimal(0)
NOTICE = timedelta(days=30)
"""How long before dearer prices hold a subscriber is told."""
MOST_USES = 10**12
"""More than a month ever has."""


class Model(StrEnum):
    """How a plan is paid."""

    FREE = "free"
    SUBSCRIPTION = "subscription"
    PAY_PER_USE = "pay_per_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A unit price up to the use `up_to` of a month, that one included; None: for all that follow."""

    unit_price: Decimal
    up_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to pay; `cap` is the most a subscription pays a month."""

    name: str
    model: Model
    fee: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A version of a service's prices and of who shares in them."""

    tariff_id: str
    service_id: str
    valid_from: datetime
    currency: str
    plans: tuple[Plan, ...]
    shares: tuple[Share, ...]

    def plan(self, name: str) -> Plan | None:
        """The plan of this name."""
        return next((plan for plan in self.plans if plan.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a subscription is in a month: uses so far, and what they cost."""

    used: int = 0
    charged: Decimal = ZERO


def rate(plan: Plan, position: Position, quantity: int) -> tuple[Position, Decimal]:
    """What the next `quantity` uses of the month cost, tier by tier, up to the cap."""
    amount, used, left = ZERO, position.used, quantity
    with localcontext(EXACT):
        for tier in plan.tiers:
            taken = left if tier.up_to is None else min(left, max(tier.up_to - used, 0))
            amount += tier.unit_price * taken
            used, left = used + taken, left - taken
        amount = capped(plan, position.charged, amount)
        return Position(used=position.used + quantity, charged=position.charged + amount), amount


def capped(plan: Plan, charged: Decimal, amount: Decimal) -> Decimal:
    """As much of the amount as the month's cap leaves room for."""
    return amount if plan.cap is None else max(min(amount, plan.cap - charged), ZERO)


def month_costs(plan: Plan, uses: int) -> Decimal:
    """What a month with so many uses comes to."""
    if plan.model is Model.SUBSCRIPTION:
        return capped(plan, ZERO, plan.fee)
    return rate(plan, Position(), uses)[1] if plan.model is Model.PAY_PER_USE else ZERO


def is_dearer(new: Plan, old: Plan) -> bool:
    """Whether there is a month that costs more by the new plan: costs bend at the tiers' ends and at the caps, so no other months need a look."""
    return any(month_costs(new, uses) > month_costs(old, uses) for uses in {0, MOST_USES, *_bends(new), *_bends(old)})


def _bends(plan: Plan) -> Iterator[int]:
    """Numbers of uses around which a month's cost changes its slope."""
    used, cost = 0, ZERO
    for tier in plan.tiers:
        end = MOST_USES if tier.up_to is None else tier.up_to
        if plan.cap is not None and tier.unit_price:
            full = used + int((plan.cap - cost) / tier.unit_price)
            yield from (each for each in (full, full + 1) if used <= each <= end)
        yield from (end, end + 1)
        cost, used = cost + tier.unit_price * (end - used), end


def moves_at(old: Tariff, new: Tariff, plan: str, *, at: datetime) -> datetime | None:
    """When a subscription to a plan moves to new prices: at once, unless a month may cost more; then with the first month that begins after the notice.

    None: the plan is not offered any more, so who has it keeps it at its old prices.
    """
    was, becomes = old.plan(plan), new.plan(plan)
    if was is None or becomes is None:
        return None
    if old.currency == new.currency and not is_dearer(becomes, was):
        return at
    noticed = period_of(at + NOTICE)
    return start_of(noticed) if start_of(noticed) >= at + NOTICE else start_of(after(noticed))


def period_of(at: datetime) -> str:
    """The calendar month that a time belongs to, such as `2026-01`; months are UTC's."""
    return f"{at.astimezone(UTC):%Y-%m}"


def start_of(period: str) -> datetime:
    """When a month begins."""
    return datetime.strptime(period, "%Y-%m").replace(tzinfo=UTC)


def after(period: str) -> str:
    """The month after."""
    year, month = (int(part) for part in period.split("-"))
    return f"{year + month // 12:04}-{month % 12 + 1:02}"


def first_open(period: str, closed: Collection[str]) -> str:
    """The month, or the first one after it that is not closed."""
    while period in closed:
        period = after(period)
    return period
