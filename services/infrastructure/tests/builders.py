"""What tests of infrastructure are made of."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.infrastructure.v1 import artefact_service_pb2, pool_pb2, pool_service_pb2
from city.journey.v1 import journey_pb2 as pb
from city.manifest.v1.manifest_pb2 import MODEL_FREE, STAKEHOLDER_RESIDENT, Manifest, Metadata, NoSoftware, Outcome, Plan, Price, Process, Runtime, Spec
from city.types.v1.types_pb2 import IndicatorKey
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.infrastructure.domain.deployment import Deployment, Patience
from stratapolis.infrastructure.domain.pool import Amount, Share
from stratapolis.infrastructure.jobs import Tender
from stratapolis.infrastructure.providers.process import ProcessProvider
from stratapolis.infrastructure.rpc.artefacts import Artefacts
from stratapolis.infrastructure.rpc.pools import Pools
from stratapolis.infrastructure.store import deployments
from stratapolis.infrastructure.wiring import app, holder

QUOTA = Share(amount=Amount(cpu_millis=4_000, memory_mib=8_192), replicas=20)
QUICK = Patience(
    start=timedelta(seconds=20), stop=timedelta(seconds=1), hung=timedelta(seconds=3), look=timedelta(milliseconds=100),
    first_pause=timedelta(milliseconds=50), longest_pause=timedelta(milliseconds=200), deaths=3,
)  # fmt: skip
SERVER = """
import http.server, json, os, resource
class Face(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"environ": dict(os.environ), "uid": os.getuid(), "cwd": os.getcwd(), "pid": os.getpid(), "sid": os.getsid(0), "files": resource.getrlimit(resource.RLIMIT_NOFILE)}
        self.send_response(200 if self.path in ("/health", "/told") else 404)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())
    def log_message(self, *args): pass
open("starts", "a").write("x")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Face).serve_forever()
"""
DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
CRASHING = "import sys\nsys.exit('no module named boot')\n"
_NUMBERS = count(1)


@dataclass(slots=True)
class Register:
    """In place of connectivity, which is another layer: notes who was made active, refuses while `away`."""

    active: list[tuple[str, int, str]] = field(default_factory=list)
    away: bool = False
    before: Callable[[], Awaitable[None]] | None = None

    async def activate(self, service_id: str, version: int, public_key_pem: str) -> str:
        if self.before is not None:
            await self.before()
        if self.away:
            raise OSError("connectivity is away")
        self.active.append((service_id, version, public_key_pem))
        return f"system:{service_id}"


@dataclass(slots=True)
class Layer:
    """Infrastructure on a real database, with real processes."""

    db: Database
    folder: Path
    ports: range
    register: Register = field(default_factory=Register)
    under: AppUnderTest = field(init=False)
    provider: ProcessProvider = field(init=False)
    tender: Tender = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A layer that knows nothing but its database and folder, as after a restart."""
        self.provider = ProcessProvider(self.folder / "services", self.ports, {"CITY_DATA": "127.0.0.1:1"})
        wired = app(provider=self.provider, identities=self.register, patience=QUICK, quota=QUOTA, default_pool="city", roots=[self.folder / "artefacts"])
        self.under = AppUnderTest(wired, self.db)
        self.tender = Tender(self.provider, self.register, holder(QUOTA, "city"), QUICK)

    async def pool(self, cpu: int = 4_000, memory: int = 8_192, *, name: str = "city", quota: pool_pb2.Quota | None = None) -> pool_pb2.Pool:
        asked = pool_service_pb2.RegisterPoolRequest(name=name, capacity=pool_pb2.Amount(cpu_millis=cpu, memory_mib=memory), quota=quota)
        async with self.db.transaction() as tx:
            return (await Pools(QUOTA).register_pool(asked, a_call(tx))).pool

    async def used(self, name: str = "city") -> tuple[int, int]:
        async with self.db.transaction() as tx:
            found = (await Pools(QUOTA).get_pool(pool_service_pb2.GetPoolRequest(name=name), a_call(tx))).pool
        return found.used.cpu_millis, found.used.memory_mib

    async def artefact(self, name: str, program: str) -> Path:
        """Register a folder with one program; returns the folder."""
        folder = self.folder / "artefacts" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.py").write_text(program)
        asked = artefact_service_pb2.RegisterArtefactRequest(name=name, folder=str(folder), argv=["{python}", "-S", "{folder}/main.py"])
        async with self.db.transaction() as tx:
            await Artefacts([self.folder / "artefacts"]).register_artefact(asked, a_call(tx))
        return folder

    async def launch(self, artefact: str, **process: Any) -> StageRequested:
        """Cleared, and asked to deploy."""
        request = a_request(artefact, **process)
        await self.under.deliver(request, a_request(artefact, like=request, stage=pb.STAGE_DEPLOYING, **process))
        return request

    async def end(self, request: StageRequested, state: pb.JourneyState.ValueType) -> None:
        await self.under.deliver(
            JourneyEnded(journey_id=request.journey_id, service_id=request.service_id, version=request.version, creator_id=request.creator_id, state=state)
        )

    async def deployment(self, request: StageRequested) -> Deployment:
        async with self.db.transaction() as tx:
            found = await deployments.one(tx, None, request.service_id, request.version)
        assert found is not None
        return found

    async def tend(self) -> None:
        await self.tender.tend_deployments(self.db)

    async def until(self, request: StageRequested, state: str, seconds: float = 20) -> Deployment:
        """Tend until the deployment is in a state."""

        async def there() -> bool:
            await self.tend()
            return (await self.deployment(request)).state == state

        await until(there, seconds)
        return await self.deployment(request)

    async def killed_at(self, point: str) -> None:
        """Tend in a process that kills itself, with -9, at a point of its first start: see keeper.py."""
        keeper = await asyncio.create_subprocess_exec(
            *(sys.executable, KEEPER, self.db._dsn, self.folder, str(self.ports.start), str(self.ports.stop), point), env={"PYTHONPATH": str(Path.cwd())}
        )
        assert await asyncio.wait_for(keeper.wait(), 30) == -signal.SIGKILL

    async def sweep(self) -> None:
        """End everything, whatever the rows say."""
        await self.provider.end_orphans(())


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait for a condition, bounded."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


def a_call(tx: Tx, *, owners: tuple[str, ...] | None = None) -> Call:
    return Call(caller=Caller(subject="olga", kind="person", roles=frozenset({"operator"})), at=tx.at, owners=owners, tx=tx)


def a_request(artefact: str = "", *, like: StageRequested | None = None, stage: pb.Stage.ValueType = pb.STAGE_CLEARING, **process: Any) -> StageRequested:
    """A launch; without an artefact, of a service without software."""
    number = next(_NUMBERS)
    asked: dict[str, Any] = {"cpu_millis": 100, "memory_mib": 128, "health": "/health"}
    runtime = Runtime(process=Process(artefact=artefact, **(asked | process))) if artefact else Runtime(none=NoSoftware())
    request = StageRequested(
        journey_id=f"journey-{number}", service_id=f"service-{number}", version=1, kind=pb.JOURNEY_KIND_LAUNCH, attempt=1,
        layers=["infrastructure"], creator_id="mobility-dept", creator_name="Mobility", manifest=_manifest(runtime),
    )  # fmt: skip
    if like is not None:
        request.CopyFrom(like)
    request.stage = stage
    return request


def _manifest(runtime: Runtime) -> Manifest:
    return Manifest(
        api_version="city/v1",
        kind="Service",
        metadata=Metadata(name="guide", title="A guide", description="Shows the way through the city."),
        spec=Spec(
            category="mobility", stakeholders=[STAKEHOLDER_RESIDENT], runtime=runtime, price=Price(plans=[Plan(name="free", model=MODEL_FREE)]),
            outcomes=[Outcome(name="less time lost", indicator=IndicatorKey(framework="u4ssc", code="EC: ICT: T: 1C"))],
        ),
    )  # fmt: skip


KEEPER = Path(__file__).with_name("keeper.py")
ROOT = os.geteuid() == 0


def place(layer: Layer, deployment: Deployment) -> Path:
    """Where a deployment's process lies."""
    return layer.provider._ground.folder / deployment.journey_id


def starts(layer: Layer, deployment: Deployment) -> int:
    """How often it was started."""
    return len((place(layer, deployment) / "home" / "starts").read_text())


def told(deployment: Deployment) -> dict[str, object]:
    """What it says of itself."""
    found: dict[str, object] = httpx.get(f"{deployment.endpoint}/told").json()
    return found
