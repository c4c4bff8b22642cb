"""Subscriptions: one runs per subscriber, service and plan; its end is final."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stratapolis.value_catalog.domain.errors import NotTheSubscriber, PlanNotFound, SubscriptionEnded

CANCELLED = "cancelled"
RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscriber's standing use of a service. `creator_id` offers the service; `subscriber` is the owner that pays."""

    subscription_id: str
    service_id: str
    creator_id: str
    service_title: str
    subscriber: str
    plan: str
    started_at: datetime
    ended_at: datetime | None = None
    end_reason: str = ""

    def runs(self, at: datetime) -> bool:
        """Whether it ran, or runs, at that time: from its start on, until its end and not at it."""
        return self.started_at <= at and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one subscribes to: a shown service and the names of its plans."""

    service_id: str
    creator_id: str
    title: str
    plans: tuple[str, ...]


def subscribe(offer: Offer, *, plan: str, subscriber: str, subscription_id: str, at: datetime) -> Subscription:
    """Start a subscription to one of the plans; that none runs already is the store's to see."""
    if plan not in offer.plans:
        raise PlanNotFound(plan, offer.plans)
    return Subscription(
        subscription_id=subscription_id,
        service_id=offer.service_id,
        creator_id=offer.creator_id,
        service_title=offer.title,
        subscriber=subscriber,
        plan=plan,
        started_at=at,
    )


def cancel(subscription: Subscription, *, owners: Sequence[str], at: datetime) -> Subscription:
    """End it at once, by its subscriber; ending twice is refused."""
    if subscription.subscriber not in owners:
        raise NotTheSubscriber(subscription.subscription_id)
    if subscription.ended_at is not None:
        raise SubscriptionEnded(subscription.subscription_id)
    return replace(subscription, ended_at=max(at, subscription.started_at), end_reason=CANCELLED)


def end_with_service(subscription: Subscription, *, at: datetime) -> Subscription:
    """End a running one because its service goes."""
    return replace(subscription, ended_at=max(at, subscription.started_at), end_reason=RETIRED)
