"""A topic of which a layer can apply nothing: the layer pauses it, says so everywhere, lives on, and hears it again when an operator says so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import httpx
import pytest
from city.journey.v1 import journey_pb2 as shared
from city.operations.v1.operations_service_pb2 import DeadLetter, DiscardDeadLetterRequest, ListDeadLettersRequest
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from city.operations.v1.pause_service_pb2 import ListPausedTopicsRequest, ResumeTopicRequest
from city.operations.v1.pause_service_pb2_grpc import PauseServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.pausing import STREAK
from stratapolis.chassis.relay import make_producer
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli.local.city import until
from stratapolis.cli.main import app
from typer.testing import CliRunner

from e2e_tests.conftest import Town

LAYER, TOPIC = "governance", "city.value_catalog.v1"
ALSO = "innovation"
"""Hears the topic too."""
BAD = 2 * (STREAK + 20)
"""Enough for each of governance's two replicas: how the last events ended each remembers by itself."""


async def command(town: Town, *words: str, layer: str = LAYER) -> Any:
    """What a `city dead-letters` command answers to the officer, as data."""
    every = ["dead-letters", *words, "--layer", layer, "--folder", str(town.city.folder), "--as", "officer", "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, app, every)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def paused(town: Town, layer: str = LAYER) -> list[str]:
    """The topics that a layer has paused, as the command says."""
    return [each["topic"] for each in (await command(town, "paused", layer=layer))["pausedTopics"]]


async def health(town: Town, what: str) -> tuple[int, list[str]]:
    """What governance says of itself."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://{town.city.http_of(LAYER)}/health/{what}")
    return answer.status_code, answer.json()["paused"]


async def test_g7_a_topic_of_nothing_but_poison_is_paused_until_an_operator_lets_it_by(town: Town) -> None:
    producer = make_producer(town.city.stores.kafka.bootstrap, "poisoner")
    await producer.start()
    try:
        for _ in range(BAD):
            await producer.send(TOPIC, b"\xff\xff", new_id().encode())
        await producer.flush()
    finally:
        await producer.stop()

    async def is_paused() -> bool:
        return TOPIC in await paused(town)

    try:
        await until(is_paused, "governance to pause the topic", within=30)
        assert await health(town, "live") == (200, [TOPIC])
        assert await health(town, "ready") == (200, [TOPIC])
        journey = await town.propose()
        assert journey.state == shared.JOURNEY_STATE_CLEARING, "it answers calls"
    finally:
        await command(town, "resume", TOPIC, "--let-by", str(BAD))
    assert (await town.ended([journey.journey_id]))[journey.journey_id].state == shared.JOURNEY_STATE_LIVE
    assert await paused(town) == []
    await _cleared(town, LAYER)

    async def other_is_paused() -> bool:
        return TOPIC in await paused(town, ALSO)

    await until(other_is_paused, f"{ALSO} to pause the topic", within=30)
    await command(town, "resume", TOPIC, "--let-by", str(BAD), layer=ALSO)
    await _cleared(town, ALSO)


async def _cleared(town: Town, layer: str) -> None:
    """Every one is a dead letter, and given up."""
    stub = town.city.stub(OperationsServiceStub, layer)
    letters: list[DeadLetter] = []

    async def all_buried() -> bool:
        letters[:] = [one for one in (await stub.ListDeadLetters(ListDeadLettersRequest(page_size=500))).dead_letters if one.topic == TOPIC]
        return len(letters) == BAD

    await until(all_buried, "every one to be a dead letter", within=30)
    for letter in letters:
        await stub.DiscardDeadLetter(DiscardDeadLetterRequest(request_id=new_id(), id=letter.id, reason="a test's own poison"))


async def test_pauses_are_for_operators_and_what_is_heard_is_not_resumed(town: Town) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as not_paused:
        await town.city.stub(PauseServiceStub, LAYER).ResumeTopic(ResumeTopicRequest(request_id=new_id(), topic=TOPIC))
    assert refusal(not_paused.value).reason == "TOPIC_NOT_PAUSED"
    stranger = town.city.stub(PauseServiceStub, LAYER, as_=town.creator.founder)
    for call in (stranger.ListPausedTopics(ListPausedTopicsRequest()), stranger.ResumeTopic(ResumeTopicRequest(request_id=new_id(), topic=TOPIC))):
        with pytest.raises(grpc.aio.AioRpcError) as denied:
            await call
        assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED
