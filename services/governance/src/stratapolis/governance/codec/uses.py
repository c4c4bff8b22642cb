"""Subscriptions and uses, as the catalogue says them."""

from city.value_catalog.v1.events_pb2 import ServiceUsed, SubscriptionStarted
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_time
from stratapolis.governance.domain.subscription import Subscription, Use, begun
from stratapolis.governance.domain.tariff import Plan, Tariff


def started_of(event: SubscriptionStarted, tariff: Tariff, plan: Plan) -> Subscription:
    """A new subscription to a plan of a tariff."""
    subscription = Subscription(
        subscription_id=event.subscription_id,
        service_id=event.service_id,
        subscriber=event.subscriber,
        tariff_id=tariff.tariff_id,
        plan=plan.name,
        started_at=to_time(event.start_time),
    )
    return begun(subscription, plan)


def use_of(event: ServiceUsed) -> Use:
    """A use; Permanent for what is none."""
    if event.quantity < 1:
        raise Permanent(f"use {event.use_id} has the quantity {event.quantity}")
    return Use(
        service_id=event.service_id,
        use_id=event.use_id,
        subscription_id=event.subscription_id,
        quantity=event.quantity,
        used_at=to_time(event.used_time),
    )
