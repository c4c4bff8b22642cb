"""G2: an acknowledged write survives; one that was not acknowledged is wholly there or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from city.governance.v1.events_pb2 import MemberAdded
from city.governance.v1.value_creator_pb2 import MEMBER_ROLE_MEMBER
from city.governance.v1.value_creator_service_pb2 import AddMemberRequest
from city.governance.v1.value_creator_service_pb2_grpc import ValueCreatorServiceStub
from city.policy.v1.agreement_service_pb2 import CreateAgreementRequest, SignAgreementRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.policy.v1.events_pb2 import AgreementSigned
from city.types.v1.types_pb2 import Share
from city.value_catalog.v1.events_pb2 import RequestOpened
from city.value_catalog.v1.request_service_pb2 import OpenRequestRequest
from city.value_catalog.v1.request_service_pb2_grpc import RequestServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.local.city import until

from e2e_tests import states, wire
from e2e_tests.conftest import AGAIN, Creator, Town, patiently

WRITERS = 3
SENT, DONE, IN_HAND = 15, 10, 12
"""Between two kills: what is sent to each layer, what of it is acknowledged before the next one dies, and what is sent as that dies."""
KILLED = ("governance", "postgres", "policy", "value_catalog", "postgres")
SECONDS = 1.5
EVENTS: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "governance": (MemberAdded, lambda event: event.subject),
    "policy": (AgreementSigned, lambda event: event.agreement_id),
    "value_catalog": (RequestOpened, lambda event: event.case_id),
}
ROWS = {
    "governance": "select subject as id, subject like 'g2:%' as ours from member where subject like 'g2:%'",
    "policy": "select agreement_id as id, title like 'G2 %' as ours from agreement where signed_at is not null",
    "value_catalog": "select case_id as id, description like 'G2 %' as ours from service_case",
}
"""What has an event each, and whether this test wrote it."""
ANSWERED = "select request_id from idempotent_answer where answer is not null and request_id = any($1)"


@dataclass(slots=True)
class Writes:
    """What clients sent to one layer: by request, and what they were told."""

    sent: set[str] = field(default_factory=set)
    done: dict[str, str] = field(default_factory=dict)
    """By request_id, the id of what an acknowledged write made."""
    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @property
    def unknown(self) -> set[str]:
        """Requests without an answer."""
        return self.sent - set(self.done)

    def allow(self, number: int) -> None:
        """So many more may be sent."""
        for _ in range(number):
            self.allowed.release()

    async def one(self, request_id: str, write: Callable[[], Awaitable[str]]) -> None:
        """Send a write once."""
        self.sent.add(request_id)
        try:
            self.done[request_id] = await write()
        except grpc.aio.AioRpcError as error:
            if error.code() not in AGAIN:
                raise


async def test_g2_what_a_client_was_told_is_done_survives_the_layer_and_the_database(town: Town) -> None:
    founder = await town.city.enrol("Grace")
    creator = Creator(await town.city.creator("Steady Hands", founder), founder)
    service = (await town.propose(as_=founder)).journey_id
    service = (await town.ended([service]))[service].service_id
    await town.listed(service)
    writes = {layer: Writes() for layer in EVENTS}
    stopping = asyncio.Event()
    makers = {"governance": _members(town, creator), "policy": _agreements(town), "value_catalog": _requests(town, creator, service)}
    try:
        async with asyncio.TaskGroup() as group:
            for layer, maker in makers.items():
                for _ in range(WRITERS):
                    group.create_task(_write(writes[layer], maker, stopping))
            for name in KILLED:
                await _more(writes)
                for one in writes.values():
                    one.allow(IN_HAND)
                await town.city.kill(name)
                await town.city.until_ready(name)
            await _more(writes)
            stopping.set()
            for one in writes.values():
                one.allow(WRITERS)
    finally:
        await town.city.until_ready("postgres")
        await town.healthy()
    await states.at_rest(town, *EVENTS)
    print({layer: (len(one.sent), len(one.done)) for layer, one in writes.items()})
    assert any(one.unknown for one in writes.values()), "no call was cut off: the kills hit nothing"
    for layer, one in writes.items():
        await _agree(town, layer, one)


async def _agree(town: Town, layer: str, writes: Writes) -> None:
    """Rows, answers kept and events on the topic are of the same writes, and the acknowledged ones are among them."""
    rows = {row["id"]: row["ours"] for row in await town.rows(layer, ROWS[layer])}
    kind, named = EVENTS[layer]
    records = [r for r in await wire.read(town.city.at.kafka, f"city.{layer}.v1") if wire.header(r, "ce_type") == kind.DESCRIPTOR.full_name]
    said = [named(kind.FromString(record.value)) for record in records if wire.is_said(record)]
    told = {one for one in said if layer != "governance" or one.startswith("g2:")}
    answered = {row[0] for row in await town.rows(layer, ANSWERED, sorted(writes.sent))}
    assert set(writes.done.values()) - set(rows) == set(), f"{layer}: acknowledged, and not in the database"
    assert set(rows) == told, f"{layer}: rows and events are not of the same writes"
    assert sum(rows.values()) == len(answered), f"{layer}: a write was made by half"
    assert set(writes.done) - answered == set(), f"{layer}: acknowledged, and its answer forgotten"


async def _write(writes: Writes, maker: Callable[[str], Awaitable[str]], stopping: asyncio.Event) -> None:
    while True:
        await writes.allowed.acquire()
        if stopping.is_set():
            return
        request_id = new_id()
        await writes.one(request_id, lambda request_id=request_id: maker(request_id))  # type: ignore[misc]


async def _more(writes: dict[str, Writes]) -> None:
    """Until each layer has acknowledged some more; for those of a layer that is still coming back, which are cut off, others are sent."""
    stood = {layer: len(one.done) for layer, one in writes.items()}
    for one in writes.values():
        one.allow(SENT)

    async def written() -> bool:
        lacking = [one for layer, one in writes.items() if len(one.done) < stood[layer] + DONE]
        for one in lacking:
            one.allow(WRITERS if one.allowed.locked() else 0)
        return not lacking

    await until(written, "writes to be acknowledged", within=60)


def _members(town: Town, creator: Creator) -> Callable[[str], Awaitable[str]]:
    stub = town.city.stub(ValueCreatorServiceStub, "governance", as_=creator.founder)

    async def add(request_id: str) -> str:
        asked = AddMemberRequest(request_id=request_id, creator_id=creator.creator_id, subject=f"g2:{request_id}", roles=[MEMBER_ROLE_MEMBER])
        await stub.AddMember(asked, timeout=SECONDS)
        return asked.subject

    return add


def _agreements(town: Town) -> Callable[[str], Awaitable[str]]:
    stub = town.city.stub(AgreementServiceStub, "policy")

    async def sign(request_id: str) -> str:
        end = to_timestamp(datetime.now(UTC) + timedelta(days=9))
        made = CreateAgreementRequest(
            request_id=new_id(), title=f"G2 {request_id}", shares=[Share(party="city", basis_points=10_000)], currency="EUR", end_time=end
        )
        agreement = (await patiently(lambda: stub.CreateAgreement(made))).agreement
        await stub.SignAgreement(SignAgreementRequest(request_id=request_id, agreement_id=agreement.agreement_id, party="city"), timeout=SECONDS)
        return str(agreement.agreement_id)

    return sign


def _requests(town: Town, creator: Creator, service: str) -> Callable[[str], Awaitable[str]]:
    stub = town.city.stub(RequestServiceStub, "value_catalog", as_=creator.founder)

    async def ask(request_id: str) -> str:
        asked = OpenRequestRequest(request_id=request_id, service_id=service, description=f"G2 {request_id}")
        return str((await stub.OpenRequest(asked, timeout=SECONDS)).case.case_id)

    return ask
