"""Prices: a tariff is a version of a service's plans, never edited; a use is rated once, by the tariff its subscription is pinned to.

Amounts are decimals with at most nine places; nothing is rounded here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, localcontext
from enum import StrEnum

from stratapolis.governance.domain.step import Share

EXACT = Context(prec=60)
"""Wide enough that a sum or a product of amounts is never rounded."""
ZERO = Decimal(0)


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
