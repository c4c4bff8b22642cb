"""Change of what is live, on a real database: upgrades, suspension, retirement, and how they cross."""

from datetime import timedelta
from typing import Any

import pytest
from city.governance.v1 import journey_service_pb2 as journeys_pb
from city.governance.v1 import lifecycle_service_pb2 as pb
from city.governance.v1 import value_creator_service_pb2 as creators_pb
from city.governance.v1.events_pb2 import JourneyEnded, ServiceProposed, ServiceResumed, ServiceSuspended, StageRequested
from city.governance.v1.service_pb2 import (
    SERVICE_STATE_LIVE,
    SERVICE_STATE_SUSPENDED,
)
from city.governance.v1.value_creator_pb2 import MEMBER_ROLE_MEMBER
from city.journey.v1 import journey_pb2
from city.journey.v1.journey_pb2 import JOURNEY_KIND_UPGRADE, Replaced
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_time
from stratapolis.governance.domain import errors

from services.governance.tests.integration.asking import OFFICER, Asking, a_person, an_answer
from services.governance.tests.integration.changing import live, resume, retire, said, state, suspend, to_the_last_answer

NO_ROOM = journey_pb2.Reason(layer="infrastructure", code="NO_CAPACITY", message="the pool is full", hint="ask for less")


async def test_a_live_service_proposed_again_is_upgraded_and_says_what_it_replaces(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    second = await asking.propose(member)
    v1 = Replaced(version=1, journey_id=first.journey_id)
    assert (second.service_id, second.version, second.kind, second.replaces) == (first.service_id, 2, JOURNEY_KIND_UPGRADE, v1)
    proposed, requested = await said(asking, ServiceProposed, StageRequested)
    assert (proposed.kind, proposed.replaces, requested.kind, requested.replaces) == (JOURNEY_KIND_UPGRADE, v1, JOURNEY_KIND_UPGRADE, v1)
    await asking.all_clear(requested)
    await asking.go_live(second.journey_id)
    ended = await asking.journey(second.journey_id)
    assert to_time(ended.drain_until_time) - to_time(ended.ended_time) == timedelta(seconds=30)
    service = await state(asking, first.service_id)
    assert (service.state, service.live_version, service.last_version) == (SERVICE_STATE_LIVE, 2, 2)


async def test_the_end_of_an_upgrade_tells_every_layer_what_drains_and_until_when(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    second = await asking.propose(member)
    await to_the_last_answer(asking, second.journey_id)
    (ended,) = await said(asking, JourneyEnded)
    assert ended.replaces == Replaced(version=1, journey_id=first.journey_id)
    assert to_time(ended.drain_until_time) - to_time(ended.ended_time) == timedelta(seconds=30)


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_an_upgrade_that_fails_leaves_the_live_version_as_it_was(asking: Asking, withdrawn: bool) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    second = await asking.propose(member)
    (requested,) = await said(asking, StageRequested)
    if withdrawn:
        await asking("withdraw_proposal", journeys_pb.WithdrawProposalRequest(request_id=new_id(), journey_id=second.journey_id), member)
    else:
        for layer in requested.layers:
            await asking.city.deliver(an_answer(requested, layer, *((NO_ROOM,) if layer == "infrastructure" else ())), writer=layer)
    (ended,) = await said(asking, JourneyEnded)
    assert not ended.HasField("drain_until_time")
    service = await state(asking, first.service_id)
    assert (service.state, service.live_version, service.last_version) == (SERVICE_STATE_LIVE, 1, 2)


async def test_a_late_answer_to_an_earlier_version_does_not_bring_it_back(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    await to_the_last_answer(asking, (await asking.propose(member)).journey_id)
    async with asking.city.db.transaction() as tx:
        await tx.execute("update journey set asks = jsonb_set(asks, '{0,answer}', 'null') where journey_id = $1", first.journey_id)
    again = StageRequested(journey_id=first.journey_id, service_id=first.service_id, version=1, stage=journey_pb2.STAGE_CLEARING, attempt=1)
    await asking.city.deliver(an_answer(again, "policy"), writer="policy")
    assert (await state(asking, first.service_id)).live_version == 2


async def test_a_suspended_service_says_so_and_serves_again_when_it_is_resumed(asking: Asking) -> None:
    member = await asking.a_member()
    service_id = (await live(asking, member)).service_id
    stopped = await suspend(asking, service_id, member)
    assert (stopped.state, stopped.suspension.reason, stopped.suspension.by_city) == (SERVICE_STATE_SUSPENDED, "the boats leak", False)
    (event,) = await said(asking, ServiceSuspended)
    assert event == ServiceSuspended(service_id=service_id, version=1, reason="the boats leak")
    with pytest.raises(errors.ServiceNotInState):
        await suspend(asking, service_id, member)
    assert (await resume(asking, service_id, member)).state == SERVICE_STATE_LIVE
    assert await said(asking, ServiceResumed) == [ServiceResumed(service_id=service_id, version=1)]
    with pytest.raises(errors.ServiceNotInState):
        await resume(asking, service_id, member)


async def test_what_an_officer_has_suspended_its_admin_does_not_resume(asking: Asking) -> None:
    member = await asking.a_member()
    service_id = (await live(asking, member)).service_id
    assert (await suspend(asking, service_id, OFFICER)).suspension.by_city
    with pytest.raises(errors.SuspendedByCity):
        await resume(asking, service_id, member)
    assert (await resume(asking, service_id, OFFICER)).state == SERVICE_STATE_LIVE


async def test_a_suspended_service_can_be_upgraded_and_stays_suspended(asking: Asking) -> None:
    member = await asking.a_member()
    service_id = (await live(asking, member)).service_id
    await suspend(asking, service_id, OFFICER)
    await to_the_last_answer(asking, (await asking.propose(member)).journey_id)
    service = await state(asking, service_id)
    assert (service.state, service.live_version) == (SERVICE_STATE_SUSPENDED, 2)


@pytest.mark.parametrize("act", [suspend, resume, retire])
async def test_only_an_admin_or_an_officer_changes_what_is_live(asking: Asking, act: Any) -> None:
    admin = await asking.a_member()
    service_id = (await live(asking, admin)).service_id
    added = creators_pb.AddMemberRequest(request_id=new_id(), creator_id=admin.creator, subject="rower-2", roles=[MEMBER_ROLE_MEMBER])
    await asking("add_member", added, admin)
    with pytest.raises(errors.NotAnAdmin):
        await act(asking, service_id, a_person("rower-2", admin.creator))
    assert (await state(asking, service_id)).state == SERVICE_STATE_LIVE


@pytest.mark.parametrize("act", [suspend, resume, retire])
async def test_another_owners_service_looks_like_none(asking: Asking, act: Any) -> None:
    service_id = (await live(asking, await asking.a_member())).service_id
    stranger = await asking.a_member("Hill Climbers", "founder-2")
    told = []
    for asked in (service_id, "nothing"):
        with pytest.raises(errors.ServiceNotFound) as refused:
            await act(asking, asked, stranger)
        told.append(refused.value.message.replace(asked, "ID"))
    assert told[0] == told[1]
    with pytest.raises(errors.ServiceNotFound):
        await asking("get_service_state", pb.GetServiceStateRequest(service_id=service_id), stranger)


@pytest.mark.parametrize(
    "statement",
    [
        "update service set state = 'retired'",
        "update service set live_version = null",
        "update service set suspended_at = now(), suspended_why = 'x'",
        "update journey set kind = 'upgrade'",
        "update journey set drain_until_at = now()",
    ],
)
async def test_the_schema_itself_keeps_services_and_kinds_whole(asking: Asking, statement: str) -> None:
    await live(asking, await asking.a_member())
    with pytest.raises(Exception, match="violates check constraint"):
        async with asking.city.db.transaction() as tx:
            await tx.execute(statement)
