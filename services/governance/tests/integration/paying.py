"""A paid service, and what the catalogue says of those who use it."""

from datetime import UTC, datetime
from itertools import count

from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.types.v1.types_pb2 import Share
from city.value_catalog.v1.events_pb2 import ServiceUsed, SubscriptionEnded, SubscriptionStarted
from stratapolis.chassis.times import to_timestamp

from services.governance.tests.integration.asking import Asking, a_manifest, an_answer

MAY = "2026-05"
IN_MAY = datetime(2026, 5, 20, 12, tzinfo=UTC)
NUMBERS = count(1)
PRICE = """
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


async def a_paid_service(asking: Asking, *, city: int = 3_000) -> str:
    """A live service with one plan of each model, of whose revenue the city has some basis points."""
    member = await asking.a_member()
    free = b"\n    plans:\n      - name: free\n        model: free\n"
    manifest = a_manifest()
    assert free in manifest
    journey = await asking.propose(member, manifest.replace(free, PRICE.encode()))
    shares = [Share(party=member.creator, basis_points=10_000 - city), Share(party="city", basis_points=city)]
    for event in await asking.city.published():
        if isinstance(event, StageRequested):
            await asking.city.deliver(an_answer(event, "policy", shares=shares), writer="policy")
            for layer in set(event.layers) - {"policy"}:
                await asking.city.deliver(an_answer(event, layer), writer=layer)
    await asking.go_live(journey.journey_id)
    assert any(isinstance(event, JourneyEnded) for event in await asking.city.published())
    return journey.service_id


async def subscribe(asking: Asking, service_id: str, *, plan: str, subscriber: str = "person:ada", at: datetime = IN_MAY) -> str:
    """A subscription, as the catalogue says it."""
    subscription_id = f"subscription-{next(NUMBERS)}"
    started = SubscriptionStarted(
        service_id=service_id, subscription_id=subscription_id, subscriber=subscriber, plan=plan, start_time=to_timestamp(at)
    )  # fmt: skip
    await asking.city.deliver(started)
    return subscription_id


async def cancel(asking: Asking, service_id: str, subscription_id: str, *, at: datetime = IN_MAY) -> None:
    """Its end."""
    await asking.city.deliver(
        SubscriptionEnded(service_id=service_id, subscription_id=subscription_id, end_time=to_timestamp(at), reason="cancelled")
    )  # fmt: skip


def a_use(service_id: str, subscription_id: str, *, quantity: int = 1, use_id: str = "", at: datetime = IN_MAY) -> ServiceUsed:
    """A use, as the catalogue says it."""
    return ServiceUsed(
        service_id=service_id, use_id=use_id or f"use-{next(NUMBERS)}", subscription_id=subscription_id, quantity=quantity, used_time=to_timestamp(at)
    )


async def use(asking: Asking, service_id: str, subscription_id: str, *, quantity: int = 1, use_id: str = "", at: datetime = IN_MAY) -> None:
    """Record one."""
    await asking.city.deliver(a_use(service_id, subscription_id, quantity=quantity, use_id=use_id, at=at))
