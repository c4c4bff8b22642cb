"""Unary calls against a real server and database: each way to be refused, and that nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
import pytest
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.operations.v1.operations_service_pb2 import (
    DiscardDeadLetterRequest,
    GetDeadLetterRequest,
    ListDeadLettersRequest,
    RedriveDeadLetterRequest,
    RedriveDeadLetterResponse,
)
from city.policy.v1.policies_pb2 import PolicyActivated
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from prometheus_client import REGISTRY
from stratapolis.chassis.errors import InvalidField, Kind, Permanent, Refused, Transient
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.status import CODES

from services.chassis.tests.integration.rpc.conftest import Toy, outcome

LIST = "/city.operations.v1.OperationsService/ListDeadLetters"
REDRIVE = "/city.operations.v1.OperationsService/RedriveDeadLetter"


def redrive(request_id: str = "request-1", dead_letter: int = 1) -> RedriveDeadLetterRequest:
    return RedriveDeadLetterRequest(request_id=request_id, id=dead_letter)


async def raw(toy: Toy, path: str, body: bytes) -> Any:
    return (await toy.channel(toy.token())).unary_unary(path)(body, timeout=5)


async def test_a_call_is_answered_in_one_transaction(toy: Toy) -> None:
    answer = await (await toy.operator()).RedriveDeadLetter(redrive(), timeout=5)
    assert answer.applied == 3 == await toy.rows()


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x1a\x02\xff\xfe", b"\x08"], ids=["garbage", "not UTF-8", "cut"])
async def test_g12_unreadable_bytes_are_the_clients_error(toy: Toy, body: bytes) -> None:
    assert await outcome(await raw(toy, LIST, body)) == ("INVALID_ARGUMENT", "UNREADABLE")


async def test_a_call_without_a_deadline_is_refused(toy: Toy) -> None:
    stub = await toy.operator()
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest())) == ("INVALID_ARGUMENT", "NO_DEADLINE")


async def test_every_broken_rule_is_named(toy: Toy) -> None:
    stub = await toy.operator()
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.DiscardDeadLetter(DiscardDeadLetterRequest(request_id="x", id=0, reason="a"), timeout=5)
    status = Status.FromString(dict(failed.value.trailing_metadata())["grpc-status-details-bin"])
    info, fields = ErrorInfo(), BadRequest()
    assert status.details[0].Unpack(info) and status.details[1].Unpack(fields)
    assert (status.code, info.reason, info.domain) == (3, "INVALID_REQUEST", "city.governance")
    assert [f.field for f in fields.field_violations] == ["request_id", "id", "reason"]


async def test_a_nul_in_a_text_is_refused_before_the_database_sees_it(toy: Toy) -> None:
    stub = await toy.operator()
    request = DiscardDeadLetterRequest(request_id="request-1", id=1, reason="a\0bc")
    assert await outcome(stub.DiscardDeadLetter(request, timeout=5)) == ("INVALID_ARGUMENT", "INVALID_REQUEST")


@pytest.mark.parametrize(("path", "code"), [(LIST, "RESOURCE_EXHAUSTED"), ("/city.operations.v1.OperationsService/Nothing", "UNIMPLEMENTED")])
async def test_a_message_too_large_and_an_unknown_method_are_refused(toy: Toy, path: str, code: str) -> None:
    assert (await outcome(await raw(toy, path, b"\x1a" + b"\x80\x80\x80\x01" + b"a" * (1 << 21))))[0] == code


NOW = datetime.now(UTC)
TOKENS: dict[str, tuple[Callable[[Toy], str | None], tuple[str, str]]] = {
    "none": (lambda _: None, ("UNAUTHENTICATED", "NO_TOKEN")),
    "damaged": (lambda toy: toy.token()[:-5], ("UNAUTHENTICATED", "TOKEN_INVALID")),
    "wrong audience": (lambda toy: toy.token(audience="policy"), ("UNAUTHENTICATED", "TOKEN_INVALID")),
    "expired": (lambda toy: toy.token(issued_at=NOW - timedelta(hours=1), expires_at=NOW - timedelta(minutes=1)), ("UNAUTHENTICATED", "TOKEN_EXPIRED")),
    "revoked": (lambda toy: toy.token("person:gone"), ("UNAUTHENTICATED", "TOKEN_REVOKED")),
    "wrong role": (lambda toy: toy.token(roles=("officer",)), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
    "no role": (lambda toy: toy.token(roles=()), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
    "a layer where roles are asked": (lambda toy: toy.token("layer:policy", kind="layer", roles=()), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
    "right": (lambda toy: toy.token(), ("OK", "")),
}


@pytest.mark.parametrize(("make", "expected"), TOKENS.values(), ids=TOKENS.keys())
async def test_g11_only_the_right_token_is_let_in(toy: Toy, make: Callable[[Toy], str | None], expected: tuple[str, str]) -> None:
    toy.feed.subjects.add("person:gone")
    channel = await toy.channel(make(toy))
    call = channel.unary_unary(REDRIVE, RedriveDeadLetterRequest.SerializeToString, RedriveDeadLetterResponse.FromString)
    assert await outcome(call(redrive(), timeout=5)) == expected
    assert await toy.rows() == (3 if expected[0] == "OK" else 2)


async def test_a_silent_feed_stops_an_operator(toy: Toy) -> None:
    toy.feed.silence = timedelta(seconds=31)
    stub = await toy.operator()
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("UNAVAILABLE", "FEED_SILENT")
    toy.feed.silence = timedelta(seconds=1)
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("OK", "")


SEEN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a person its own": ({"roles": ()}, {"of ann"}),
    "a member its own and its creator's": ({"roles": (), "creator": "acme"}, {"of ann", "of acme"}),
    "a system its creator's": ({"roles": (), "subject": "system:1", "kind": "system", "creator": "acme"}, {"of acme"}),
    "another person nothing": ({"roles": (), "subject": "person:bob"}, set()),
    "an officer all": ({"roles": ("officer",), "subject": "person:bob"}, {"of ann", "of acme"}),
    "a layer all": ({"roles": (), "subject": "layer:policy", "kind": "layer"}, {"of ann", "of acme"}),
}


@pytest.mark.parametrize(("who", "seen"), SEEN.values(), ids=SEEN.keys())
async def test_g11_owners_see_their_rows(toy: Toy, who: dict[str, Any], seen: set[str]) -> None:
    answer = await (await toy.holds(toy.token(**who))).ListHolds(ListHoldsRequest(), timeout=5)
    assert {hold.journey_id for hold in answer.holds} == seen


async def test_g11_another_owners_row_looks_like_one_that_is_not_there(toy: Toy) -> None:
    stub = await toy.holds(toy.token("person:bob", roles=()))
    refusals = []
    for wanted in ("of acme", "of nobody"):
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub.ListHolds(ListHoldsRequest(journey_id=wanted), timeout=5)
        refusals.append((failed.value.code(), failed.value.details(), tuple(failed.value.trailing_metadata())))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] is grpc.StatusCode.NOT_FOUND


async def test_a_layer_on_behalf_of_a_person_sees_the_persons_rows(toy: Toy) -> None:
    layer = toy.token("layer:policy", kind="layer", roles=())
    user = toy.token("person:ann", roles=(), audience="policy")
    answer = await (await toy.holds(layer, x_on_behalf_of=user)).ListHolds(ListHoldsRequest(), timeout=5)
    assert {hold.journey_id for hold in answer.holds} == {"of ann"}


@pytest.mark.parametrize(
    ("own", "behind", "expected"),
    [
        ({"roles": ()}, {}, ("PERMISSION_DENIED", "NOT_ON_BEHALF")),
        ({"subject": "layer:policy", "kind": "layer"}, {"audience": "data"}, ("UNAUTHENTICATED", "TOKEN_INVALID")),
        ({"subject": "layer:policy", "kind": "layer"}, {"subject": "person:gone"}, ("UNAUTHENTICATED", "TOKEN_REVOKED")),
    ],
)
async def test_on_behalf_is_for_layers_and_tokens_they_were_given(toy: Toy, own: dict[str, Any], behind: dict[str, Any], expected: tuple[str, str]) -> None:
    toy.feed.subjects.add("person:gone")
    stub = await toy.holds(toy.token(**own), x_on_behalf_of=toy.token(**behind))
    assert await outcome(stub.ListHolds(ListHoldsRequest(), timeout=5)) == expected


async def test_a_policy_that_forbids_is_felt_and_named(toy: Toy) -> None:
    stub = await toy.operator()
    await stub.RedriveDeadLetter(redrive("request-0"), timeout=5)
    toy.policy[0] = PolicyActivated(
        name="city", version=2, cedar='@id("all") permit(principal,action,resource); @id("no-writes") forbid(principal, action in Action::"write", resource);'
    )
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.RedriveDeadLetter(redrive(), timeout=5)
    refused = refusal(failed.value)
    assert (refused.reason, refused.kind, refused.details) == ("DENIED_BY_POLICY", Kind.DENIED, {"policy": "no-writes", "version": "2"})
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("OK", "")


async def test_without_a_policy_only_layers_go_on(toy: Toy) -> None:
    toy.policy[0] = None
    assert await outcome((await toy.operator()).ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("PERMISSION_DENIED", "NO_POLICY")
    layer = await toy.holds(toy.token("layer:policy", kind="layer", roles=()))
    assert await outcome(layer.ListHolds(ListHoldsRequest(), timeout=5)) == ("OK", "")


async def test_g8_fifty_at_once_have_one_effect_and_one_answer(toy: Toy) -> None:
    stub = await toy.operator()
    answers = await asyncio.gather(*(stub.RedriveDeadLetter(redrive(), timeout=20) for _ in range(50)))
    assert {answer.applied for answer in answers} == {3}
    assert await toy.rows() == 3


async def test_g8_the_same_id_with_another_body_is_refused(toy: Toy) -> None:
    stub = await toy.operator()
    await stub.RedriveDeadLetter(redrive(), timeout=5)
    assert await outcome(stub.RedriveDeadLetter(redrive(dead_letter=2), timeout=5)) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert await toy.rows() == 3


async def test_g8_another_subjects_id_is_another_id(toy: Toy) -> None:
    first = await toy.operator()
    await first.RedriveDeadLetter(redrive(), timeout=5)
    other = (await toy.channel(toy.token("person:bob"))).unary_unary(REDRIVE, RedriveDeadLetterRequest.SerializeToString, RedriveDeadLetterResponse.FromString)
    for _ in range(2):
        assert (await other(redrive(dead_letter=2), timeout=5)).applied == 4
        assert (await first.RedriveDeadLetter(redrive(), timeout=5)).applied == 3


async def test_g8_a_refused_call_leaves_its_id_free(toy: Toy) -> None:
    async def refuse(request: Any, call: Call) -> None:
        raise InvalidField("id", "not now")

    stub = await toy.operator()
    toy.operations.work = refuse
    assert await outcome(stub.RedriveDeadLetter(redrive(), timeout=5)) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    toy.operations.work = None
    assert (await stub.RedriveDeadLetter(redrive(), timeout=5)).applied == 3


async def test_a_read_cannot_write(toy: Toy) -> None:
    stub = await toy.operator()
    assert await outcome(stub.GetDeadLetter(GetDeadLetterRequest(id=1), timeout=5)) == ("INTERNAL", "INTERNAL")
    assert await toy.rows() == 2


def refused_as(kind: Kind) -> Refused:
    made: Refused = type("Toyed", (Refused,), {"kind": kind, "reason": f"TOY_{kind.name}"})("no", why="a toy")
    return made


@pytest.mark.parametrize("kind", Kind)
async def test_each_kind_of_refusal_has_its_status(toy: Toy, kind: Kind) -> None:
    async def refuse(request: Any, call: Call) -> None:
        raise refused_as(kind)

    toy.operations.work = refuse
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (await toy.operator()).RedriveDeadLetter(redrive(), timeout=5)
    refused = refusal(failed.value)
    assert failed.value.code() is CODES[kind][0]
    assert (refused.reason, refused.details, refused.kind) == (f"TOY_{kind.name}", {"why": "a toy"}, kind)
    assert await toy.rows() == 2


FAULTS = {
    "bug": (RuntimeError("secret text"), ("INTERNAL", "INTERNAL")),
    "permanent": (Permanent("secret text"), ("INTERNAL", "INTERNAL")),
    "peer": (Transient("secret text"), ("UNAVAILABLE", "PEER_AWAY")),
    "lock": (asyncpg.LockNotAvailableError("secret text"), ("UNAVAILABLE", "BUSY")),
    "server": (asyncpg.AdminShutdownError("secret text"), ("UNAVAILABLE", "DATABASE_AWAY")),
    "socket": (ConnectionResetError("secret text"), ("UNAVAILABLE", "DATABASE_AWAY")),
}


def unexpected(path: str) -> float:
    return REGISTRY.get_sample_value("city_rpc_unexpected_total", {"app": "governance", "rpc": path}) or 0.0


@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS.keys())
async def test_faults_tell_nothing_and_bugs_are_counted(toy: Toy, fault: Exception, expected: tuple[str, str]) -> None:
    async def fail(request: Any, call: Call) -> None:
        raise fault

    toy.operations.work = fail
    before = unexpected("city.operations.v1.OperationsService.RedriveDeadLetter")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (await toy.operator()).RedriveDeadLetter(redrive(), timeout=5)
    assert (failed.value.code().name, refusal(failed.value).reason) == expected
    assert "secret" not in repr(failed.value.trailing_metadata()) + str(failed.value.details())
    assert unexpected("city.operations.v1.OperationsService.RedriveDeadLetter") - before == (1 if expected[0] == "INTERNAL" else 0)


@pytest.mark.parametrize(("failures", "expected"), [(2, ("OK", "")), (3, ("UNAVAILABLE", "BUSY"))])
async def test_a_deadlock_is_tried_again_up_to_three_times(toy: Toy, failures: int, expected: tuple[str, str]) -> None:
    left = failures

    async def deadlock(request: Any, call: Call) -> None:
        nonlocal left
        if left:
            left -= 1
            raise asyncpg.DeadlockDetectedError("deadlock detected")

    toy.operations.work = deadlock
    assert await outcome((await toy.operator()).RedriveDeadLetter(redrive(), timeout=5)) == expected
    assert await toy.rows() == (3 if expected[0] == "OK" else 2)


async def test_g9_a_database_that_hangs_is_answered_within_the_deadline(toy: Toy) -> None:
    async def hang(request: Any, call: Call) -> None:
        await call.tx.execute("select pg_sleep(4)")

    toy.operations.work = hang
    began = asyncio.get_running_loop().time()
    assert await outcome((await toy.operator()).RedriveDeadLetter(redrive(), timeout=1)) == ("UNAVAILABLE", "DATABASE_AWAY")
    assert asyncio.get_running_loop().time() - began < 1
    assert await toy.rows() == 2


async def test_a_call_given_up_by_its_client_leaves_nothing(toy: Toy) -> None:
    inside, gone = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, call: Call) -> None:
        inside.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    toy.operations.work = wait
    call = (await toy.operator()).RedriveDeadLetter(redrive(), timeout=30)
    async with asyncio.timeout(5):
        running = asyncio.create_task(outcome(call))
        await inside.wait()
        call.cancel()
        await gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await running
    toy.operations.work = None
    assert (await (await toy.operator()).RedriveDeadLetter(redrive(), timeout=5)).applied == 3


async def test_every_outcome_is_counted(toy: Toy) -> None:
    def seen(code: str) -> float:
        labels = {"app": "governance", "rpc": "city.operations.v1.OperationsService.ListDeadLetters", "code": code}
        return REGISTRY.get_sample_value("city_rpc_total", labels) or 0.0

    before = {code: seen(code) for code in ("OK", "INVALID_ARGUMENT")}
    stub = await toy.operator()
    await stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)
    await outcome(stub.ListDeadLetters(ListDeadLettersRequest(page_size=501), timeout=5))
    assert {code: seen(code) - before[code] for code in before} == {"OK": 1, "INVALID_ARGUMENT": 1}


async def test_an_answer_too_large_is_refused_and_undone(toy: Toy) -> None:
    stub = await toy.operator()
    toy.operations.answer = "x" * (1 << 20)
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("RESOURCE_EXHAUSTED", "ANSWER_TOO_LARGE")
    toy.operations.answer = "x" * (1 << 19)
    assert await outcome(stub.ListDeadLetters(ListDeadLettersRequest(), timeout=5)) == ("OK", "")
