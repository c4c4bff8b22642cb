"""Contracts through a service's life: an upgrade refers to what is granted already, a changed use is granted anew, a retirement ends them."""

from typing import Any

import pytest
from city.data.v1 import data_contracts_service_pb2 as pb
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked
from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.testing.journeys import end_of, retirement_of, upgrade_of
from stratapolis.data.domain.errors import ServiceNotFound

from services.data.tests.builders import ADA, MIA, Layer, a_manifest, a_use, again


def an_upgrade(of: StageRequested, *uses: Any) -> StageRequested:
    request = upgrade_of(of)
    request.stage = journey_pb2.STAGE_CLEARING
    request.manifest.CopyFrom(a_manifest(*uses))
    return request


async def contracts(layer: Layer) -> list[tuple[int, str]]:
    return [(row["version"], row["state"]) for row in await layer.rows("select version, state from contract order by created_at, contract_id")]


async def through(layer: Layer, request: StageRequested, state: journey_pb2.JourneyState.ValueType = journey_pb2.JOURNEY_STATE_LIVE) -> list[type]:
    """Clear, connect and end; what is said of contracts."""
    await layer.under.published()
    await layer.under.deliver(request, again(request, stage=journey_pb2.STAGE_CONNECTING), end_of(request, state))
    await layer.under.run("let_go_drained")
    return [type(event) for event in await layer.under.published() if isinstance(event, DataContractGranted | DataContractRevoked)]


async def test_an_upgrade_with_the_same_use_keeps_the_contract_and_takes_it_over(layer: Layer) -> None:
    await layer.product()
    first, _ = await layer.live_service(a_use())
    second = an_upgrade(first, a_use())
    assert await through(layer, second) == []
    assert await contracts(layer) == [(2, "granted")]
    third = an_upgrade(second, a_use())
    assert await through(layer, third) == []
    assert await contracts(layer) == [(3, "granted")]


async def test_an_upgrade_with_another_end_is_granted_anew_and_the_old_contract_ends(layer: Layer) -> None:
    await layer.product()
    first, _ = await layer.live_service(a_use())
    assert await through(layer, an_upgrade(first, a_use(end="2098-01-01"))) == [DataContractGranted, DataContractRevoked]
    assert await contracts(layer) == [(1, "revoked"), (2, "granted")]


@pytest.mark.parametrize("state", [journey_pb2.JOURNEY_STATE_REJECTED, journey_pb2.JOURNEY_STATE_WITHDRAWN])
async def test_a_failed_upgrade_leaves_the_live_versions_contracts(layer: Layer, state: journey_pb2.JourneyState.ValueType) -> None:
    await layer.product()
    first, _ = await layer.live_service(a_use())
    second = an_upgrade(first, a_use(), a_use(purpose="something else"))
    assert await through(layer, second, state) == [DataContractGranted, DataContractRevoked]
    assert sorted(await contracts(layer)) == [(1, "granted"), (2, "revoked")]
    assert await layer.rows("select 1 from carried") == []


async def test_what_an_upgrade_refers_to_must_still_count_when_it_connects(layer: Layer) -> None:
    await layer.product()
    first, _ = await layer.live_service(a_use())
    second = an_upgrade(first, a_use())
    await layer.under.deliver(second)
    contract = str(await layer.value("select contract_id from contract"))
    await layer.ask(pb.RevokeContractRequest(request_id=new_id(), contract_id=contract, reason="not any more"), MIA)
    await layer.under.published()
    await layer.under.deliver(again(second, stage=journey_pb2.STAGE_CONNECTING))
    (answered,) = await layer.said(journey_pb2.StageAnswered)
    assert [reason.code for reason in answered.reasons] == ["CONTRACT_ENDED"]


async def test_a_retirement_ends_the_contracts_of_the_journey_and_those_by_hand(layer: Layer) -> None:
    await layer.product()
    first, _ = await layer.live_service(a_use())
    by_hand = pb.RequestContractRequest(request_id=new_id(), service_id=first.service_id, product="air", purpose="count the days", end="2098-01-01")
    await layer.ask(by_hand, ADA)
    await layer.under.published()
    await layer.under.deliver(retirement_of(first))
    assert len(await layer.said(DataContractRevoked)) == 2
    assert {state for _, state in await contracts(layer)} == {"revoked"}
    with pytest.raises(ServiceNotFound):
        await layer.ask(pb.RequestContractRequest(request_id=new_id(), service_id=first.service_id, product="air", purpose="again", end="2098-01-01"), ADA)
