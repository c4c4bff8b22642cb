"""What tests of a service's life do all the time: bring it live, call it without a pause, retire it, and see what is left of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
import httpx
from city.connectivity.v1.connection_pb2 import CONNECTION_STATE_ASKED, CONNECTION_STATE_TRUSTED
from city.connectivity.v1.connection_service_pb2 import ListConnectionsRequest
from city.connectivity.v1.connection_service_pb2_grpc import ConnectionServiceStub
from city.data.v1.data_contracts_service_pb2 import DATA_CONTRACT_STATE_GRANTED, DATA_CONTRACT_STATE_HELD, ListContractsRequest
from city.data.v1.data_contracts_service_pb2_grpc import DataContractsServiceStub
from city.governance.v1 import lifecycle_service_pb2 as lifecycle
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from city.infrastructure.v1 import deployment_service_pb2 as deployments
from city.infrastructure.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from city.infrastructure.v1.pool_service_pb2 import ListPoolsRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import Entry
from city.value_catalog.v1.subscription_service_pb2 import ListSubscriptionsRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.founding import settled
from stratapolis.cli.local.city import until

from e2e_tests.conftest import Town

LIVE, RETIRED, REJECTED, WITHDRAWN = shared.JOURNEY_STATE_LIVE, shared.JOURNEY_STATE_RETIRED, shared.JOURNEY_STATE_REJECTED, shared.JOURNEY_STATE_WITHDRAWN
HOLDING = (shared.HOLD_STATE_HELD, shared.HOLD_STATE_ACTIVE, shared.HOLD_STATE_DRAINING)
REMEMBERED_SECONDS = 1.0
"""How long a client goes on with an endpoint before it asks the catalogue again; a replaced version serves longer than that."""


@dataclass(slots=True)
class Calls:
    """A client that calls a service without a pause; what it got, and from where."""

    service_id: str
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)

    async def until_answered(self, more: int = 20) -> None:
        wanted = self.answered + more

        async def there() -> bool:
            return self.answered >= wanted

        await until(there, f"{more} more calls", within=30)


@asynccontextmanager
async def calling(town: Town, service_id: str) -> AsyncIterator[Calls]:
    """Call all the time: the endpoint is the catalogue's, remembered for a moment, as clients do."""
    calls, stopping = Calls(service_id), asyncio.Event()
    catalog = town.city.stub(CatalogServiceStub, "value_catalog")

    async def call() -> None:
        day, looked_at, endpoint = datetime.now(UTC).date().isoformat(), 0.0, ""
        async with httpx.AsyncClient(timeout=10) as http:
            while not stopping.is_set():
                if time.monotonic() - looked_at > REMEMBERED_SECONDS:
                    endpoint, looked_at = (await catalog.GetService(GetServiceRequest(service_id=service_id))).entry.endpoint, time.monotonic()
                    calls.endpoints += [endpoint] if endpoint not in calls.endpoints else []
                try:
                    answer = await http.get(f"{endpoint}/air", params={"day": day})
                    calls.failed += [f"{answer.status_code} {answer.text}"] if answer.status_code != httpx.codes.OK else []
                except httpx.HTTPError as error:
                    calls.failed.append(repr(error))
                calls.answered += 1
                await asyncio.sleep(0.02)

    task = asyncio.create_task(call())
    try:
        yield calls
    finally:
        stopping.set()
        await asyncio.wait_for(task, 20)


async def gone_live(town: Town, text: bytes) -> Journey:
    """Propose and see it live."""
    journey = await town.propose(text)
    ended = (await town.ended([journey.journey_id]))[journey.journey_id]
    assert ended.state == LIVE, ended.reasons
    return ended


async def entry(town: Town, service_id: str, **as_: Any) -> Entry:
    return (await town.city.stub(CatalogServiceStub, "value_catalog", **as_).GetService(GetServiceRequest(service_id=service_id))).entry


async def shown(town: Town, service_id: str, version: int) -> Entry:
    """The entry, once the catalogue shows this version."""
    found: list[Entry] = []

    async def there() -> bool:
        try:
            found.append(await entry(town, service_id))
        except grpc.aio.AioRpcError:
            return False
        return found[-1].version == version

    await until(there, f"version {version} to be shown", within=20)
    return found[-1]


async def drained(town: Town, journey_id: str) -> None:
    """Until no layer holds anything for a version that was replaced."""

    async def free() -> bool:
        return not any((await town.holds(*HOLDING, journey_id=journey_id)).values())

    await until(free, "the replaced version to be let go", within=40)


async def retire(town: Town, service_id: str) -> Journey:
    asked = lifecycle.RetireServiceRequest(request_id=new_id(), service_id=service_id, reason="nobody comes any more")
    stub = town.city.stub(LifecycleServiceStub, "governance", as_=town.creator.founder)
    journey: Journey = (await settled(lambda: stub.RetireService(asked))).journey
    return journey


async def retired(town: Town, service_id: str) -> Journey:
    """Retire and see it ended."""
    journey = await retire(town, service_id)
    return (await town.ended([journey.journey_id]))[journey.journey_id]


async def left(town: Town, service_id: str) -> dict[str, int]:
    """All that the layers have and do for a service, by their own lists."""
    city, connected = town.city, ListConnectionsRequest(subject=f"system:{service_id}", states=[CONNECTION_STATE_ASKED, CONNECTION_STATE_TRUSTED])
    granted = ListContractsRequest(service_id=service_id, states=[DATA_CONTRACT_STATE_HELD, DATA_CONTRACT_STATE_GRANTED])
    subscribed = ListSubscriptionsRequest(service_id=service_id, running_only=True)
    runs = (await city.stub(DeploymentServiceStub, "infrastructure").ListDeployments(deployments.ListDeploymentsRequest(service_id=service_id))).deployments
    holds = await town.holds(*HOLDING, service_id=service_id)
    return {
        "deployments": len([each for each in runs if each.state != deployments.DEPLOYMENT_STATE_RETIRED]),
        "connections": len((await city.stub(ConnectionServiceStub, "connectivity").ListConnections(connected)).connections),
        "contracts": len((await city.stub(DataContractsServiceStub, "data").ListContracts(granted)).contracts),
        "subscriptions": len((await city.stub(SubscriptionServiceStub, "value_catalog").ListSubscriptions(subscribed)).subscriptions),
        **{f"{layer} holds": len(each) for layer, each in holds.items()},
    }


async def pools(town: Town) -> list[Any]:
    return list((await town.city.stub(PoolServiceStub, "infrastructure").ListPools(ListPoolsRequest())).pools)
