"""Subscriptions as the ledger knows them: who pays, by which plan of which tariff, and which months' fees are due."""

from dataclasses import dataclass, replace
from datetime import datetime

from stratapolis.governance.domain.tariff import ZERO, Model, Plan, after, capped, period_of, start_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscriber's standing use of a service; `fee_due` is the month whose fee is charged next, None where there is none."""

    subscription_id: str
    service_id: str
    subscriber: str
    tariff_id: str
    plan: str
    started_at: datetime
    ended_at: datetime | None = None
    fee_due: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One metered consumption, as the catalogue recorded it."""

    service_id: str
    use_id: str
    subscription_id: str
    quantity: int
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """A subscription's move to the prices of another tariff, and when its subscriber was told."""

    subscription_id: str
    service_id: str
    subscriber: str
    plan: str
    tariff_id: str
    noticed_at: datetime
    valid_from: datetime


def begun(subscription: Subscription, plan: Plan) -> Subscription:
    """A plan with a fee owes it from the month it starts in."""
    return owing(subscription, plan, subscription.started_at)


def owing(subscription: Subscription, plan: Plan, since: datetime) -> Subscription:
    """A plan with a fee owes it from the month it holds in; a fee that is owed already goes on from where it is."""
    owes = plan.model is Model.SUBSCRIPTION and capped(plan, ZERO, plan.fee) > 0
    return replace(subscription, fee_due=subscription.fee_due or period_of(since)) if owes else subscription


def fees_due(subscription: Subscription, *, at: datetime) -> tuple[Subscription, tuple[str, ...]]:
    """The months whose fees are due by now: every calendar month in which it runs, each once."""
    months: list[str] = []
    due = subscription.fee_due
    while due is not None and start_of(due) <= at and _runs_in(subscription, due):
        months.append(due)
        due = after(due)
    if due is not None and not _runs_in(subscription, due):
        due = None
    return replace(subscription, fee_due=due), tuple(months)


def _runs_in(subscription: Subscription, month: str) -> bool:
    return month == period_of(subscription.started_at) or subscription.ended_at is None or start_of(month) < subscription.ended_at
