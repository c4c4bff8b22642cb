"""What is held of a pool, whatever runs at once."""

import asyncio

import pytest
from city.governance.v1.events_pb2 import StageRequested
from city.infrastructure.v1 import deployment_service_pb2 as dpb
from city.infrastructure.v1 import pool_pb2, pool_service_pb2
from city.infrastructure.v1.events_pb2 import CapacityReleased
from city.journey.v1 import journey_pb2 as pb
from city.journey.v1.journey_pb2 import StageAnswered
from stratapolis.infrastructure.domain.errors import PoolBelowHeld, PoolNotFound
from stratapolis.infrastructure.rpc.deployments import Deployments
from stratapolis.infrastructure.rpc.pools import Pools

from services.infrastructure.tests.builders import QUOTA, SERVER, Layer, a_call, a_request


async def answers(layer: Layer) -> list[StageAnswered]:
    return [event for event in await layer.under.published() if isinstance(event, StageAnswered)]


async def test_fifty_reservations_at_once_fill_the_pool_exactly(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    await layer.pool(100 * 20 + 99, 100_000, quota=pool_pb2.Quota(memory_mib=100_000, replicas=100))
    requests = [a_request("guide") for _ in range(50)]
    await asyncio.gather(*(layer.under.deliver(request) for request in requests))
    said = await answers(layer)
    assert len(said) == 50
    assert sum(answer.outcome == pb.OUTCOME_CLEARED for answer in said) == 20
    assert {reason.code for answer in said for reason in answer.reasons} == {"NO_CAPACITY"}
    assert await layer.used() == (2_000, 20 * 128)


async def test_reservations_and_releases_at_once_leave_exactly_what_is_held(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    first = [a_request("guide") for _ in range(20)]
    await layer.under.deliver(*first)
    second = [a_request("guide") for _ in range(20)]
    await asyncio.gather(*(layer.end(request, pb.JOURNEY_STATE_REJECTED) for request in first), *(layer.under.deliver(request) for request in second))
    held = sum(a.outcome == pb.OUTCOME_CLEARED for a in await answers(layer) if a.service_id in {request.service_id for request in second})
    assert await layer.used() == (held * 100, held * 128)


async def test_all_reasons_of_a_refusal_come_at_once_and_nothing_stays_held(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    await layer.under.deliver(a_request("gide", pool="moon"), a_request("gide", cpu_millis=5_000, replicas=2, memory_mib=16))
    unknown, short = await answers(layer)
    assert [(r.code, r.field_path) for r in unknown.reasons] == [
        ("UNKNOWN_POOL", "spec.runtime.process.pool"),
        ("UNKNOWN_ARTEFACT", "spec.runtime.process.artefact"),
    ]
    assert (unknown.reasons[0].hint, unknown.reasons[1].hint) == ("there are city", "there are guide")
    assert [r.code for r in short.reasons] == ["NO_CAPACITY", "QUOTA_EXCEEDED", "UNKNOWN_ARTEFACT"]
    assert "4000 mCPU free" in short.reasons[0].message
    assert await layer.used() == (0, 0)


async def test_the_quota_of_a_value_creator_counts_its_own_services_only(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    await layer.pool(quota=pool_pb2.Quota(replicas=2))
    other = a_request("guide")
    other.creator_id = "university"
    await layer.under.deliver(a_request("guide", replicas=2), a_request("guide"), other)
    first, second, third = await answers(layer)
    assert (first.outcome, third.outcome) == (pb.OUTCOME_CLEARED, pb.OUTCOME_CLEARED)
    assert [(r.code, r.field_path) for r in second.reasons] == [("QUOTA_EXCEEDED", "spec.runtime.process.replicas")]


async def test_a_live_service_keeps_its_capacity_and_a_withdrawn_one_gives_it_back_once(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    live, withdrawn = a_request("guide"), a_request("guide")
    await layer.under.deliver(live, withdrawn)
    await layer.end(live, pb.JOURNEY_STATE_LIVE)
    await layer.end(withdrawn, pb.JOURNEY_STATE_WITHDRAWN)
    await layer.end(withdrawn, pb.JOURNEY_STATE_WITHDRAWN)
    released = [event for event in await layer.under.published() if isinstance(event, CapacityReleased)]
    assert released == [CapacityReleased(service_id=withdrawn.service_id, version=1, pool="city", cpu_millis=100, memory_mib=128)]
    assert await layer.used() == (100, 128)


async def test_asked_again_the_same_is_held(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    request = a_request("guide")
    again = StageRequested()
    again.CopyFrom(request)
    again.attempt = 2
    await layer.under.deliver(request, again)
    first, second = await answers(layer)
    assert first.held == second.held == [pb.Held(kind="capacity", reference="city", amount="100 mCPU, 128 MiB")]
    assert await layer.used() == (100, 128)


async def test_a_service_without_software_holds_nothing_and_is_cleared_at_once(layer: Layer) -> None:
    request = a_request()
    await layer.under.deliver(request, a_request(like=request, stage=pb.STAGE_DEPLOYING))
    assert [(a.outcome, list(a.held)) for a in await answers(layer)] == [(pb.OUTCOME_CLEARED, [])] * 2
    assert await layer.used() == (0, 0)


async def test_deploying_what_was_never_cleared_is_refused(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    await layer.under.deliver(a_request("guide", stage=pb.STAGE_DEPLOYING))
    (answer,) = await answers(layer)
    assert [reason.code for reason in answer.reasons] == ["NOTHING_HELD"]


async def test_the_schema_itself_refuses_to_overbook(layer: Layer) -> None:
    async with layer.db.transaction() as tx:
        with pytest.raises(Exception, match="pool_not_overbooked"):
            await tx.execute(
                "insert into allocation (journey_id, service_id, version, owner, pool, cpu_millis, memory_mib, replicas, state, created_at, updated_at)"
                " values ('j', 's', 1, 'o', 'city', 4001, 1, 1, 'reserved', now(), now())"
            )


async def test_a_pool_is_never_made_smaller_than_what_is_held_of_it(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    await layer.under.deliver(a_request("guide"))
    with pytest.raises(PoolBelowHeld):
        await layer.pool(99, 8_192)
    shrunk = await layer.pool(100, 128)
    assert shrunk.free == pool_pb2.Amount()
    assert shrunk.quota == pool_pb2.Quota(cpu_millis=4_000, memory_mib=8_192, replicas=20)


async def test_pools_are_listed_by_name_page_by_page(layer: Layer) -> None:
    for name in ("alpha", "zulu"):
        await layer.pool(name=name)
    names, token = [], ""
    async with layer.db.transaction() as tx:
        while True:
            page = await Pools(QUOTA).list_pools(pool_service_pb2.ListPoolsRequest(page_size=1, page_token=token), a_call(tx))
            names += [pool.name for pool in page.pools]
            if not (token := page.next_page_token):
                break
        with pytest.raises(PoolNotFound):
            await Pools(QUOTA).get_pool(pool_service_pb2.GetPoolRequest(name="moon"), a_call(tx))
    assert names == ["alpha", "city", "zulu"]


async def test_an_owner_sees_the_use_of_its_own_capacity_only(layer: Layer) -> None:
    await layer.artefact("guide", SERVER)
    await layer.under.deliver(a_request("guide"), a_request("guide"))
    async with layer.db.transaction() as tx:
        own = await Deployments().get_utilisation(dpb.GetUtilisationRequest(page_size=1), a_call(tx, owners=("mobility-dept",)))
        other = await Deployments().get_utilisation(dpb.GetUtilisationRequest(), a_call(tx, owners=("university",)))
    assert own.held == pool_pb2.Amount(cpu_millis=200, memory_mib=256)
    assert (len(own.services), bool(own.next_page_token)) == (1, True)
    assert other == dpb.GetUtilisationResponse(held=pool_pb2.Amount(), used=pool_pb2.Amount())
