"""A service that is retired leaves nothing on the board that is about it, and nothing new begins, until it is launched again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from city.governance.v1.events_pb2 import StageRequested
from city.innovation.v1 import challenge_service_pb2, idea_pb2, pilot_pb2, programme_service_pb2
from city.innovation.v1.events_pb2 import ChallengeOpened
from city.innovation.v1.pilot_service_pb2 import GetPilotRequest
from city.journey.v1 import journey_pb2
from city.value_catalog.v1.events_pb2 import FeedbackGiven, ServicePublished
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.testing.journeys import end_of, retirement_of
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation import handlers
from stratapolis.innovation.domain import errors

from services.innovation.tests.builders import DAY, MIA, OLGA, Layer, off_target

SERVICE, SCOPE = "service-1", "service:service-1"


def live(version: int = 1, *, service_id: str = SERVICE) -> StageRequested:
    """What was asked when the version went live."""
    return StageRequested(journey_id=new_id(), service_id=service_id, version=version, layers=["innovation"], creator_id="creator-lantern")


def bad_feedback(count: int = 3) -> list[FeedbackGiven]:
    return [FeedbackGiven(service_id=SERVICE, feedback_id=new_id(), rating=1, give_time=to_timestamp(datetime.now(UTC))) for _ in range(count)]


async def retire(layer: Layer, version: int = 1) -> list[journey_pb2.StageAnswered]:
    await layer.under.published()
    await layer.under.deliver(retirement_of(live(version)))
    return await answers(layer)


async def answers(layer: Layer) -> list[journey_pb2.StageAnswered]:
    return [event for event in await layer.under.published() if isinstance(event, journey_pb2.StageAnswered)]


async def pilot(layer: Layer, pilot_id: str) -> pilot_pb2.Pilot:
    found: pilot_pb2.Pilot = (await layer("get_pilot", GetPilotRequest(pilot_id=pilot_id))).pilot
    return found


async def taken(layer: Layer, zone_id: str) -> list[int]:
    today = await layer.today()
    request = programme_service_pb2.GetZoneDaysRequest(zone_id=zone_id, first_date=str(today), last_date=str(today + 2 * DAY))
    return [day.taken for day in (await layer("get_zone_days", request)).days]


async def open_by_hand(layer: Layer, service_id: str = SERVICE) -> Any:
    request = challenge_service_pb2.OpenChallengeRequest(
        request_id=new_id(), title="Better service", description="What would make it better?", service_id=service_id
    )  # fmt: skip
    return (await layer("open_challenge", request, OLGA)).challenge


async def test_its_challenges_close_and_its_pilots_give_their_places_back(layer: Layer) -> None:
    await layer.creators()
    await layer.under.deliver(*bad_feedback(), off_target(scope=SCOPE), off_target(), off_target(scope="service:service-2"))
    await open_by_hand(layer)
    zone_id, ideas = await layer.zone(), [await layer.shortlisted() for _ in range(3)]
    booked = await layer.book(ideas[0], zone_id, scope=SCOPE, first=1)
    running = await layer.book(ideas[1], zone_id, scope=SCOPE)
    others = await layer.book(ideas[2], zone_id)
    await layer.under.run("start_pilots")
    (answered,) = await retire(layer)
    assert (answered.stage, answered.outcome, answered.layer) == (journey_pb2.STAGE_RETIRING, journey_pb2.OUTCOME_CLEARED, "innovation")
    assert {one.scope or one.service_id for one in await layer.challenges(open_only=True)} == {"city", "service:service-2"}
    assert {one.close_reason for one in await layer.challenges(service_id=SERVICE)} == {handlers.RETIRED}
    for one in (booked, running):
        over = await pilot(layer, one.pilot_id)
        assert (over.state, over.cancel_reason) == (pilot_pb2.PILOT_STATE_CANCELLED, handlers.RETIRED)
    assert (await pilot(layer, others.pilot_id)).state == pilot_pb2.PILOT_STATE_RUNNING
    assert await taken(layer, zone_id) == [5, 5, 5]
    way = await layer.idea(ideas[1])
    assert (way.idea.state, way.steps[-1].kind, way.steps[-1].message) == (
        idea_pb2.IDEA_STATE_SHORTLISTED, idea_pb2.IDEA_STEP_KIND_PILOT_CANCELLED, handlers.RETIRED,
    )  # fmt: skip


async def test_nothing_new_begins_about_what_is_gone_however_late_it_is_heard(layer: Layer) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(), await layer.shortlisted()
    await retire(layer)
    await layer.under.deliver(*bad_feedback(), off_target(scope=SCOPE), ServicePublished(service_id=SERVICE, version=1))
    with pytest.raises(errors.ServiceRetired) as refused:
        await layer.book(idea_id, zone_id, scope=SCOPE)
    assert refused.value.details["field"] == "hypothesis.scope"
    with pytest.raises(errors.ServiceRetired):
        await open_by_hand(layer)
    assert await layer.challenges() == []
    assert not [event for event in await layer.under.published() if isinstance(event, ChallengeOpened)]
    assert await open_by_hand(layer, "service-2")


async def test_launched_again_it_is_asked_about_again(layer: Layer) -> None:
    await layer.creators()
    await retire(layer)
    await layer.under.deliver(ServicePublished(service_id=SERVICE, version=2), *bad_feedback())
    assert [one.service_id for one in await layer.challenges(open_only=True)] == [SERVICE]
    again = await layer.book(await layer.shortlisted(), await layer.zone(), scope=SCOPE)
    assert again.state == pilot_pb2.PILOT_STATE_BOOKED
    await retire(layer, 2)
    assert await layer.challenges(open_only=True) == []


async def test_many_pilots_end_some_at_a_time_and_the_answer_comes_when_none_goes_on(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "AT_ONCE", 2)
    await layer.creators()
    zone_id = await layer.zone()
    for _ in range(3):
        await layer.book(await layer.shortlisted(), zone_id, scope=SCOPE)
    assert await retire(layer) == []
    await layer.under.run("finish_retiring")
    assert len(await answers(layer)) == 1
    assert await taken(layer, zone_id) == [0, 0, 0]


async def test_asked_twice_it_answers_alike_and_a_question_that_was_lost_is_made_up_for_at_the_end(layer: Layer) -> None:
    await layer.under.deliver(*bad_feedback())
    question = retirement_of(live())
    await layer.under.published()
    await layer.under.deliver(question, question)
    first, second = await answers(layer)
    assert first == second
    await layer.under.deliver(ServicePublished(service_id=SERVICE, version=2), off_target(scope=SCOPE))
    assert len(await layer.challenges(open_only=True)) == 1
    await layer.under.deliver(end_of(retirement_of(live(2)), journey_pb2.JOURNEY_STATE_RETIRED))
    assert await layer.challenges(open_only=True) == []


async def test_a_booking_and_a_retirement_at_once_leave_no_pilot_that_nothing_decides(layer: Layer) -> None:
    await layer.creators()
    zone_id, ideas = await layer.zone(), [await layer.shortlisted() for _ in range(4)]
    await layer.book(ideas[0], zone_id, scope=SCOPE)
    works = [layer.book(idea, zone_id, scope=SCOPE, caller=MIA) for idea in ideas[1:]]
    results = await layer.at_once("select from service", [*works, layer.under.deliver(retirement_of(live()))], waiting=4)
    assert all(not isinstance(one, BaseException) or isinstance(one, errors.ServiceRetired) for one in results), results
    assert await layer.value("select count(*) from pilot where ended_at is null") == 0
    assert await taken(layer, zone_id) == [0, 0, 0]
