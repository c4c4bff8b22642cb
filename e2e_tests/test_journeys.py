"""The journey through the layers, as value creators and officers meet it."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from city.governance.v1.journey_service_pb2 import GetJourneyRequest, ListJourneysRequest, WatchJourneyRequest, WithdrawProposalRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli.local.city import until

from e2e_tests.conftest import HOLDERS, Creator, Town


async def test_a_free_service_goes_live_and_every_layer_has_its_record(town: Town) -> None:
    journey = await town.propose()
    ended = (await town.ended([journey.journey_id]))[journey.journey_id]
    assert ended.state == shared.JOURNEY_STATE_LIVE
    catalog = town.city.stub(CatalogServiceStub, "value_catalog")

    async def listed() -> bool:
        try:
            return bool((await catalog.GetService(GetServiceRequest(service_id=journey.service_id))).entry.title)
        except grpc.aio.AioRpcError:
            return False

    await until(listed, "the entry to be shown", within=20)

    async def active() -> bool:
        holds = await town.holds(shared.HOLD_STATE_ACTIVE, journey_id=journey.journey_id)
        return set(HOLDERS) == {layer for layer, found in holds.items() if found}

    await until(active, "every layer's hold to be active", within=20)


async def test_a_proposal_refused_by_several_layers_comes_back_with_all_reasons_and_nothing_held(town: Town) -> None:
    journey = await town.propose(town.manifest("crowd-cameras", until="2099-01-01"))
    ended = (await town.ended([journey.journey_id]))[journey.journey_id]
    assert ended.state == shared.JOURNEY_STATE_REJECTED
    assert {"policy", "data", "infrastructure"} <= {r.layer for r in ended.reasons}
    assert all(r.code and r.message for r in ended.reasons)
    await town.let_go(journey.journey_id)


async def test_a_withdrawn_proposal_lets_go_of_everything_and_cannot_be_withdrawn_twice(town: Town) -> None:
    town.city.freeze("policy")
    try:
        journey = await town.propose()
        stub = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder)
        asked = WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id, reason="changed our minds")
        assert (await stub.WithdrawProposal(asked)).journey.state == shared.JOURNEY_STATE_WITHDRAWN
        with pytest.raises(grpc.aio.AioRpcError) as again:
            await stub.WithdrawProposal(WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id))
        assert refusal(again.value).reason == "JOURNEY_ENDED"
    finally:
        town.city.thaw("policy")
    await town.let_go(journey.journey_id)


async def test_a_second_proposal_of_a_service_under_way_is_refused(town: Town) -> None:
    town.city.freeze("policy")
    try:
        text = town.manifest()
        first = await town.propose(text)
        with pytest.raises(grpc.aio.AioRpcError) as second:
            await town.propose(text)
        assert refusal(second.value).reason == "JOURNEY_IN_PROGRESS"
    finally:
        town.city.thaw("policy")
    assert (await town.ended([first.journey_id]))[first.journey_id].state == shared.JOURNEY_STATE_LIVE


async def test_a_watch_tells_every_step_once_and_ends_with_the_journey(town: Town) -> None:
    journey = await town.propose()
    stub = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder)
    async with asyncio.timeout(60):
        steps = [item.step.number async for item in stub.WatchJourney(WatchJourneyRequest(journey_id=journey.journey_id))]
    assert steps == list(range(1, len(steps) + 1))
    assert (await stub.GetJourney(GetJourneyRequest(journey_id=journey.journey_id))).journey.state == shared.JOURNEY_STATE_LIVE


async def test_g11_another_creators_journey_looks_like_none(town: Town, stranger: Creator) -> None:
    journey = await town.propose()
    stub = town.city.stub(JourneyServiceStub, "governance", as_=stranger.founder)
    answers = []
    for asked in (journey.journey_id, new_id()):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetJourney(GetJourneyRequest(journey_id=asked))
        answers.append((refused.value.code(), (refused.value.details() or "").replace(asked, "ID")))
    assert answers[0] == answers[1]
    assert answers[0][0] is grpc.StatusCode.NOT_FOUND


async def test_a_manifest_with_faults_is_refused_with_all_of_them_and_nothing_is_stored(town: Town, stranger: Creator) -> None:
    text = town.manifest().replace(b"stakeholders: [resident]", b"stakeholders: [residents]").replace(b"wcagLevel: AA", b"wcagLevels: AA")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await town.propose(text, as_=stranger.founder)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    paths = {violation.field for violation in _violations(refused.value)}
    assert any(path.endswith("stakeholders[0]") for path in paths), paths
    assert any(path.endswith("wcagLevels") for path in paths), paths
    journeys = town.city.stub(JourneyServiceStub, "governance", as_=stranger.founder)
    assert not (await journeys.ListJourneys(ListJourneysRequest())).journeys


def _violations(error: grpc.aio.AioRpcError) -> list[error_details_pb2.BadRequest.FieldViolation]:
    """The field violations in a refused call's details."""
    found = status_pb2.Status.FromString(dict(error.trailing_metadata() or ())["grpc-status-details-bin"])
    violations: list[error_details_pb2.BadRequest.FieldViolation] = []
    for detail in found.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            violations += bad.field_violations
    return violations
