"""One city for all end-to-end tests: every layer a real process, on real stores. Tests meet it over gRPC and HTTP, and hurt it by its processes' names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template
from typing import Any, TypeVar

import asyncpg
import grpc
import pytest
from city.governance.v1 import journey_pb2
from city.governance.v1.journey_service_pb2 import BatchGetJourneysRequest, ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.journey.v1.holds_service_pb2_grpc import HoldsServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import City, until
from stratapolis.cli.people import Identity

from e2e_tests.access import Target, Wire

ROOT = Path(__file__).parents[1]
BASE = int(os.environ.get("STRATAPOLIS_E2E_BASE", "12000"))
HOLDERS = ("policy", "data", "connectivity", "infrastructure", "value_catalog")
"""Layers that reserve something for every proposal."""
LETTING_GO = (*HOLDERS, "innovation")
"""Layers that a retirement asks; all of them show their holds."""
IN_JOURNEYS = ("governance", *HOLDERS)
LAYERS = ("governance", *LETTING_GO)
PROCESSES = (*LAYERS, "governance-2")
"""One layer has two replicas: they share its partitions and elect one relay. The second joins and leaves its consumer group at once, as one that
autoscaling starts and ends does; the others have static names."""
TERMINAL = frozenset({shared.JOURNEY_STATE_LIVE, shared.JOURNEY_STATE_REJECTED, shared.JOURNEY_STATE_WITHDRAWN, shared.JOURNEY_STATE_RETIRED})
DEADLINES = {f"CITY_GOVERNANCE_{stage}_SECONDS": "30" for stage in ("CLEARING", "DECIDING", "DEPLOYING", "CONNECTING", "LISTING", "RETIRING")}
DRAIN_SECONDS = 4
"""How long a replaced version serves on in this city."""

SETTLES_AHEAD = {"CITY_GOVERNANCE_SETTLEMENT_HOURS": "-87600"}
"""A month is settled while it runs, and then the next one."""


Answer = TypeVar("Answer")
AGAIN = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


@dataclass(frozen=True, slots=True)
class Creator:
    """A value creator and the person who acts for it."""

    creator_id: str
    founder: Identity


@dataclass(frozen=True, slots=True)
class Town:
    """The city under test and what tests do in it all the time."""

    city: City
    creator: Creator
    crash_folder: Path
    workshop: Path
    """Below it artefacts may lie."""

    def manifest(self, name: str = "street-party", /, **values: str) -> bytes:
        """An example's manifest, under a name of its own unless one is given."""
        text = (ROOT / "examples" / "manifests" / f"{name}.yaml").read_text()
        return Template(text).substitute({"name": f"s{new_id()[-12:]}", **values}).encode()

    async def propose(self, text: bytes | None = None, *, as_: Identity | None = None, request_id: str = "", within: float = 60) -> journey_pb2.Journey:
        """Hand a manifest in; the smallest free service unless one is given."""
        stub = self.city.stub(JourneyServiceStub, "governance", as_=as_ or self.creator.founder)
        asked = ProposeServiceRequest(request_id=request_id or new_id(), manifest_yaml=text or self.manifest())
        journey: journey_pb2.Journey = (await patiently(lambda: stub.ProposeService(asked), within=within)).journey
        return journey

    async def rows(self, layer: str, sql: str, *args: object) -> list[asyncpg.Record]:
        """What a layer's own database says."""
        connection = await asyncpg.connect(self.city.stores.postgres.dsn(layer))
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()

    async def execute(self, layer: str, script: str) -> None:
        """Change a layer's own database: to note what it does, or to be in its way."""
        connection = await asyncpg.connect(self.city.stores.postgres.dsn(layer))
        try:
            await connection.execute(script)
        finally:
            await connection.close()

    async def healthy(self, *processes: str) -> None:
        """Until these processes, all unless said, are ready."""
        for process in processes or PROCESSES:
            await self.city.until_ready(process)

    async def journeys(self, ids: list[str]) -> list[journey_pb2.Journey]:
        """These journeys as they stand."""
        stub = self.city.stub(JourneyServiceStub, "governance")
        found: list[journey_pb2.Journey] = []
        for first in range(0, len(ids), 200):
            asked = BatchGetJourneysRequest(journey_ids=ids[first : first + 200])
            found += (await patiently(partial(stub.BatchGetJourneys, asked))).journeys
        return found

    async def ended(self, ids: list[str], *, within: float = 60) -> dict[str, journey_pb2.Journey]:
        """All of these journeys, once each has ended."""
        found: dict[str, journey_pb2.Journey] = {}

        async def all_ended() -> bool:
            found.update({j.journey_id: j for j in await self.journeys(ids)})
            return len(found) == len(ids) and all(j.state in TERMINAL for j in found.values())

        await until(all_ended, f"{len(ids)} journeys to end", within=within)
        return found

    async def reached(self, journey_id: str, *states: Any, within: float = 60) -> journey_pb2.Journey:
        """A journey, once it is in one of these states."""
        found: list[journey_pb2.Journey] = []

        async def there() -> bool:
            found[:] = await self.journeys([journey_id])
            return bool(found) and found[0].state in states

        await until(there, f"journey {journey_id} to get on", within=within)
        return found[0]

    async def listed(self, service_id: str) -> None:
        """Until the catalogue shows a service."""

        async def shown() -> bool:
            return bool(await self.rows("value_catalog", "select 1 from entry where service_id = $1 and state = 'live'", service_id))

        await until(shown, f"{service_id} to be listed", within=30)

    async def holds(self, *states: Any, **only: str) -> dict[str, list[shared.Hold]]:
        """The holds of every layer, in these states."""
        found: dict[str, list[shared.Hold]] = {}
        for layer in LETTING_GO:
            stub, token = self.city.stub(HoldsServiceStub, layer), ""
            found[layer] = []
            while True:
                page = await stub.ListHolds(ListHoldsRequest(states=states, page_size=500, page_token=token, **only))
                found[layer] += page.holds
                token = page.next_page_token
                if not token:
                    break
        return found

    async def let_go(self, journey_id: str) -> None:
        """Until no layer holds anything for a journey."""

        async def free() -> bool:
            held = await self.holds(shared.HOLD_STATE_HELD, shared.HOLD_STATE_ACTIVE, journey_id=journey_id)
            return not any(held.values())

        await until(free, "every layer to let go", within=30)

    def arm(self, process: str, point: str) -> Path:
        """Have a process die at its next pass of a crash point; the file is gone when it did."""
        armed = self.crash_folder / f"{process}.{point}"
        armed.touch()
        return armed

    async def died(self, armed: Path, *, within: float = 30) -> None:
        """Until a process has died at an armed point."""
        await until(partial(asyncio.to_thread, lambda: not armed.exists()), f"a process to die at {armed.name}", within=within)


async def patiently(call: Callable[[], Awaitable[Answer]], *, within: float = 60) -> Answer:
    """The answer of a call that is made again, with its request_id, as a careful client does while a layer is away."""
    answers: list[Answer] = []

    async def answered() -> bool:
        try:
            answers.append(await call())
        except grpc.aio.AioRpcError as error:
            if error.code() not in AGAIN:
                raise
        return bool(answers)

    await until(answered, "an answer", within=within)
    return answers[0]


@pytest.fixture(scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """A whole city with one value creator."""
    crash_folder, workshop = tmp_path_factory.mktemp("crash"), tmp_path_factory.mktemp("workshop")
    settings = {**DEADLINES, **SETTLES_AHEAD, "CITY_GOVERNANCE_DRAIN_SECONDS": str(DRAIN_SECONDS), "CITY_CRASH_FOLDER": str(crash_folder)}
    city_of_tests = City(
        ROOT / ".city" / f"e2e-{BASE}", BASE, keep=False, settings=settings, artefacts=[ROOT / "examples", ROOT / "e2e_tests" / "programs", workshop],
        replicas={"governance": 2}, only={"governance-2": {"CITY_INSTANCE": ""}},
    )  # fmt: skip
    async with city_of_tests as city:
        founder = await city.enrol("Ada")
        creator = await city.creator("Lantern Works", founder)
        yield Town(city, Creator(creator, founder), crash_folder, workshop)


@pytest.fixture(scope="session")
async def stranger(town: Town) -> Creator:
    """Another value creator, who has nothing to do with the first."""
    founder = await town.city.enrol("Berta")
    return Creator(await town.city.creator("Paper Boats", founder), founder)


@pytest.fixture(scope="session")
async def wire(town: Town) -> AsyncIterator[Wire]:
    """Bare channels to the town."""
    made = Wire(town.city)
    yield made
    await made.close()


@pytest.fixture(scope="session")
async def targets(wire: Wire) -> list[Target]:
    """Every RPC, on every layer that answers it."""
    return await wire.targets()
