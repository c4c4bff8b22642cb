"""What a server denies is said on the app's topic of denials: by whom, what, why and how often, and nothing of the request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from city.audit.v1.audit_pb2 import AccessDenied
from city.governance.v1.journey_service_pb2 import WatchJourneyRequest
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.operations.v1.operations_service_pb2 import ListDeadLettersRequest, RedriveDeadLetterRequest
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from stratapolis.chassis import denials
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.rpc import Call

from services.chassis.tests.integration.rpc.conftest import Toy, outcome, redrive
from services.chassis.tests.integration.rpc.test_admission import TOKENS

OPERATIONS = "city.operations.v1.OperationsService"
WHO = {"wrong audience": "person:ann", "expired": "person:ann", "revoked": "person:gone", "none": "", "damaged": ""}


@pytest.fixture(autouse=True)
def a_layer(toy: Toy) -> None:
    """The toy says what it denied as governance would."""
    toy.db.name = "governance"


async def said(toy: Toy) -> list[AccessDenied]:
    """What was told, out of the outbox."""
    await toy.denials.tell(toy.db, denials.say)
    async with toy.db.transaction() as tx:
        rows = await tx.fetch("delete from outbox where topic = 'city.governance.denials.v1' returning payload")
    return [AccessDenied.FromString(row["payload"]) for row in rows]


@pytest.mark.parametrize("name", TOKENS)
async def test_g11_every_denial_is_said_under_its_subject(toy: Toy, name: str) -> None:
    make, (code, reason) = TOKENS[name]
    toy.feed.subjects.add("person:gone")
    stub = OperationsServiceStub(await toy.channel(make(toy)))
    await outcome(stub.RedriveDeadLetter(redrive(), timeout=5))
    events = [(event.layer, event.rpc, event.reason, event.count) for event in await said(toy)]
    assert events == ([] if code == "OK" else [("governance", f"{OPERATIONS}.RedriveDeadLetter", reason, 1)])


@pytest.mark.parametrize(("name", "subject"), WHO.items())
async def test_a_token_that_lets_nobody_in_is_counted_under_whom_it_names(toy: Toy, name: str, subject: str) -> None:
    toy.feed.subjects.add("person:gone")
    stub = OperationsServiceStub(await toy.channel(TOKENS[name][0](toy)))
    await outcome(stub.RedriveDeadLetter(redrive(), timeout=5))
    assert [event.subject for event in await said(toy)] == [subject]


class NotYours(Refused):
    """A layer's own finer denial."""

    reason = "NOT_YOURS"
    kind = Kind.DENIED


async def test_what_a_layer_denies_itself_is_said_too_and_what_is_not_there_is_not(toy: Toy) -> None:
    async def work(request: Any, call: Call) -> None:
        raise NotYours("for another")

    toy.operations.work = work
    await outcome((await toy.operator()).ListDeadLetters(ListDeadLettersRequest(), timeout=5))
    await outcome((await toy.holds(toy.token("person:bob", roles=()))).ListHolds(ListHoldsRequest(journey_id="of acme"), timeout=5))
    assert [(event.subject, event.reason) for event in await said(toy)] == [("person:ann", "NOT_YOURS")]


async def test_a_stream_that_is_cut_by_a_revocation_is_said(toy: Toy) -> None:
    toy.journeys.last = 1
    stream = (await toy.watching(toy.token(roles=("officer",)))).WatchJourney(WatchJourneyRequest(journey_id="j"))
    await stream.read()
    toy.feed.subjects.add("person:ann")
    assert await outcome(stream.read()) == ("UNAUTHENTICATED", "TOKEN_REVOKED")
    assert [(event.subject, event.reason) for event in await said(toy)] == [("person:ann", "TOKEN_REVOKED")]


async def test_nothing_of_the_request_is_said(toy: Toy) -> None:
    stub = OperationsServiceStub(await toy.channel("secret-token"))
    request = RedriveDeadLetterRequest(request_id="secret-request", id=424242)
    await outcome(stub.RedriveDeadLetter(request, timeout=5))
    (event,) = await said(toy)
    assert b"secret" not in event.SerializeToString() and "424242" not in str(event)


async def test_a_flood_is_counted_and_leaves_a_handful_of_rows(toy: Toy) -> None:
    stub = OperationsServiceStub(await toy.channel(toy.token(roles=())))
    for _ in range(20):
        await asyncio.gather(*(outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=30)) for _ in range(50)))
    events = await said(toy)
    assert sum(event.count for event in events) == 1_000
    assert len(events) <= 30, "one for each second that it took"


async def test_what_is_left_is_said_when_the_app_stops(toy: Toy) -> None:
    stopping = asyncio.Event()
    telling = asyncio.create_task(toy.denials.run(toy.db, denials.say, stopping))
    toy.denials.note("rpc", "person:ann", "X")
    stopping.set()
    await asyncio.wait_for(telling, 10)
    async with toy.db.transaction() as tx:
        assert await tx.value("select count(*) from outbox where topic = 'city.governance.denials.v1'") == 1
