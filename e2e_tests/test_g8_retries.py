"""G8: retries are safe."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from city.governance.v1.journey_service_pb2 import ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal

from e2e_tests.conftest import Town


async def test_g8_fifty_retries_of_one_request_have_one_effect_and_one_answer(town: Town) -> None:
    stub = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder)
    asked = ProposeServiceRequest(request_id=new_id(), manifest_yaml=town.manifest())
    answers = await asyncio.gather(*(stub.ProposeService(asked) for _ in range(50)))
    assert len({a.journey.journey_id for a in answers}) == 1
    with pytest.raises(grpc.aio.AioRpcError) as other:
        await stub.ProposeService(ProposeServiceRequest(request_id=asked.request_id, manifest_yaml=town.manifest()))
    assert refusal(other.value).reason == "REQUEST_ID_REUSED"
    await town.ended([answers[0].journey.journey_id])
