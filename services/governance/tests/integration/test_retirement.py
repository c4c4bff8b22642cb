"""Retirement on a real database: it ends whoever is silent, and meets upgrades and suspensions on its way."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from city.governance.v1 import journey_service_pb2 as journeys_pb
from city.governance.v1 import value_creator_service_pb2 as creators_pb
from city.governance.v1.events_pb2 import JourneyEnded, ServiceRetired, ServiceSuspended, StageRequested
from city.governance.v1.service_pb2 import (
    SERVICE_STATE_LIVE,
    SERVICE_STATE_PROPOSED,
    SERVICE_STATE_RETIRED,
    SERVICE_STATE_RETIRING,
)
from city.journey.v1 import journey_pb2
from city.journey.v1.journey_pb2 import JOURNEY_KIND_LAUNCH, JOURNEY_KIND_RETIREMENT, Replaced
from stratapolis.chassis.ids import new_id
from stratapolis.governance.domain import errors

from services.governance.tests.integration.asking import OFFICER, Asking, a_manifest, an_answer
from services.governance.tests.integration.changing import live, retire, said, state


async def test_a_retirement_asks_every_layer_ends_and_frees_the_name(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    journey = await retire(asking, first.service_id, member)
    assert (journey.kind, journey.state, journey.version) == (JOURNEY_KIND_RETIREMENT, journey_pb2.JOURNEY_STATE_RETIRING, 1)
    assert (await state(asking, first.service_id)).state == SERVICE_STATE_RETIRING
    (requested,) = await said(asking, StageRequested)
    assert list(requested.layers) == ["policy", "data", "connectivity", "infrastructure", "value_catalog", "innovation"]
    assert requested.replaces == Replaced(version=1, journey_id=first.journey_id) and not requested.HasField("manifest")
    await asking.all_clear(requested)
    ended, retired = await said(asking, JourneyEnded, ServiceRetired)
    assert ended.state == journey_pb2.JOURNEY_STATE_RETIRED and not ended.HasField("drain_until_time")
    assert retired == ServiceRetired(service_id=first.service_id, version=1, journey_id=journey.journey_id)
    assert (await state(asking, first.service_id)).state == SERVICE_STATE_RETIRED
    with pytest.raises(errors.ServiceNotInState):
        await retire(asking, first.service_id, member)
    again = await asking.propose(member)
    assert (again.service_id, again.version, again.kind) == (first.service_id, 2, JOURNEY_KIND_LAUNCH)


async def test_a_retirement_withdraws_an_open_upgrade_before_it_asks(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    upgrade = await asking.propose(member)
    await asking.city.published()
    await retire(asking, first.service_id, member)
    withdrawn, requested = await said(asking, JourneyEnded, StageRequested)
    assert (withdrawn.journey_id, withdrawn.state) == (upgrade.journey_id, journey_pb2.JOURNEY_STATE_WITHDRAWN)
    assert requested.stage == journey_pb2.STAGE_RETIRING
    with pytest.raises(errors.JourneyInProgress):
        await asking.propose(member)


async def test_a_retirement_that_meets_the_end_of_an_upgrade_retires_the_new_version(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    upgrade = await asking.propose(member)
    last: list[Any] = []
    while len((await asking.journey(upgrade.journey_id)).awaited) != 1 or (await asking.journey(upgrade.journey_id)).state != journey_pb2.JOURNEY_STATE_LISTING:
        for event in await said(asking, StageRequested):
            if event.stage != journey_pb2.STAGE_LISTING:
                await asking.all_clear(event)
            else:
                last.append(event)
    last += await said(asking, StageRequested)
    async with asking.city.db.transaction() as tx:
        await tx.execute("select from journey where journey_id = $1 for update", upgrade.journey_id)
        answering = asyncio.create_task(asking.city.deliver(an_answer(last[0], "value_catalog"), writer="value_catalog"))
        await _until_waiting(asking, 1)
        retiring = asyncio.create_task(retire(asking, first.service_id, member))
        await _until_waiting(asking, 2)
    await answering
    retired = await retiring
    assert retired.version == 2
    assert (await asking.journey(upgrade.journey_id)).state == journey_pb2.JOURNEY_STATE_LIVE
    assert (await state(asking, first.service_id)).state == SERVICE_STATE_RETIRING


async def _until_waiting(asking: Asking, many: int) -> None:
    """Until so many wait for a lock."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while True:
            async with asking.city.db.transaction() as tx:
                if await tx.value(waiting) >= many:
                    return
            await asyncio.sleep(0.01)


async def test_a_retirement_is_not_withdrawn(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await retire(asking, (await live(asking, member)).service_id, member)
    with pytest.raises(errors.RetirementIsFinal):
        await asking("withdraw_proposal", journeys_pb.WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id), member)


async def test_a_silent_layer_does_not_keep_a_service_from_retiring(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    journey = await retire(asking, first.service_id, member)
    (requested,) = await said(asking, StageRequested)
    for layer in set(requested.layers) - {"infrastructure"}:
        await asking.city.deliver(an_answer(requested, layer), writer=layer)
    async with asking.city.db.transaction() as tx:
        await tx.execute("update journey set until_at = $2 where journey_id = $1", journey.journey_id, tx.at - timedelta(seconds=1))
    await asking.city.run("expire_stages")
    ended, _ = await said(asking, JourneyEnded, ServiceRetired)
    assert ended.state == journey_pb2.JOURNEY_STATE_RETIRED
    assert [(reason.layer, reason.code) for reason in ended.reasons] == [("infrastructure", "NO_ANSWER")]
    assert (await state(asking, first.service_id)).state == SERVICE_STATE_RETIRED


async def test_suspending_a_value_creator_stops_its_services_and_lets_a_retirement_go_on(asking: Asking) -> None:
    member = await asking.a_member()
    serving = (await live(asking, member)).service_id
    async with asking.city.db.transaction() as tx:
        await tx.execute("update service set name = 'rowing-trips' where service_id = $1", serving)
    leaving = await live(asking, member)
    async with asking.city.db.transaction() as tx:
        await tx.execute("update service set name = 'canoe-trips' where service_id = $1", leaving.service_id)
    retirement = await retire(asking, leaving.service_id, member)
    proposed = await asking.propose(member)
    await asking.city.published()
    stopped = creators_pb.SuspendValueCreatorRequest(request_id=new_id(), creator_id=member.creator, reason="unpaid fines")
    await asking("suspend_value_creator", stopped, OFFICER)
    (suspended,) = await said(asking, ServiceSuspended)
    assert (suspended.service_id, suspended.by_city) == (serving, True)
    assert (await asking.journey(proposed.journey_id)).state == journey_pb2.JOURNEY_STATE_REJECTED
    assert (await asking.journey(retirement.journey_id)).state == journey_pb2.JOURNEY_STATE_RETIRING
    assert (await state(asking, proposed.service_id)).state == SERVICE_STATE_PROPOSED


async def test_a_retirement_that_meets_a_proposal_in_the_same_moment_is_refused_and_tried_again(asking: Asking) -> None:
    member = await asking.a_member()
    first = await live(asking, member)
    async with asking.city.db.transaction() as tx:
        proposed = journeys_pb.ProposeServiceRequest(request_id=new_id(), manifest_yaml=a_manifest())
        await asking.within(tx, "propose_service", proposed, member)
        retiring = asyncio.create_task(retire(asking, first.service_id, member))
        await _until_waiting(asking, 1)
    with pytest.raises(errors.LiveVersionChanged):
        await retiring
    assert (await state(asking, first.service_id)).state == SERVICE_STATE_LIVE
    await retire(asking, first.service_id, member)
    assert (await state(asking, first.service_id)).state == SERVICE_STATE_RETIRING
