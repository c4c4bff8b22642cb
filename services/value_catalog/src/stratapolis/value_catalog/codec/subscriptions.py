"""Subscriptions and uses."""

from __future__ import annotations

from city.manifest.v1.manifest_pb2 import Manifest
from city.value_catalog.v1 import events_pb2, use_service_pb2
from city.value_catalog.v1.subscription_service_pb2 import Subscription as SubscriptionMessage
from stratapolis.chassis.db import Row
from stratapolis.chassis.times import to_time, to_timestamp
from stratapolis.value_catalog.codec.times import stamp
from stratapolis.value_catalog.domain.subscription import Offer, Subscription
from stratapolis.value_catalog.domain.use import Became, Use, Verdict

OUTCOMES = {one: use_service_pb2.UseOutcome.Value(f"USE_OUTCOME_{one.name}") for one in Became}


def offer(service_id: str, row: Row) -> Offer:
    """What a shown entry offers to subscribe to."""
    plans = tuple(plan.name for plan in Manifest.FromString(row["manifest"]).spec.price.plans)
    return Offer(service_id=service_id, creator_id=row["creator_id"], title=row["title"], plans=plans)


def shown(subscription: Subscription) -> SubscriptionMessage:
    """A subscription for the wire."""
    return SubscriptionMessage(
        subscription_id=subscription.subscription_id,
        service_id=subscription.service_id,
        subscriber=subscription.subscriber,
        plan=subscription.plan,
        start_time=to_timestamp(subscription.started_at),
        end_time=stamp(subscription.ended_at),
        end_reason=subscription.end_reason,
        service_title=subscription.service_title,
    )


def started(subscription: Subscription) -> events_pb2.SubscriptionStarted:
    """The fact that it began."""
    return events_pb2.SubscriptionStarted(
        service_id=subscription.service_id,
        subscription_id=subscription.subscription_id,
        subscriber=subscription.subscriber,
        plan=subscription.plan,
        start_time=to_timestamp(subscription.started_at),
    )


def ended(subscription: Subscription) -> events_pb2.SubscriptionEnded:
    """The fact that it ended."""
    return events_pb2.SubscriptionEnded(
        service_id=subscription.service_id,
        subscription_id=subscription.subscription_id,
        end_time=stamp(subscription.ended_at),
        reason=subscription.end_reason,
    )


def use(message: use_service_pb2.Use) -> Use:
    """A use as it is reported."""
    return Use(use_id=message.use_id, subscription_id=message.subscription_id, quantity=message.quantity, used_at=to_time(message.used_time))


def used(service_id: str, one: Use) -> events_pb2.ServiceUsed:
    """The fact that a service was used."""
    return events_pb2.ServiceUsed(
        service_id=service_id, use_id=one.use_id, subscription_id=one.subscription_id, quantity=one.quantity, used_time=to_timestamp(one.used_at)
    )


def result(verdict: Verdict) -> use_service_pb2.UseResult:
    """The answer to one use."""
    return use_service_pb2.UseResult(use_id=verdict.use.use_id, outcome=OUTCOMES[verdict.became], reason=verdict.reason, message=verdict.message)
