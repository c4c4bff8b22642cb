"""A subscriber has one say, may change it, and nobody learns whose it was."""

import asyncio
from typing import Any

import pytest
from city.value_catalog.v1 import feedback_service_pb2 as pb
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.events_pb2 import FeedbackGiven
from city.value_catalog.v1.subscription_service_pb2 import CancelSubscriptionRequest, SubscribeRequest
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.value_catalog.domain import errors

from services.value_catalog.tests.builders import ADA, BEN, MEMBER, OFFICER, STRANGER, Layer, the_system


async def give(layer: Layer, service_id: str, rating: int, caller: Caller = ADA, comment: str = "") -> Any:
    request = pb.GiveFeedbackRequest(request_id=new_id(), service_id=service_id, rating=rating, comment=comment)
    return (await layer.call(layer.feedback.give_feedback, request, caller)).feedback


async def subscribed(layer: Layer, *callers: Caller) -> str:
    (service_id,) = await layer.publish()
    for caller in callers:
        await layer.call(layer.subscriptions.subscribe, SubscribeRequest(request_id=new_id(), service_id=service_id, plan="basic"), caller)
    await layer.under.published()
    return service_id


async def rating(layer: Layer, service_id: str) -> tuple[int, float]:
    shown = (await layer.call(layer.catalog.get_service, GetServiceRequest(service_id=service_id))).entry.rating
    return shown.count, shown.average


async def listed(layer: Layer, caller: Caller, **asked: Any) -> list[Any]:
    return list((await layer.call(layer.feedback.list_feedback, pb.ListFeedbackRequest(**asked), caller)).feedback)


async def test_ratings_are_averaged_and_said_without_the_comment(layer: Layer) -> None:
    service_id = await subscribed(layer, ADA, BEN)
    first = await give(layer, service_id, 5, comment="my cough is gone")
    await give(layer, service_id, 2, BEN)
    assert await rating(layer, service_id) == (2, 3.5)
    events = await layer.under.published()
    assert events[0] == FeedbackGiven(service_id=service_id, feedback_id=first.feedback_id, rating=5, give_time=first.update_time)
    assert not any(b"cough" in event.SerializeToString() for event in events)


async def test_a_changed_mind_counts_once(layer: Layer) -> None:
    service_id = await subscribed(layer, ADA, BEN)
    first = await give(layer, service_id, 5, comment="good")
    await give(layer, service_id, 3, BEN)
    changed = await give(layer, service_id, 1, comment="bad")
    assert (changed.feedback_id, changed.give_time, changed.comment, changed.mine) == (first.feedback_id, first.give_time, "bad", True)
    assert await rating(layer, service_id) == (2, 2.0)
    assert await layer.count("feedback") == 2


async def test_words_of_one_subscriber_given_at_once_count_once(layer: Layer) -> None:
    service_id = await subscribed(layer, ADA)
    await asyncio.gather(*(give(layer, service_id, stars) for stars in (1, 2, 3, 4, 5)))
    (kept,) = await listed(layer, ADA)
    assert await rating(layer, service_id) == (1, float(kept.rating))


async def test_only_subscribers_rate_former_ones_too(layer: Layer) -> None:
    service_id = await subscribed(layer, ADA)
    with pytest.raises(errors.NotASubscriber):
        await give(layer, service_id, 1, BEN)
    async with layer.db.transaction() as tx:
        subscription = await tx.value("select subscription_id from subscription")
    await layer.call(layer.subscriptions.cancel_subscription, CancelSubscriptionRequest(request_id=new_id(), subscription_id=subscription))
    await give(layer, service_id, 4)
    assert await rating(layer, service_id) == (1, 4.0)
    with pytest.raises(errors.ServiceNotFound):
        await give(layer, "nowhere", 4)


async def test_comments_are_seen_by_their_giver_and_the_provider_and_nobody_else(layer: Layer) -> None:
    service_id = await subscribed(layer, ADA, BEN)
    await give(layer, service_id, 5, comment="Ada's word")
    await give(layer, service_id, 4, BEN, "Ben's word")
    assert [(one.comment, one.mine) for one in await listed(layer, ADA)] == [("Ada's word", True)]
    for caller in (MEMBER, OFFICER, the_system(service_id, creator="")):
        assert [(one.comment, one.mine) for one in await listed(layer, caller, service_id=service_id)] == [("Ben's word", False), ("Ada's word", False)]
    assert await listed(layer, STRANGER) == await listed(layer, STRANGER, service_id=service_id) == []


async def test_pages_of_feedback_skip_and_repeat_nothing(layer: Layer) -> None:
    callers = [Caller(subject=f"person-{number}", kind="person") for number in range(7)]
    service_id = await subscribed(layer, *callers)
    given = [(await give(layer, service_id, 3, caller)).feedback_id for caller in callers]
    request, seen = pb.ListFeedbackRequest(page_size=3), list[str]()
    while True:
        answer = await layer.call(layer.feedback.list_feedback, request, MEMBER)
        seen += [one.feedback_id for one in answer.feedback]
        await give(layer, service_id, 4, callers[0])
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert seen == given[::-1]
