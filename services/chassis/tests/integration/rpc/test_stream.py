"""Server streams: their end, their cuts, and clients that go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from city.governance.v1.journey_service_pb2 import WatchJourneyRequest, WatchJourneyResponse
from stratapolis.chassis.rpc import stream
from stratapolis.chassis.rpc.client import refusal, watch

from services.chassis.tests.integration.rpc.conftest import Outcome, Toy, serving

ALL = ["1", "2", "3"]


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def drain(call: Any, seen: list[str]) -> Outcome:
    try:
        async for item in call:
            seen.append(item.cursor)  # noqa: PERF401 - what was seen is read meanwhile
    except grpc.aio.AioRpcError as error:
        return error.code().name, refusal(error).reason
    return "OK", ""


async def opened(toy: Toy, *, seen: list[str], **who: Any) -> asyncio.Task[Outcome]:
    stub = await toy.watching(toy.token(**({"roles": ()} | who)))
    task = asyncio.create_task(drain(stub.WatchJourney(WatchJourneyRequest(journey_id="j")), seen))
    await until(lambda: seen == ALL or task.done())
    return task


async def test_a_stream_gives_its_items_and_ends(toy: Toy) -> None:
    seen: list[str] = []
    task = await opened(toy, seen=seen)
    toy.journeys.go_on.set()
    assert await task == ("OK", "")
    assert seen == ALL


async def test_a_stream_is_cut_when_its_subject_is_revoked(toy: Toy) -> None:
    task = await opened(toy, seen=[])
    toy.feed.subjects.add("person:ann")
    async with asyncio.timeout(1.5):
        assert await task == ("UNAUTHENTICATED", "TOKEN_REVOKED")
    await until(lambda: toy.journeys.open == 0)


async def test_a_stream_ends_at_its_age(toy: Toy) -> None:
    async with serving(toy, oldest_stream=0.1):
        task = await opened(toy, seen=[])
        assert await task == ("UNAVAILABLE", "STREAM_ENDED")
    await until(lambda: toy.journeys.open == 0)


async def test_a_client_that_leaves_frees_its_stream(toy: Toy) -> None:
    task = await opened(toy, seen=[])
    task.cancel()
    await until(lambda: toy.journeys.open == 0)


async def test_more_streams_than_the_app_takes_are_refused(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.server._streams._most = 1
    first = await opened(toy, seen=[])
    assert await (await opened(toy, seen=[], subject="person:bob")) == ("RESOURCE_EXHAUSTED", "TOO_MANY_STREAMS")
    first.cancel()
    await until(lambda: toy.journeys.open == 0)
    toy.journeys.go_on.set()
    assert await (await opened(toy, seen=[])) == ("OK", "")


@pytest.mark.parametrize(
    ("who", "request_", "expected"),
    [
        ({"kind": "thing", "subject": "thing:1"}, WatchJourneyRequest(journey_id="j"), ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")),
        ({"audience": "policy"}, WatchJourneyRequest(journey_id="j"), ("UNAUTHENTICATED", "TOKEN_INVALID")),
        ({}, WatchJourneyRequest(journey_id="j", cursor="x"), ("INVALID_ARGUMENT", "INVALID_REQUEST")),
    ],
)
async def test_a_stream_is_refused_like_a_call(toy: Toy, who: dict[str, Any], request_: WatchJourneyRequest, expected: Outcome) -> None:
    stub = await toy.watching(toy.token(**({"roles": ()} | who)))
    assert await drain(stub.WatchJourney(request_), []) == expected
    assert toy.journeys.open == 0


async def test_a_watch_goes_on_from_its_cursor_when_the_app_comes_back(toy: Toy) -> None:
    seen: list[str] = []

    async def look(stub: Any) -> None:
        def open_at(cursor: str) -> Any:
            return stub.WatchJourney(WatchJourneyRequest(journey_id="j", cursor=cursor))

        def cursor_of(item: WatchJourneyResponse) -> str:
            return item.cursor

        async for item in watch(open_at, cursor_of=cursor_of):
            seen.append(item.cursor)  # noqa: PERF401 - what was seen is read meanwhile

    async with serving(toy) as server:
        port = server.port
        looking = asyncio.create_task(look(await toy.watching(toy.token(roles=()))))
        await until(lambda: seen == ALL)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 3  # a stop ends streams at once
    toy.journeys.last = 5
    toy.journeys.go_on.set()
    async with serving(toy, port=port), asyncio.timeout(10):
        await looking
    assert seen == [*ALL, "4", "5"]


async def test_a_watch_that_is_refused_says_so(toy: Toy) -> None:
    stub = await toy.watching(toy.token(audience="policy"))
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        async for _ in watch(lambda at: stub.WatchJourney(WatchJourneyRequest(journey_id="j", cursor=at)), cursor_of=lambda item: item.cursor):
            pass
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_the_age_of_a_stream_is_a_quarter_of_an_hour() -> None:
    assert stream.OLDEST == 15 * 60
