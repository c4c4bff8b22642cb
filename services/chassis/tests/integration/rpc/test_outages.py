"""A database that freezes, a stop under load, a peer that comes back: calls end in time, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from city.operations.v1.operations_service_pb2 import ListDeadLettersRequest, RedriveDeadLetterRequest
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]
from stratapolis.chassis.db import Database
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.client import Peers, refusal

from services.chassis.tests.integration.rpc.conftest import Toy, outcome, serving


class Line:
    """A line to the database that can be frozen: connections stay, nothing passes."""

    def __init__(self, host: str, port: int) -> None:
        self._target, self.passing = (host, port), asyncio.Event()
        self.passing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._writers += [writer, back]
        self._tasks |= {asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await self.passing.wait()
                writer.write(data)
            writer.close()


async def timed(call: Any) -> tuple[tuple[str, str], float]:
    began = asyncio.get_running_loop().time()
    return await outcome(call), asyncio.get_running_loop().time() - began


async def test_g9_a_frozen_database_is_answered_in_time_and_forgotten_when_it_is_back(toy: Toy) -> None:
    whole = urlsplit(toy.db._dsn)
    line = Line(whole.hostname or "", whole.port or 0)
    async with line.open() as port:
        through = whole._replace(netloc=whole.netloc.replace(str(whole.port), str(port))).geturl()
        async with Database(through, name="toy", size=3) as toy.db, serving(toy):
            stub = await toy.operator()
            assert (await timed(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=1)))[0] == ("OK", "")
            line.passing.clear()
            calls = [stub.RedriveDeadLetter(RedriveDeadLetterRequest(request_id=f"request-{n}", id=1), timeout=1) for n in range(8)]
            for found, seconds in await asyncio.gather(*map(timed, calls)):
                assert found == ("UNAVAILABLE", "DATABASE_AWAY")
                assert seconds < 1
            line.passing.set()
            async with asyncio.timeout(10):
                while await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=1)) != ("OK", ""):
                    pass


async def test_g10_a_stop_ends_what_is_in_hand(toy: Toy) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, call: Call) -> None:
        inside.set()
        await go_on.wait()

    toy.operations.work = wait
    async with serving(toy) as server:
        stub = await toy.operator()
        running = asyncio.create_task(outcome(stub.RedriveDeadLetter(RedriveDeadLetterRequest(request_id="request-1", id=1), timeout=20)))
        await inside.wait()
        stopping = asyncio.create_task(server.__aexit__(None, None, None))
        async with asyncio.timeout(5):
            while (await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=1)))[0] != "UNAVAILABLE":
                pass
        assert not running.done()
        go_on.set()
        assert await running == ("OK", "")
        await stopping
    assert await toy.rows() == 3


async def test_health_says_when_the_app_is_ready_and_reflection_names_its_services(toy: Toy) -> None:
    channel = await toy.channel()
    health = health_pb2_grpc.HealthStub(channel)

    async def status(service: str = "city.journey.v1.HoldsService") -> str:
        said = await health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(said.status))

    assert (await status(), await status("")) == ("NOT_SERVING", "NOT_SERVING")
    await toy.server.ready(yes=True)
    assert (await status(), await status("")) == ("SERVING", "SERVING")

    async def ask() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    async with grpc.aio.insecure_channel(f"127.0.0.1:{toy.port}") as plain:
        async for answer in reflection_pb2_grpc.ServerReflectionStub(plain).ServerReflectionInfo(ask(), timeout=5):
            assert "city.operations.v1.OperationsService" in {s.name for s in answer.list_services_response.service}


class Source:
    """A token source that a test can take away."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make, self.away = make, False

    async def token(self, audience: str) -> str:
        assert audience == "governance"
        if self.away:
            raise IssuerAway("away")
        return self._make()


async def test_g9_a_peer_is_called_with_token_and_deadline_and_found_again_when_it_is_back(toy: Toy) -> None:
    source = Source(toy.token)
    async with serving(toy) as server:
        await server.ready(yes=True)
        port = server.port
        peers = Peers({"governance": f"127.0.0.1:{port}"}, source)
        stub: Any = peers.stub(OperationsServiceStub, "governance")
        assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest())) == ("OK", "")
    found, seconds = await timed(stub.ListDeadLetters(ListDeadLettersRequest()))
    assert (found[0], seconds < 2.5) == ("UNAVAILABLE", True)
    async with peers, serving(toy, port=port) as server, asyncio.timeout(5):
        await server.ready(yes=True)
        while await outcome(stub.ListDeadLetters(ListDeadLettersRequest())) != ("OK", ""):
            pass
        source.away = True
        assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest())) == ("UNAVAILABLE", "ISSUER_AWAY")


async def test_a_peer_that_says_it_is_not_ready_gets_no_call(toy: Toy) -> None:
    async with Peers({"governance": f"127.0.0.1:{toy.port}"}, Source(toy.token)) as peers:
        stub: Any = peers.stub(OperationsServiceStub, "governance")
        assert (await outcome(stub.ListDeadLetters(ListDeadLettersRequest())))[0] == "UNAVAILABLE"
        await toy.server.ready(yes=True)
        async with asyncio.timeout(5):
            while await outcome(stub.ListDeadLetters(ListDeadLettersRequest())) != ("OK", ""):
                pass
        await toy.server.ready(yes=False)
        async with asyncio.timeout(5):
            while (await outcome(stub.ListDeadLetters(ListDeadLettersRequest())))[0] != "UNAVAILABLE":
                pass


async def test_a_peers_refusal_keeps_its_reason(toy: Toy) -> None:
    await toy.server.ready(yes=True)
    async with Peers({"governance": f"127.0.0.1:{toy.port}"}, Source(lambda: toy.token(roles=()))) as peers:
        stub: Any = peers.stub(OperationsServiceStub, "governance")
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.ListDeadLetters(ListDeadLettersRequest())
    assert (refusal(failed.value).reason, refusal(failed.value).code) == ("CALLER_NOT_ALLOWED", grpc.StatusCode.PERMISSION_DENIED)
