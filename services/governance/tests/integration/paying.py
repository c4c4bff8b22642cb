"""A paid service, and what the catalogue says of those who use it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from city.governance.v1.events_pb2 import StageRequested
from city.types.v1.types_pb2 import Share
from city.value_catalog.v1.events_pb2 import ServiceUsed, SubscriptionEnded, SubscriptionStarted
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain.journey import Course
from stratapolis.governance.domain.step import Stage

from services.governance.tests.integration.asking import Asking, a_manifest, an_answer

COURSE = Course(
    layers=frozenset({"policy", "data", "connectivity", "infrastructure", "value_catalog", "innovation"}), limits=dict.fromkeys(Stage, timedelta(hours=1))
)  # fmt: skip
MAY = "2026-05"
IN_MAY = datetime(2026, 5, 20, 12, tzinfo=UTC)
NUMBERS = count(1)
FREE = b"    plans:\n      - name: free\n        model: free\n"
PRICE = b"""\
    currency: EUR
    plans:
      - name: per-trip
        model: payPerUse
        tiers: [{upTo: 10, unitPrice: "0.11"}, {unitPrice: "0.05"}]
      - name: capped
        model: payPerUse
        tiers: [{unitPrice: "0.30"}]
        cap: "1.00"
      - name: monthly
        model: subscription
        fee: "9.90"
      - name: free
        model: free
"""


async def a_paid_service(asking: Asking, *, shares: Sequence[int] = (7_000, 3_000), subject: str = "founder-1") -> str:
    """A live service with one plan of each model. The shares, in basis points, are its value creator's, other creators' and last the city's."""
    member = await asking.a_member(f"Club of {subject}", subject)
    manifest = a_manifest()
    assert FREE in manifest
    journey = await asking.propose(member, manifest.replace(FREE, PRICE))
    parties = [member.creator, *(f"partner-{n}" for n in range(1, len(shares) - 1)), "city"]
    agreed = [Share(party=party, basis_points=points) for party, points in zip(parties, shares, strict=True)]
    for event in await asking.city.published():
        if isinstance(event, StageRequested):
            await asking.city.deliver(an_answer(event, "policy", shares=agreed), writer="policy")
            for layer in sorted(set(event.layers) - {"policy"}):
                await asking.city.deliver(an_answer(event, layer), writer=layer)
    await asking.go_live(journey.journey_id)
    return journey.service_id


def a_start(service_id: str, subscription_id: str, *, plan: str, subscriber: str = "person:ada", at: datetime = IN_MAY) -> SubscriptionStarted:
    """A subscription, as the catalogue says it."""
    return SubscriptionStarted(service_id=service_id, subscription_id=subscription_id, subscriber=subscriber, plan=plan, start_time=to_timestamp(at))


def an_end(service_id: str, subscription_id: str, *, at: datetime = IN_MAY) -> SubscriptionEnded:
    """Its end."""
    return SubscriptionEnded(service_id=service_id, subscription_id=subscription_id, end_time=to_timestamp(at), reason="cancelled")


def a_use(service_id: str, subscription_id: str, *, quantity: int = 1, use_id: str = "", at: datetime = IN_MAY) -> ServiceUsed:
    """A use."""
    named = use_id or f"use-{next(NUMBERS)}"
    return ServiceUsed(service_id=service_id, use_id=named, subscription_id=subscription_id, quantity=quantity, used_time=to_timestamp(at))


async def subscribe(asking: Asking, service_id: str, *, plan: str = "per-trip", subscriber: str = "person:ada", at: datetime = IN_MAY) -> str:
    """Somebody subscribes; the subscription's id."""
    subscription_id = f"subscription-{next(NUMBERS)}"
    await asking.city.deliver(a_start(service_id, subscription_id, plan=plan, subscriber=subscriber, at=at))
    return subscription_id
