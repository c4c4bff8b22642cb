"""Uses are recorded once, by the service alone, over a trusted connection."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.value_catalog.v1 import subscription_service_pb2, use_service_pb2
from city.value_catalog.v1.events_pb2 import ServiceUsed
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.value_catalog.domain.errors import ConnectionNotTrusted

from services.value_catalog.tests.builders import ADA, BEN, MEMBER, OFFICER, Layer, the_system

RECORDED, DUPLICATE = use_service_pb2.USE_OUTCOME_RECORDED, use_service_pb2.USE_OUTCOME_DUPLICATE


async def a_subscription(layer: Layer, service_id: str, caller: Caller = ADA) -> str:
    request = subscription_service_pb2.SubscribeRequest(request_id=new_id(), service_id=service_id, plan="basic")
    return (await layer.call(layer.subscriptions.subscribe, request, caller)).subscription.subscription_id  # type: ignore[no-any-return]


def a_use(subscription_id: str, use_id: str = "ride-1", *, quantity: int = 1, used_at: datetime | None = None) -> use_service_pb2.Use:
    return use_service_pb2.Use(
        use_id=use_id, subscription_id=subscription_id, quantity=quantity, used_time=to_timestamp(used_at or datetime.now(UTC) + timedelta(seconds=1))
    )


async def record(layer: Layer, service_id: str, *uses: use_service_pb2.Use, caller: Caller | None = None) -> list[Any]:
    request = use_service_pb2.RecordUsesRequest(request_id=new_id(), service_id=service_id, uses=uses)
    return list((await layer.call(layer.uses.record_uses, request, caller or the_system(service_id))).results)


async def said(layer: Layer) -> list[ServiceUsed]:
    return [event for event in await layer.under.published() if isinstance(event, ServiceUsed)]


async def ready(layer: Layer) -> tuple[str, str]:
    """A live service with a trusted connection, and Ada's subscription to it."""
    (service_id,) = await layer.publish()
    await layer.trust(service_id)
    return service_id, await a_subscription(layer, service_id)


async def test_a_use_is_recorded_and_said_with_its_content(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    use = a_use(subscription, quantity=3)
    assert [one.outcome for one in await record(layer, service_id, use)] == [RECORDED]
    assert await said(layer) == [ServiceUsed(service_id=service_id, use_id="ride-1", subscription_id=subscription, quantity=3, used_time=use.used_time)]


async def test_g3_a_use_sent_again_is_a_duplicate_and_one_with_other_content_is_refused(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    use = a_use(subscription)
    other = a_use(subscription, quantity=2, used_at=use.used_time.ToDatetime(tzinfo=UTC))
    first = await record(layer, service_id, use, use, other)
    again = await record(layer, service_id, other, use)
    assert [(one.outcome == RECORDED, one.outcome == DUPLICATE, one.reason) for one in (*first, *again)] == [
        (True, False, ""), (False, True, ""), (False, False, "USE_ID_REUSED"), (False, False, "USE_ID_REUSED"), (False, True, ""),
    ]  # fmt: skip
    assert len(await said(layer)) == 1 == await layer.count("recorded_use")


async def test_the_same_id_stands_for_another_use_in_another_service(layer: Layer) -> None:
    for _ in range(2):
        service_id, subscription = await ready(layer)
        assert [one.outcome for one in await record(layer, service_id, a_use(subscription))] == [RECORDED]


async def test_one_refusal_hinders_no_other_use(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    elsewhere, foreign = await ready(layer)
    now = datetime.now(UTC)
    results = await record(
        layer, service_id,
        a_use(subscription, "good"), a_use("0" * 36, "none"), a_use(foreign, "foreign"), a_use(subscription, "early", used_at=now + timedelta(minutes=6)),
        a_use(subscription, "late", used_at=now - timedelta(days=91)), a_use(subscription, "before", used_at=now - timedelta(hours=1)),
        a_use(subscription, "ahead", used_at=now + timedelta(minutes=4)),
    )  # fmt: skip
    assert [(one.use_id, one.reason) for one in results] == [
        ("good", ""), ("none", "NO_SUBSCRIPTION"), ("foreign", "NO_SUBSCRIPTION"), ("early", "TOO_EARLY"), ("late", "TOO_LATE"), ("before", "NO_SUBSCRIPTION"),
        ("ahead", ""),
    ]  # fmt: skip
    assert [event.use_id for event in await said(layer)] == ["good", "ahead"]
    assert elsewhere != service_id


async def test_uses_before_the_end_are_taken_after_it_and_later_ones_are_not(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    started_to_end = datetime.now(UTC)
    cancelled = subscription_service_pb2.CancelSubscriptionRequest(request_id=new_id(), subscription_id=subscription)
    ended = (await layer.call(layer.subscriptions.cancel_subscription, cancelled)).subscription.end_time.ToDatetime(tzinfo=UTC)
    results = await record(
        layer, service_id, a_use(subscription, "before", used_at=started_to_end), a_use(subscription, "at", used_at=ended),
        a_use(subscription, "just before", used_at=ended - timedelta(microseconds=1)),
    )  # fmt: skip
    assert [one.reason for one in results] == ["", "SUBSCRIPTION_ENDED", ""]


async def test_a_thousand_uses_go_in_one_call(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    results = await record(layer, service_id, *(a_use(subscription, f"ride-{number}") for number in range(1_000)))
    assert Counter(one.outcome for one in results) == {RECORDED: 1_000}
    assert [event.use_id for event in await said(layer)] == [f"ride-{number}" for number in range(1_000)]


async def test_g8_reports_of_the_same_uses_at_once_record_each_once(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    uses = [a_use(subscription, f"ride-{number}") for number in range(60)]
    reports = [uses, uses[::-1], uses[20:], uses[:40], uses[::2]]
    results = await asyncio.gather(*(record(layer, service_id, *report) for report in reports))
    recorded = Counter(one.use_id for report in results for one in report if one.outcome == RECORDED)
    assert recorded == {use.use_id: 1 for use in uses}
    assert {one.outcome for report in results for one in report} <= {RECORDED, DUPLICATE}
    assert sorted(event.use_id for event in await said(layer)) == sorted(recorded)


async def test_a_cancellation_and_reports_at_once_leave_no_use_behind_the_end(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    ahead = datetime.now(UTC) + timedelta(minutes=1)
    cancelled = subscription_service_pb2.CancelSubscriptionRequest(request_id=new_id(), subscription_id=subscription)
    *reports, _ = await asyncio.gather(
        *(record(layer, service_id, a_use(subscription, f"ride-{number}", used_at=ahead)) for number in range(6)),
        layer.call(layer.subscriptions.cancel_subscription, cancelled),
    )
    events = [type(event).__name__ for event in await layer.under.published()]
    assert "ServiceUsed" not in events[events.index("SubscriptionEnded") :]
    assert sum(report[0].outcome == RECORDED for report in reports) == events.count("ServiceUsed")


@pytest.mark.parametrize("caller", [ADA, MEMBER, OFFICER, the_system("another-service")])
async def test_nobody_but_the_service_records(layer: Layer, caller: Caller) -> None:
    service_id, subscription = await ready(layer)
    for asked in (service_id, "nowhere"):
        with pytest.raises(Refused) as refused:
            await record(layer, asked, a_use(subscription), caller=caller)
        assert refused.value.reason == "NOT_THE_SERVICE"


async def test_a_connection_counts_from_its_trust_to_its_end(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    subscription = await a_subscription(layer, service_id, BEN)
    subject, numbers = f"system:{service_id}", iter(range(100))

    async def is_refused() -> bool:
        try:
            (result,) = await record(layer, service_id, a_use(subscription, f"ride-{next(numbers)}"))
        except ConnectionNotTrusted:
            return True
        assert result.outcome == RECORDED
        return False

    assert await is_refused()
    other_scope = ConnectionTrusted(connection_id=new_id(), subject=subject, target="data", scope="data:read")
    past = ConnectionTrusted(
        connection_id=new_id(), subject=subject, target="value_catalog", scope="uses:record", end_time=to_timestamp(datetime.now(UTC) - timedelta(seconds=1))
    )
    await layer.under.deliver(other_scope, past)
    assert await is_refused()
    connection = await layer.trust(service_id)
    assert not await is_refused()
    severed = ConnectionSevered(connection_id=connection, reason="revoked", subject=subject, target="value_catalog", scope="uses:record")
    await layer.under.deliver(severed)
    assert await is_refused()
    await layer.trust(service_id, connection)
    assert await is_refused()


async def test_the_schema_itself_keeps_recorded_uses(layer: Layer) -> None:
    service_id, subscription = await ready(layer)
    await record(layer, service_id, a_use(subscription))
    for statement in ("update recorded_use set quantity = 9", "delete from recorded_use"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            async with layer.db.transaction() as tx:
                await tx.execute(statement)
