"""G9: a dependency's outage is bounded and heals by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from city.data.v1.data_products_service_pb2 import SearchDataProductsRequest
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.governance.v1.journey_service_pb2 import ListJourneysRequest, ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.infrastructure.v1.pool_service_pb2 import ListPoolsRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.journey.v1.holds_service_pb2_grpc import HoldsServiceStub
from city.policy.v1.agreement_service_pb2 import ListAgreementsRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.value_catalog.v1.catalog_service_pb2 import SearchServicesRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stratapolis.chassis.ids import new_id

from e2e_tests.conftest import AGAIN, PROCESSES, Town, patiently

SECONDS = 3.0
LATE = 1.5
"""A call's deadline, and how much later than that its answer may be heard on a busy machine."""
RESUMED_WITHIN = 10.0
Call = Callable[[], Awaitable[Any]]


def calls(town: Town) -> dict[str, Call]:
    """A read of each layer, and a write of governance."""
    journeys = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder)
    agreements = town.city.stub(AgreementServiceStub, "policy")
    products = town.city.stub(DataProductsServiceStub, "data")
    holds = town.city.stub(HoldsServiceStub, "connectivity")
    pools = town.city.stub(PoolServiceStub, "infrastructure")
    catalog = town.city.stub(CatalogServiceStub, "value_catalog")
    return {
        "governance": lambda: journeys.ListJourneys(ListJourneysRequest(page_size=1), timeout=SECONDS),
        "policy": lambda: agreements.ListAgreements(ListAgreementsRequest(page_size=1), timeout=SECONDS),
        "data": lambda: products.SearchDataProducts(SearchDataProductsRequest(page_size=1), timeout=SECONDS),
        "connectivity": lambda: holds.ListHolds(ListHoldsRequest(page_size=1), timeout=SECONDS),
        "infrastructure": lambda: pools.ListPools(ListPoolsRequest(page_size=1), timeout=SECONDS),
        "value_catalog": lambda: catalog.SearchServices(SearchServicesRequest(query="street", page_size=1), timeout=SECONDS),
        "a proposal": lambda: journeys.ProposeService(ProposeServiceRequest(request_id=new_id(), manifest_yaml=town.manifest()), timeout=SECONDS),
    }


async def _bounded(name: str, call: Call) -> grpc.StatusCode | None:
    """A call's status, OK as None; it must come within its deadline, and be one that a client may retry."""
    began = time.monotonic()
    code = None
    try:
        async with asyncio.timeout(SECONDS + 3 * LATE):
            await call()
    except grpc.aio.AioRpcError as error:
        code = error.code()
        assert code in AGAIN, (name, error.details())  # noqa: PT017 - it need not be refused
    assert time.monotonic() - began < SECONDS + LATE, f"{name} was answered late"
    return code


async def _all_bounded(made: dict[str, Call]) -> dict[str, grpc.StatusCode | None]:
    """The statuses of calls made beside each other."""
    return dict(zip(made, await asyncio.gather(*(_bounded(name, call) for name, call in made.items())), strict=True))


async def _flows(town: Town, since: float) -> None:
    """A new journey goes live in time."""
    journey = await town.propose()
    ended = await town.ended([journey.journey_id], within=RESUMED_WITHIN)
    assert ended[journey.journey_id].state == shared.JOURNEY_STATE_LIVE
    assert time.monotonic() - since < RESUMED_WITHIN, "the flow resumed late"


async def _warm(made: dict[str, Call]) -> None:
    """Have tokens and channels: an outage is not of the moment a client begins."""
    await asyncio.gather(*(patiently(call) for call in made.values()))


@pytest.mark.parametrize("store", ["kafka", "postgres"])
@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_g9_a_store_that_is_away_hangs_no_call_and_all_goes_on_after_it(town: Town, store: str, how: str) -> None:
    made, pids = calls(town), {process: town.city.process(process).pid for process in PROCESSES}
    await _warm(made)
    under_way = [await town.propose() for _ in range(5)]
    if how == "frozen":
        town.city.freeze(store)
    else:
        await town.city.take_down(store, kill=True)
    try:
        answers = [await _all_bounded(made) for _ in range(2)]
    finally:
        if how == "frozen":
            town.city.thaw(store)
        else:
            await town.city.bring_back(store)
    back = time.monotonic()
    if store == "kafka":  # what is said waits in the outbox: no call needs the broker
        assert [code for answer in answers for code in answer.values() if code is not None] == []
    await _flows(town, back)
    ended = await town.ended([journey.journey_id for journey in under_way], within=30)
    assert {journey.state for journey in ended.values()} == {shared.JOURNEY_STATE_LIVE}
    assert {process: town.city.process(process).pid for process in PROCESSES} == pids


@pytest.mark.slow
async def test_g9_a_frozen_peer_hangs_no_call_of_others_and_all_goes_on_after_it(town: Town) -> None:
    made, pids = calls(town), {process: town.city.process(process).pid for process in PROCESSES}
    await _warm(made)
    began = time.monotonic()
    frozen = ["connectivity"]
    town.city.freeze("connectivity")
    try:
        answers = [await _all_bounded(made)]
        assert answers[0]["governance"] is None
        for process in ("governance", "governance-2"):
            town.city.freeze(process)
            frozen.append(process)
        while time.monotonic() - began < 30:
            answers.append(await _all_bounded(made))
    finally:
        for process in frozen:
            town.city.thaw(process)
    back = time.monotonic()
    assert all(answer["connectivity"] is not None for answer in answers), "it was not frozen"
    assert all(answer["governance"] is not None for answer in answers[1:]), "it was not frozen"
    await _flows(town, back)
    assert {process: town.city.process(process).pid for process in PROCESSES} == pids
