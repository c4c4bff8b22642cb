"""Change of what is live, as the catalogue shows it: replaced, suspended, resumed, retired, watched."""

import asyncio
from typing import Any

import asyncpg
import pytest
from city.governance.v1.events_pb2 import ServiceResumed, ServiceRetired, ServiceSuspended, StageRequested
from city.infrastructure.v1.events_pb2 import DeploymentDegraded, DeploymentReady, DeploymentRetired
from city.journey.v1 import journey_pb2
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.value_catalog.v1 import catalog_service_pb2 as pb
from city.value_catalog.v1 import entry_pb2
from city.value_catalog.v1.events_pb2 import ServicePublished, ServiceUpdated, ServiceWithdrawn, SubscriptionEnded
from city.value_catalog.v1.feedback_service_pb2 import GiveFeedbackRequest
from city.value_catalog.v1.request_service_pb2 import OpenRequestRequest
from city.value_catalog.v1.subscription_service_pb2 import CheckSubscriptionRequest, ListSubscriptionsRequest, SubscribeRequest
from city.value_catalog.v1.use_service_pb2 import RecordUsesRequest, Use
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.holds_rpc import Holds
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.testing.journeys import end_of, retirement_of
from stratapolis.value_catalog import handlers
from stratapolis.value_catalog.domain.errors import ServiceNotFound
from stratapolis.value_catalog.domain.errors import ServiceRetired as IsRetired
from stratapolis.value_catalog.domain.errors import ServiceSuspended as IsSuspended

from services.value_catalog.tests.builders import ADA, BEN, MEMBER, OFFICER, STRANGER, Layer, a_manifest, an_upgrade, the_system

RETIRED = journey_pb2.JOURNEY_STATE_RETIRED


async def entry(layer: Layer, service_id: str, caller: Caller = ADA) -> entry_pb2.Entry:
    return (await layer.call(layer.catalog.get_service, pb.GetServiceRequest(service_id=service_id), caller)).entry  # type: ignore[no-any-return]


async def subscribe(layer: Layer, service_id: str, caller: Caller = ADA) -> str:
    asked = SubscribeRequest(request_id=new_id(), service_id=service_id, plan="basic")
    return (await layer.call(layer.subscriptions.subscribe, asked, caller)).subscription.subscription_id  # type: ignore[no-any-return]


async def suspended(layer: Layer) -> StageRequested:
    """A service that Ada has subscribed to, and that was suspended then."""
    request = await layer.listed(a_manifest(answer_within_hours=4))
    await subscribe(layer, request.service_id)
    await layer.under.deliver(ServiceSuspended(service_id=request.service_id, version=1, reason="the boats leak"))
    await layer.under.published()
    return request


async def test_an_upgrade_prepares_beside_what_is_shown_and_takes_its_place_in_one_step(layer: Layer) -> None:
    first = await layer.listed()
    second = an_upgrade(first, a_manifest(title="Air quality alarm"))
    await layer.under.deliver(second)
    assert ((await entry(layer, first.service_id)).version, await layer.count("entry")) == (1, 2)
    await layer.under.deliver(end_of(second))
    _, updated = await layer.under.published()
    assert updated == ServiceUpdated(service_id=first.service_id, version=2, replaced_version=1, title="Air quality alarm")
    shown = await entry(layer, first.service_id)
    assert (shown.version, shown.title, shown.endpoint) == (2, "Air quality alarm", second.endpoint)
    listed = (await layer.call(layer.catalog.list_services, pb.ListServicesRequest())).entries
    assert [one.version for one in listed] == [2]
    await layer.under.run("let_go_drained")
    assert await layer.count("entry") == 1


@pytest.mark.parametrize("end", [journey_pb2.JOURNEY_STATE_REJECTED, journey_pb2.JOURNEY_STATE_WITHDRAWN])
async def test_a_failed_upgrade_leaves_what_is_shown(layer: Layer, end: journey_pb2.JourneyState.ValueType) -> None:
    first = await layer.listed()
    second = an_upgrade(first)
    before = await entry(layer, first.service_id)
    await layer.under.deliver(second, end_of(second, end))
    assert (await entry(layer, first.service_id), await layer.count("entry")) == (before, 1)


async def test_an_upgrade_of_another_version_than_the_one_shown_is_refused(layer: Layer) -> None:
    request = an_upgrade(an_upgrade(await layer.listed()))
    await layer.under.deliver(request)
    (answer,) = await layer.under.published()
    assert [reason.code for reason in answer.reasons] == ["ENTRY_ALREADY_LIVE"]  # type: ignore[attr-defined]


async def test_the_state_of_the_old_software_says_nothing_of_the_new_version(layer: Layer) -> None:
    first = await layer.listed()
    second = an_upgrade(first)
    await layer.under.deliver(DeploymentReady(service_id=first.service_id, version=1, endpoint="http://127.0.0.1:7301"), second, end_of(second))
    await layer.under.deliver(DeploymentDegraded(service_id=first.service_id, version=1, message="ended"))
    assert (await entry(layer, first.service_id)).status == entry_pb2.SERVICE_STATUS_LIVE
    await layer.under.deliver(DeploymentRetired(service_id=first.service_id, version=1))
    assert await layer.count("deployment") == 0


async def test_a_suspended_service_is_hidden_from_who_has_nothing_to_do_with_it(layer: Layer) -> None:
    service_id = (await suspended(layer)).service_id
    assert not (await layer.call(layer.catalog.list_services, pb.ListServicesRequest())).entries
    assert not (await layer.call(layer.catalog.search_services, pb.SearchServicesRequest(query="air"))).found
    for caller in (ADA, MEMBER, OFFICER, the_system(service_id)):
        shown = await entry(layer, service_id, caller)
        assert (shown.status, shown.status_message) == (entry_pb2.SERVICE_STATUS_SUSPENDED, "the boats leak")
    for caller in (BEN, STRANGER):
        with pytest.raises(ServiceNotFound) as hidden:
            await entry(layer, service_id, caller)
        with pytest.raises(ServiceNotFound) as nothing:
            await entry(layer, "nothing", caller)
        assert hidden.value.message.replace(service_id, "nothing") == nothing.value.message


async def test_a_suspended_service_takes_no_uses_no_subscriptions_no_requests_and_no_feedback(layer: Layer) -> None:
    service_id = (await suspended(layer)).service_id
    await layer.trust(service_id)
    may_use = layer.call(
        layer.subscriptions.check_subscription, CheckSubscriptionRequest(service_id=service_id, subscriber=ADA.subject), the_system(service_id)
    )
    for refused in (_record(layer, service_id), _ask(layer, service_id), _rate(layer, service_id), subscribe(layer, service_id, MEMBER), may_use):
        with pytest.raises(IsSuspended):
            await refused
    with pytest.raises(ServiceNotFound):
        await subscribe(layer, service_id, BEN)


async def _record(layer: Layer, service_id: str) -> Any:
    found = await layer.call(layer.subscriptions.list_subscriptions, ListSubscriptionsRequest(service_id=service_id), OFFICER)
    now = Timestamp()
    now.GetCurrentTime()
    uses = [Use(use_id=new_id(), subscription_id=found.subscriptions[0].subscription_id, quantity=1, used_time=now)]
    return await layer.call(layer.uses.record_uses, RecordUsesRequest(request_id=new_id(), service_id=service_id, uses=uses), the_system(service_id))


async def _ask(layer: Layer, service_id: str) -> Any:
    return await layer.call(layer.requests.open_request, OpenRequestRequest(request_id=new_id(), service_id=service_id, description="a lamp is out"))


async def _rate(layer: Layer, service_id: str) -> Any:
    return await layer.call(layer.feedback.give_feedback, GiveFeedbackRequest(request_id=new_id(), service_id=service_id, rating=1))


async def test_a_resumed_service_takes_them_again_and_its_subscriptions_have_gone_on(layer: Layer) -> None:
    service_id = (await suspended(layer)).service_id
    await layer.trust(service_id)
    await layer.under.deliver(ServiceResumed(service_id=service_id, version=1))
    assert (await entry(layer, service_id, BEN)).status == entry_pb2.SERVICE_STATUS_LIVE
    assert [result.outcome for result in (await _record(layer, service_id)).results] == [1]
    await _ask(layer, service_id)
    await _rate(layer, service_id)
    await subscribe(layer, service_id, BEN)


async def test_a_version_that_goes_live_while_its_service_is_suspended_is_not_shown_yet(layer: Layer) -> None:
    first = await suspended(layer)
    second = an_upgrade(first)
    await layer.under.deliver(second, end_of(second))
    shown = await entry(layer, first.service_id)
    assert (shown.version, shown.status, shown.status_message) == (2, entry_pb2.SERVICE_STATUS_SUSPENDED, "the boats leak")
    await layer.under.deliver(ServiceResumed(service_id=first.service_id, version=2))
    assert (await entry(layer, first.service_id, BEN)).version == 2


async def test_a_retirement_ends_subscriptions_takes_the_entry_out_and_holds_nothing(layer: Layer) -> None:
    first = await layer.listed()
    mine = await subscribe(layer, first.service_id)
    await layer.under.published()
    retirement = retirement_of(first)
    await layer.under.deliver(retirement)
    withdrawn, ended, answered = await layer.under.published()
    assert withdrawn == ServiceWithdrawn(service_id=first.service_id, version=1)
    assert isinstance(ended, SubscriptionEnded) and (ended.subscription_id, ended.reason) == (mine, "retired") and ended.HasField("end_time")
    assert (answered.stage, answered.outcome) == (journey_pb2.STAGE_RETIRING, journey_pb2.OUTCOME_CLEARED)  # type: ignore[attr-defined]
    assert (await entry(layer, first.service_id)).status == entry_pb2.SERVICE_STATUS_RETIRING
    await layer.under.deliver(end_of(retirement, RETIRED), ServiceRetired(service_id=first.service_id, version=1, journey_id=retirement.journey_id))
    shown = await entry(layer, first.service_id)
    assert (shown.status, shown.endpoint) == (entry_pb2.SERVICE_STATUS_RETIRED, "")
    holds = (await layer.call(Holds("value_catalog").list_holds, ListHoldsRequest(service_id=first.service_id), OFFICER)).holds
    assert [(hold.state, list(hold.held)) for hold in holds] == [(journey_pb2.HOLD_STATE_RELEASED, [])]
    with pytest.raises(IsRetired):
        await subscribe(layer, first.service_id)
    with pytest.raises(ServiceNotFound):
        await entry(layer, first.service_id, BEN)


async def test_many_subscriptions_are_ended_some_at_a_time_and_answered_when_none_runs(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "ENDED_AT_ONCE", 2)
    first = await layer.listed()
    for number in range(5):
        await subscribe(layer, first.service_id, Caller(subject=f"person-{number}", kind="person"))
    await layer.under.published()
    await layer.under.deliver(retirement_of(first))
    ended, answers = [], []
    for _ in range(3):
        said = await layer.under.published()
        ended.append(len([event for event in said if isinstance(event, SubscriptionEnded)]))
        answers += [event for event in said if isinstance(event, journey_pb2.StageAnswered)]
        await layer.under.run("finish_retiring")
    assert (ended, len(answers)) == ([2, 2, 1], 1)


async def test_who_subscribes_while_the_service_retires_is_not_left_with_a_subscription(layer: Layer) -> None:
    first = await layer.listed()
    row = f"select 1 from entry where service_id = '{first.service_id}'"  # noqa: S608 - the test's own row
    await layer.at_once(row, subscribe(layer, first.service_id, BEN), layer.under.deliver(retirement_of(first)))
    running = await layer.call(layer.subscriptions.list_subscriptions, ListSubscriptionsRequest(service_id=first.service_id, running_only=True), OFFICER)
    assert not running.subscriptions


async def test_a_service_launched_again_after_its_retirement_is_shown_as_its_new_version(layer: Layer) -> None:
    first = await layer.listed()
    retirement = retirement_of(first)
    await layer.under.deliver(retirement, end_of(retirement, RETIRED), ServiceRetired(service_id=first.service_id, version=1, journey_id="r"))
    await layer.under.published()
    again = an_upgrade(first)
    again.ClearField("replaces")
    again.kind = journey_pb2.JOURNEY_KIND_LAUNCH
    await layer.under.deliver(again, end_of(again))
    assert ServicePublished(service_id=first.service_id, version=2, title="Air quality alert") in await layer.under.published()
    assert ((await entry(layer, first.service_id)).status, await layer.count("entry")) == (entry_pb2.SERVICE_STATUS_LIVE, 1)


@pytest.mark.parametrize("statement", ["update entry set state = 'hidden'", "update entry set state = 'retired'", "delete from entry"])
async def test_the_schema_itself_lets_entries_move_on_only(layer: Layer, statement: str) -> None:
    await layer.listed()
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with layer.db.transaction() as tx:
            await tx.execute(statement)


async def test_a_watch_tells_how_all_stands_and_then_each_change(layer: Layer) -> None:
    first, other = await layer.listed(), await layer.listed()
    stood = await layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(), BEN, items=2)
    assert {item.service_id for item in stood} == {first.service_id, other.service_id}
    watching = asyncio.create_task(layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(cursor=stood[-1].cursor), BEN, items=1))
    second = an_upgrade(first, a_manifest(title="Air quality alarm"))
    await layer.under.deliver(second, end_of(second))
    (updated,) = await watching
    assert (updated.service_id, updated.entry.version, updated.entry.title) == (first.service_id, 2, "Air quality alarm")
    await layer.under.deliver(ServiceSuspended(service_id=first.service_id, version=2, reason="the boats leak"))
    (hidden,) = await layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(cursor=updated.cursor), BEN, items=1)
    assert hidden.service_id == first.service_id and not hidden.HasField("entry")
    (seen,) = await layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(cursor=updated.cursor), MEMBER, items=1)
    assert seen.entry.status == entry_pb2.SERVICE_STATUS_SUSPENDED


async def test_a_new_watch_is_not_told_of_what_it_may_not_see(layer: Layer) -> None:
    await suspended(layer)
    live = await layer.listed()
    (only,) = await layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(), BEN, items=1)
    assert only.service_id == live.service_id
    assert len(await layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(), ADA, items=2)) == 2


@pytest.mark.parametrize("cursor", ["yesterday", "999999999999999999:x"])
async def test_a_cursor_that_is_none_is_refused(layer: Layer, cursor: str) -> None:
    with pytest.raises(InvalidField):
        await layer.watch(layer.catalog.watch_catalog, pb.WatchCatalogRequest(cursor=cursor), BEN, items=1)


async def test_services_are_grouped_by_life_events(layer: Layer) -> None:
    born, both = a_manifest(life_events=["born-here"]), a_manifest(life_events=["born-here", "moved-here"])
    await layer.publish(born, both, a_manifest())
    first = await layer.call(layer.catalog.list_life_events, pb.ListLifeEventsRequest(page_size=1))
    second = await layer.call(layer.catalog.list_life_events, pb.ListLifeEventsRequest(page_size=1, page_token=first.next_page_token))
    assert [(one.name, one.services) for one in (*first.life_events, *second.life_events)] == [("born-here", 2), ("moved-here", 1)]
    assert not second.next_page_token
    chosen = pb.ListServicesRequest(filter=pb.ServiceFilter(life_event="moved-here"))
    (found,) = (await layer.call(layer.catalog.list_services, chosen)).entries
    assert list(found.life_events) == ["born-here", "moved-here"]
    searched = pb.SearchServicesRequest(query="air", filter=pb.ServiceFilter(life_event="born-here"))
    assert len((await layer.call(layer.catalog.search_services, searched)).found) == 2
