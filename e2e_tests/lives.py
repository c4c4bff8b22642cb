"""What tests of a service's life do all the time: bring it live, call it without a pause, retire it, and see what is left of it."""

from __future__ import annotations

from typing import Any

import grpc
from city.governance.v1 import lifecycle_service_pb2 as lifecycle
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from city.infrastructure.v1.pool_service_pb2 import ListPoolsRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import Entry
from stratapolis.chassis.ids import new_id
from stratapolis.cli.demo import leaving
from stratapolis.cli.founding import settled
from stratapolis.cli.local.city import until

from e2e_tests.conftest import Town

LIVE, RETIRED, REJECTED, WITHDRAWN = shared.JOURNEY_STATE_LIVE, shared.JOURNEY_STATE_RETIRED, shared.JOURNEY_STATE_REJECTED, shared.JOURNEY_STATE_WITHDRAWN
HOLDING = (shared.HOLD_STATE_HELD, shared.HOLD_STATE_ACTIVE, shared.HOLD_STATE_DRAINING)


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
    holds = await town.holds(*HOLDING, service_id=service_id)
    return {**await leaving.left(town.city, service_id), **{f"{layer} holds": len(each) for layer, each in holds.items()}}


async def pools(town: Town) -> list[Any]:
    return list((await town.city.stub(PoolServiceStub, "infrastructure").ListPools(ListPoolsRequest())).pools)
