"""A whole city in one folder: stores, databases, topics, layers, founding. The command, the demo, end-to-end tests and benchmarks all use this."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc
from aiokafka.errors import KafkaError
from stratapolis.chassis import topics
from stratapolis.cli import founding, membership
from stratapolis.cli.client import Client
from stratapolis.cli.local import endpoints, ground, layers, stores
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.jars import Progress
from stratapolis.cli.local.lock import FolderLock
from stratapolis.cli.local.outside import OutsidePostgres
from stratapolis.cli.local.ports import CityPorts, require_free
from stratapolis.cli.local.process import Child, Running
from stratapolis.cli.local.stores import Stores
from stratapolis.cli.local.supervisor import Supervisor
from stratapolis.cli.people import Identity, People

Stub = TypeVar("Stub")
NEEDED = ("connectivity", "policy")
"""Without these a city cannot be founded."""


class Interrupted(LocalCityError):
    """A signal came before the city was up; everything that had been started is stopped."""


class City:
    """A city that runs inside the `async with`.

        async with City(tmp_path, 28000, keep=False, settings={"CITY_GOVERNANCE_CLEARING_SECONDS": "5"}) as city:
            alice = await city.enrol("alice")
            north = await city.creator("North Mobility", alice)
            journeys = city.stub(JourneyServiceStub, "governance", as_=alice)
            await city.kill("governance")                       # kill -9; it comes back by itself
            await city.until_ready("governance")

    `settings` are told to every layer, `only` to one process by its name (`governance`, `governance-2`). `replicas` says how many processes a
    layer has, 1 unless said. `retold` gets a process's name and what it would be told, and says what it is told instead: addresses of proxies,
    code of another release. Data are kept for the next time; `keep=False` starts from nothing and leaves nothing.
    """

    def __init__(
        self,
        folder: Path,
        base: int = 7000,
        *,
        only_layers: Sequence[str] = (),
        replicas: Mapping[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
        only: Mapping[str, dict[str, str]] | None = None,
        retold: Callable[[str, dict[str, str]], dict[str, str]] = lambda _, told: told,
        artefacts: Sequence[Path] = (),
        kafka: str = "",
        postgres: str = "",
        keep: bool = True,
        say: Callable[[str], None] = lambda _: None,
        echo: Callable[[str], None] | None = None,
        coloured: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.folder, self.ports, self._keep, self._say = folder.absolute(), CityPorts(base), keep, say
        self.stores = Stores(self.folder, base, progress=progress)
        self._settings, self._only, self._artefacts = dict(settings or {}), only or {}, tuple(path.absolute() for path in artefacts)
        self._retold = retold
        self._outside_kafka, self._outside_postgres = kafka, OutsidePostgres(postgres, self.folder) if postgres else None
        chosen = [layer for layer in layers.existing() if not only_layers or layer in only_layers]
        self.processes = tuple(layers.Process(layer=layer, replica=n) for layer in chosen for n in range((replicas or {}).get(layer, 1)))
        self.at = layers.endpoints(self.processes, self.ports, kafka=kafka or self.stores.kafka.bootstrap, outside=bool(kafka or postgres))
        self.people = People(self.folder)
        self._supervisor = Supervisor(self.folder, say=say, echo=echo, coloured=coloured)
        self._environments: dict[str, dict[str, str]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._clients: dict[str, Client] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if not self._keep:
            await asyncio.to_thread(wipe, self.folder)
        try:
            await self._start()
        except BaseException:
            if await self._stack.__aexit__(*sys.exc_info()):
                raise Interrupted("stopped before the city was up") from None
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        suppressed = await self._stack.__aexit__(kind, error, trace)
        if not self._keep:
            await asyncio.to_thread(wipe, self.folder)
        return bool(suppressed)

    async def _start(self) -> None:
        self._stack.callback(self.stores.kafka.release)
        self._stack.callback(self.stores.postgres.release)
        await self._stack.enter_async_context(self._supervisor)
        self._stack.push_async_callback(self._close_clients)
        await asyncio.to_thread(require_free, self._wanted_ports())
        await self._start_stores()
        self._say("making databases and topics")
        databases = {layer: await self._database(layer) for layer in self.at.layers}
        await self._make_topics()
        endpoints.write(self.folder, self.at)
        self._say(f"starting {', '.join(each.name for each in self.processes)}")
        await self._supervisor.start(*(self._child(each, databases[each.layer]) for each in self.processes))
        if self.people.find("officer") is None and all(layer in self.at.layers for layer in NEEDED):
            self._say("founding the city")
            await founding.found(self.folder, self.at, self.folder / "keys")

    def _wanted_ports(self) -> dict[int, str]:
        ports = {each.grpc(self.ports): f"{each.name} (gRPC)" for each in self.processes}
        ports |= {each.http(self.ports): f"{each.name} (HTTP)" for each in self.processes}
        ours = (self._outside_kafka, "Kafka"), (self._outside_postgres, "PostgreSQL")
        return ports | {port: name for port, name in self.ports.stores.items() if not any(outside and name.startswith(store) for outside, store in ours)}

    async def _start_stores(self) -> None:
        ours = [store for store, outside in ((self.stores.kafka, self._outside_kafka), (self.stores.postgres, self._outside_postgres)) if not outside]
        self._say(f"starting {' and '.join(store.name for store in ours)}" if ours else "using the stores given")
        try:
            async with asyncio.TaskGroup() as group:
                preparing = [group.create_task(store.prepare()) for store in ours]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if ours:
            await self._supervisor.start(*(self._gated(task.result()) for task in preparing))

    async def _database(self, layer: str) -> str:
        return await (self._outside_postgres or self.stores.postgres).create_database(layer)

    async def _make_topics(self) -> None:
        try:
            await topics.make(self.at.kafka)
        except (KafkaError, OSError) as error:
            raise LocalCityError(f"Kafka at {self.at.kafka} cannot be used: {error or type(error).__name__}") from error
        except ValueError as error:
            raise LocalCityError(f"{error}: the data are of another version of the contract; `city reset` wipes them") from error

    def _child(self, process: layers.Process, database: str) -> Child:
        keys = self.folder / "keys"
        layers.make_keys(keys, self.at.layers)
        told = layers.environment(
            process, self.at, database=database, keys=keys, work=self.folder / "services", artefacts=self._artefacts, inherited=os.environ
        )
        self._environments[process.name] = self._retold(process.name, told | self._settings | self._only.get(process.name, {}))
        return self._gated(layers.child(process, self.at, self._environments[process.name], cwd=self.folder))

    def _gated(self, child: Child) -> Child:
        """A child that does not start while it is meant to be away."""
        gate = self._gates[child.name] = asyncio.Event()
        gate.set()

        async def before() -> None:
            await gate.wait()
            await child.before()

        return replace(child, before=before)

    async def _close_clients(self) -> None:
        for client in self._clients.values():
            await client.__aexit__(None, None, None)
        self._clients.clear()

    # Calling it

    @property
    def officer(self) -> Identity:
        """The founding officer, who has every role."""
        return self.people.get("officer")

    def client(self, identity: Identity | None = None) -> Client:
        """An identity's way into the city (the officer's, unless said), kept until the city stops."""
        who = identity or self.officer
        if who.subject not in self._clients:
            self._clients[who.subject] = Client(self.at, who)
        return self._clients[who.subject]

    def stub(self, stub: Callable[[grpc.aio.Channel], Stub], layer: str, *, as_: Identity | None = None, replica: int = 0) -> Stub:
        """A stub for a service of a layer, with a deadline, retries and the token of `as_` (the officer, unless said)."""
        return self.client(as_).stub(stub, layer, replica)

    async def enrol(self, name: str, *, kind: str = "person", creator: str = "", roles: Sequence[str] = ()) -> Identity:
        """Enrol a person, thing or system with a new key, by the officer; its token has the roles when this returns."""
        identity = await membership.enrol(self.client(), name, kind=kind, creator=creator, roles=roles)
        if roles:
            await self.client(identity).until_claimed(lambda claims: set(roles) <= set(claims.get("roles", [])))
        return identity

    async def creator(self, name: str, founder: Identity, *, kind: str = "company", accepted: bool = True) -> str:
        """Register a value creator as `founder` and have the officer accept it; its id. The founder's token names it when this returns."""
        creator = await membership.register(self.client(founder), name, kind=kind)
        if accepted:
            await membership.accept(self.client(), creator)
            await self.client(founder).until_claimed(lambda claims: claims.get("creator") == creator)
        return creator

    @property
    def names(self) -> tuple[str, ...]:
        """All that runs, by name: the stores that are ours, then the layers' processes."""
        return tuple(self._gates)

    def grpc_of(self, name: str) -> str:
        """Where a process answers calls; empty for a store's."""
        return next((self.at.grpc[each.layer][each.replica] for each in self.processes if each.name == name), "")

    def http_of(self, name: str) -> str:
        """Where a process answers HTTP; empty for a store's."""
        return next((self.at.http[each.layer][each.replica] for each in self.processes if each.name == name), "")

    # Hurting it: names are those of processes, `kafka`, `postgres`, `governance`, `governance-2`

    def process(self, name: str) -> Running:
        """The process that runs under a name now."""
        return self._supervisor.running(name)

    def environment(self, name: str) -> dict[str, str]:
        """What a layer's process is told at its next start; may be changed."""
        return self._environments[name]

    async def kill(self, name: str) -> None:
        """kill -9; it comes back by itself."""
        await self.process(name).kill()

    async def restart(self, name: str, *, within: float = 60.0) -> None:
        """Stop it in order and wait until it is back."""
        await self.process(name).stop()
        await self.until_ready(name, within=within)

    async def take_down(self, name: str, *, kill: bool = False) -> None:
        """Stop it, in order or with kill -9, and keep it away until `bring_back`."""
        self._gates[name].clear()
        running = self.process(name)
        await (running.kill() if kill else running.stop())

    async def bring_back(self, name: str, *, within: float = 60.0) -> None:
        """Let what was taken down start again, and wait until it is ready."""
        self._gates[name].set()
        await self.until_ready(name, within=within)

    def freeze(self, name: str) -> None:
        """Alive, holding its connections, answering nothing, until `thaw`."""
        self.process(name).freeze()

    def thaw(self, name: str) -> None:
        self.process(name).thaw()

    async def until_ready(self, name: str, *, within: float = 60.0) -> None:
        """Until it runs and says that it is ready."""
        await until(partial(self._is_up, name), f"{name} to be ready", within=within)

    async def _is_up(self, name: str) -> bool:
        running = self.process(name)
        return running.alive and await running.child.ready()

    async def wait(self) -> None:
        """Until a signal comes."""
        await self._supervisor.wait()


async def until(condition: Callable[[], Awaitable[bool]], what: str, *, within: float, every: float = 0.05) -> None:
    """Wait for a condition, so long and no longer; asked `every` so many seconds."""
    ends = time.monotonic() + within
    while not await condition():
        if time.monotonic() > ends:
            raise LocalCityError(f"waited {within:g} s in vain for {what}")
        await asyncio.sleep(every)


def wipe(folder: Path) -> None:
    """Everything the city keeps, both stores together; refused while it runs."""
    if not folder.exists():
        return
    with FolderLock(folder, "a city"):
        stores.wipe(folder)
        ground.wipe(folder / "services")
        for name in ("people", "keys"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("city.json", "founding.json", "outside.json"):
            (folder / name).unlink(missing_ok=True)
