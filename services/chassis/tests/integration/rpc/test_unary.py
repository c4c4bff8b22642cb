"""Unary calls against a real server and database: each way to be refused, and that nothing is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import grpc
import pytest
from city.operations.v1.operations_service_pb2 import (
    DiscardDeadLetterRequest,
    GetDeadLetterRequest,
    ListDeadLettersRequest,
    RedriveDeadLetterRequest,
    RedriveDeadLetterResponse,
)
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from prometheus_client import REGISTRY
from stratapolis.chassis.errors import InvalidField, Kind, Permanent, Refused, Transient
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.status import CODES

from services.chassis.tests.integration.rpc.conftest import LIST, REDRIVE, Toy, outcome, redrive


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
