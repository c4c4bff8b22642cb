"""A real gRPC server with toy servicers on a real database, and a caller for each identity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from city.governance.v1 import journey_service_pb2 as journeys
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1 import holds_service_pb2 as holds
from city.journey.v1.holds_service_pb2_grpc import HoldsServiceStub
from city.journey.v1.journey_pb2 import Hold
from city.operations.v1 import operations_service_pb2 as operations
from city.operations.v1.operations_service_pb2 import RedriveDeadLetterRequest
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from city.policy.v1.policies_pb2 import PolicyActivated
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.app import Answers
from stratapolis.chassis.db import Database
from stratapolis.chassis.denials import Denials
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.server import Server
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint

KEY = Ed25519PrivateKey.generate()


PERMIT_ALL = '@id("everybody") permit(principal, action, resource);'


class HoldNotFound(Refused):
    """There is none, or it is another owner's."""

    reason = "HOLD_NOT_FOUND"
    kind = Kind.NOT_FOUND


class Feed:
    """Revocations that a test sets."""

    def __init__(self) -> None:
        self.subjects: set[str] = set()
        self.silence = timedelta()

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        return subject in self.subjects

    def silent_for(self) -> timedelta:
        return self.silence


Work = Callable[[Any, Call], Awaitable[Any]]


class Holds:
    """Owned rows: another owner's look like none."""

    async def list_holds(self, request: holds.ListHoldsRequest, call: Call) -> holds.ListHoldsResponse:
        rows = await call.tx.fetch("select * from toy where ($1 = '' or id = $1) and ($2::text[] is null or owner = any($2))", request.journey_id, call.owners)
        if request.journey_id and not rows:
            raise HoldNotFound("there is no such hold")
        return holds.ListHoldsResponse(holds=[Hold(journey_id=r["id"], owner=r["owner"]) for r in rows])


class Operations:
    """Work that a test gives."""

    def __init__(self) -> None:
        self.work: Work | None = None
        self.answer = ""

    async def list_dead_letters(self, request: operations.ListDeadLettersRequest, call: Call) -> operations.ListDeadLettersResponse:
        if self.work:
            await self.work(request, call)
        return operations.ListDeadLettersResponse(next_page_token=self.answer)

    async def get_dead_letter(self, request: operations.GetDeadLetterRequest, call: Call) -> operations.GetDeadLetterResponse:
        await call.tx.execute("insert into toy (id, owner) values ('written by a read', '')")
        return operations.GetDeadLetterResponse()

    async def redrive_dead_letter(self, request: operations.RedriveDeadLetterRequest, call: Call) -> operations.RedriveDeadLetterResponse:
        await call.tx.execute("insert into toy (id, owner) values ($1, $2)", new_id(), call.caller.owner)
        if self.work:
            await self.work(request, call)
        return operations.RedriveDeadLetterResponse(applied=int(await call.tx.value("select count(*) from toy")))

    async def discard_dead_letter(self, request: operations.DiscardDeadLetterRequest, call: Call) -> operations.DiscardDeadLetterResponse:
        return operations.DiscardDeadLetterResponse()


class Journeys:
    """A stream of counted items that ends at `last`; nothing else of the service is asked here."""

    def __init__(self) -> None:
        self.last = 3
        self.open = 0
        self.go_on = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    async def watch_journey(self, request: journeys.WatchJourneyRequest, call: Call) -> AsyncIterator[journeys.WatchJourneyResponse]:
        self.open += 1
        try:
            async with call.db.transaction(readonly=True) as tx:
                assert tx.at >= call.at
            for number in range(int(request.cursor or 0) + 1, self.last + 1):
                yield journeys.WatchJourneyResponse(cursor=str(number))
            await self.go_on.wait()
        finally:
            self.open -= 1


class _Watching:
    """The one method of JourneyService that streams, as a service of its own."""

    full_name = "city.governance.v1.JourneyService"
    methods = tuple(m for m in journeys.DESCRIPTOR.services_by_name["JourneyService"].methods if m.server_streaming)


@dataclass
class Toy:
    """A running toy app."""

    db: Database
    feed: Feed = field(default_factory=Feed)
    policy: list[PolicyActivated | None] = field(default_factory=lambda: [PolicyActivated(name="city", version=1, cedar=PERMIT_ALL)])
    operations: Operations = field(default_factory=Operations)
    journeys: Journeys = field(default_factory=Journeys)
    denials: Denials = field(default_factory=lambda: Denials("governance"))
    port: int = 0
    server: Any = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def token(self, subject: str = "person:ann", *, kind: str = "person", creator: str = "", roles: tuple[str, ...] = ("operator",), **claims: Any) -> str:
        now = datetime.now(UTC)
        caller = Caller(subject=subject, kind=kind, creator=creator, roles=frozenset(roles))  # type: ignore[arg-type]
        given: dict[str, Any] = {"audience": "governance", "jti": new_id(), "issued_at": now, "expires_at": now + timedelta(minutes=15)} | claims
        return mint(Claims(caller=caller, **given), KEY, "k1")

    async def channel(self, token: str | None = None, **headers: str) -> Any:
        metadata = [("authorization", f"Bearer {token}")] if token else []
        metadata += [(name.replace("_", "-"), value) for name, value in headers.items()]
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", interceptors=[_With(metadata), _StreamWith(metadata)])
        await self.stack.enter_async_context(channel)
        return channel

    async def operator(self) -> Any:
        return OperationsServiceStub(await self.channel(self.token()))

    async def holds(self, token: str | None, **headers: str) -> Any:
        return HoldsServiceStub(await self.channel(token, **headers))

    async def watching(self, token: str) -> Any:
        return JourneyServiceStub(await self.channel(token))

    async def rows(self) -> int:
        async with self.db.transaction(readonly=True) as tx:
            return int(await tx.value("select count(*) from toy"))


def _with(details: Any, metadata: list[tuple[str, str]]) -> Any:
    return grpc.aio.ClientCallDetails(details.method, details.timeout, grpc.aio.Metadata(*metadata, *(details.metadata or ())), None, None)


class _With(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, metadata: list[tuple[str, str]]) -> None:
        self._metadata = metadata

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_with(client_call_details, self._metadata), request)


class _StreamWith(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, metadata: list[tuple[str, str]]) -> None:
        self._metadata = metadata

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_with(client_call_details, self._metadata), request)


@pytest.fixture
async def toy(make_database: Callable[[str], Awaitable[Database]]) -> AsyncIterator[Toy]:
    db = await make_database("toy")
    async with db.transaction() as tx:
        await tx.execute("create table toy (id text primary key, owner text not null)")
        await tx.execute("insert into toy (id, owner) values ('of acme', 'acme'), ('of ann', 'person:ann')")
    toy = Toy(db)
    async with serving(toy), toy.stack:
        yield toy


@asynccontextmanager
async def serving(toy: Toy, *, port: int = 0, oldest_stream: float = 900) -> AsyncIterator[Server]:
    """The toy's server; again on a port of before, where a test wants it to come back."""
    verifier = Verifier(FixedKeys({"k1": KEY.public_key()}), "governance", toy.feed)
    gate = Gate("governance", verifier, Policies(lambda: toy.policy[0]), toy.denials)
    answers = [
        Answers(holds.DESCRIPTOR.services_by_name["HoldsService"], Holds()),
        Answers(operations.DESCRIPTOR.services_by_name["OperationsService"], toy.operations),
        Answers(_Watching, toy.journeys),  # type: ignore[arg-type]
    ]
    async with Server("governance", answers, db=toy.db, gate=gate, port=port, oldest_stream=oldest_stream) as server:
        toy.port, toy.server = server.port, server
        yield server


Outcome = tuple[str, str]


async def outcome(call: Any) -> Outcome:
    """(code, reason) of a call; ("OK", "")."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name, refusal(error).reason
    return "OK", ""


LIST = "/city.operations.v1.OperationsService/ListDeadLetters"


REDRIVE = "/city.operations.v1.OperationsService/RedriveDeadLetter"


def redrive(request_id: str = "request-1", dead_letter: int = 1) -> RedriveDeadLetterRequest:
    return RedriveDeadLetterRequest(request_id=request_id, id=dead_letter)
