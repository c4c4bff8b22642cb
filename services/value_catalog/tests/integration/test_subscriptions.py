"""Subscriptions: one runs a plan, its end is final, and only who it concerns sees it."""

import asyncio
from typing import Any

import pytest
from city.value_catalog.v1 import subscription_service_pb2 as pb
from city.value_catalog.v1.events_pb2 import SubscriptionEnded, SubscriptionStarted
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.value_catalog.domain import errors

from services.value_catalog.tests.builders import ADA, BEN, MEMBER, OFFICER, STRANGER, Layer, a_request, the_system


async def subscribe(layer: Layer, service_id: str, caller: Caller = ADA, plan: str = "basic") -> Any:
    request = pb.SubscribeRequest(request_id=new_id(), service_id=service_id, plan=plan)
    return (await layer.call(layer.subscriptions.subscribe, request, caller)).subscription


async def cancel(layer: Layer, subscription_id: str, caller: Caller = ADA) -> Any:
    request = pb.CancelSubscriptionRequest(request_id=new_id(), subscription_id=subscription_id)
    return (await layer.call(layer.subscriptions.cancel_subscription, request, caller)).subscription


async def ids(layer: Layer, caller: Caller, **asked: Any) -> list[str]:
    answer = await layer.call(layer.subscriptions.list_subscriptions, pb.ListSubscriptionsRequest(**asked), caller)
    return [one.subscription_id for one in answer.subscriptions]


async def test_subscribing_starts_and_says_so(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    started = await subscribe(layer, service_id)
    assert (started.subscriber, started.plan, started.service_title) == ("person-ada", "basic", "Air quality alert")
    assert not started.HasField("end_time")
    assert await layer.under.published() == [
        SubscriptionStarted(
            service_id=service_id, subscription_id=started.subscription_id, subscriber="person-ada", plan="basic", start_time=started.start_time
        )
    ]


async def test_a_member_subscribes_for_the_value_creator(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    assert (await subscribe(layer, service_id, STRANGER)).subscriber == "creator-other"


async def test_one_subscription_a_plan_runs_whatever_runs_at_once(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    results = await asyncio.gather(*(subscribe(layer, service_id) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, errors.AlreadySubscribed) for one in results) == 7
    await subscribe(layer, service_id, plan="plus")
    await subscribe(layer, service_id, BEN)
    assert len([event for event in await layer.under.published() if isinstance(event, SubscriptionStarted)]) == 3


async def test_after_its_end_a_plan_is_subscribed_to_again(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    first = await subscribe(layer, service_id)
    ended = await cancel(layer, first.subscription_id)
    assert ended.end_reason == "cancelled" and ended.end_time.ToDatetime() >= first.start_time.ToDatetime()
    second = await subscribe(layer, service_id)
    assert second.subscription_id != first.subscription_id
    assert [type(event) for event in await layer.under.published()] == [SubscriptionStarted, SubscriptionEnded, SubscriptionStarted]
    assert await ids(layer, ADA) == [second.subscription_id, first.subscription_id]
    assert await ids(layer, ADA, running_only=True) == [second.subscription_id]


async def test_ending_twice_is_refused(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    started = await subscribe(layer, service_id)
    results = await layer.at_once("select from subscription", *(cancel(layer, started.subscription_id) for _ in range(4)))
    assert sum(isinstance(one, errors.SubscriptionEnded) for one in results) == 3


async def test_only_what_is_shown_is_subscribed_to(layer: Layer) -> None:
    hidden = a_request()
    await layer.under.deliver(hidden)
    for service_id in (hidden.service_id, "nowhere"):
        with pytest.raises(errors.ServiceNotFound):
            await subscribe(layer, service_id)
    (service_id,) = await layer.publish()
    with pytest.raises(errors.PlanNotFound, match="basic, plus"):
        await subscribe(layer, service_id, plan="gold")


async def test_the_subscriber_the_service_and_its_creator_see_it_and_nobody_else(layer: Layer) -> None:
    service_id, other = await layer.publish() + await layer.publish(creator_id="creator-other")
    mine = (await subscribe(layer, service_id)).subscription_id
    theirs = (await subscribe(layer, other, BEN)).subscription_id
    assert await ids(layer, ADA) == [mine]
    assert await ids(layer, BEN) == [theirs]
    for caller in (MEMBER, the_system(service_id), the_system(service_id, creator="")):
        assert await ids(layer, caller) == [mine]
    assert await ids(layer, STRANGER) == [theirs]
    assert set(await ids(layer, OFFICER)) == {mine, theirs}
    assert await ids(layer, Caller(subject="person-none", kind="person")) == []
    assert await ids(layer, BEN, service_id=service_id) == await ids(layer, BEN, subscriber="person-ada") == []


async def test_anothers_subscription_looks_like_none(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    started = await subscribe(layer, service_id)
    said = []
    for subscription_id in (started.subscription_id, "0" * 36):
        for work in (
            layer.call(layer.subscriptions.get_subscription, pb.GetSubscriptionRequest(subscription_id=subscription_id), BEN),
            cancel(layer, subscription_id, BEN),
        ):
            with pytest.raises(errors.SubscriptionNotFound) as refused:
                await work
            said.append(refused.value.message.replace(subscription_id, "ID"))
    assert len(set(said)) == 1


async def test_who_offers_a_service_sees_a_subscription_but_does_not_end_it(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    started = await subscribe(layer, service_id)
    got = await layer.call(layer.subscriptions.get_subscription, pb.GetSubscriptionRequest(subscription_id=started.subscription_id), MEMBER)
    assert got.subscription == started
    for caller in (MEMBER, the_system(service_id)):
        with pytest.raises(Refused) as refused:
            await cancel(layer, started.subscription_id, caller)
        assert refused.value.reason == "NOT_THE_SUBSCRIBER"


async def test_a_service_learns_whether_its_user_may_use_it(layer: Layer) -> None:
    service_id, other = await layer.publish() + await layer.publish(creator_id="creator-other")
    basic = await subscribe(layer, service_id)
    plus = await subscribe(layer, service_id, plan="plus")

    async def check(caller: Caller, service: str = service_id, subscriber: str = "person-ada") -> list[Any]:
        request = pb.CheckSubscriptionRequest(service_id=service, subscriber=subscriber)
        return list((await layer.call(layer.subscriptions.check_subscription, request, caller)).subscriptions)

    assert await check(the_system(service_id)) == [basic, plus]
    assert await check(ADA) == [basic, plus]
    assert await check(the_system(service_id), subscriber="person-ben") == []
    assert await check(the_system(other, "creator-other")) == await check(BEN) == []
    await cancel(layer, basic.subscription_id)
    assert await check(the_system(service_id)) == [plus]


async def test_pages_of_subscriptions_skip_and_repeat_nothing(layer: Layer) -> None:
    services = [service_id for _ in range(7) for service_id in await layer.publish()]
    started = [(await subscribe(layer, service_id, caller)).subscription_id for service_id in services for caller in (ADA, BEN)]
    seen: list[str] = []
    request = pb.ListSubscriptionsRequest(page_size=4)
    while True:
        answer = await layer.call(layer.subscriptions.list_subscriptions, request, MEMBER)
        seen += [one.subscription_id for one in answer.subscriptions]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
        await subscribe(layer, services[0], Caller(subject=new_id(), kind="person"))
    assert seen == started[::-1]
