"""The promises of docs/architecture.md, by their ids, on a whole city that is hurt on purpose."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from itertools import product
from typing import Any

import asyncpg
import grpc
import pytest
from city.governance.v1.journey_service_pb2 import ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1 import journey_pb2 as shared
from stratapolis.chassis.crash import POINTS
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli.local.city import until

from e2e_tests import shapes
from e2e_tests.conftest import Town

KILLED = ("governance", "policy", "data", "connectivity", "infrastructure", "value_catalog")
LAYERS = (*KILLED, "innovation")
"""Innovation has no part in journeys: G1 has no point in it to kill it at."""
JOURNEYS = 200
SEED = 20261124


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_g1_every_journey_ends_once_though_every_layer_is_killed_at_every_point(town: Town) -> None:
    rng = random.Random(SEED)
    kills: Counter[tuple[str, str]] = Counter()
    plan = list(product(KILLED, POINTS))
    rng.shuffle(plan)
    ids: list[str] = []
    for layer, point in plan:
        armed = town.arm(layer, point)
        wave = await asyncio.gather(*(town.propose() for _ in range(JOURNEYS // len(plan) + 1)))
        ids += [journey.journey_id for journey in wave]

        async def died(armed: object = armed) -> bool:
            return not armed.exists()  # type: ignore[attr-defined]

        await until(died, f"{layer} to die at {point}", within=30)
        kills[layer, point] += 1
        await town.city.until_ready(layer)
    ended = await town.ended(ids, within=120)
    print(f"\nkills by layer and point, seed {SEED}: {dict(kills)}")
    assert len(ids) >= JOURNEYS
    assert set(kills) == set(plan)
    assert Counter(shared.JourneyState.Name(j.state) for j in ended.values()) == {"JOURNEY_STATE_LIVE": len(ids)}
    await _published_once(town, ids)


async def _published_once(town: Town, ids: list[str]) -> None:
    """G4, G5: one end a journey, and every layer has applied all there is, in order, with no dead letter."""
    outbox = await _rows(town, "governance", "select headers->>'ce_correlation' as journey, headers->>'ce_type' as type from outbox")
    ends = Counter(row["journey"] for row in outbox if row["type"] == "city.governance.v1.JourneyEnded")
    assert all(ends[journey] == 1 for journey in ids)
    for layer in KILLED:
        assert await _rows(town, layer, "select id, error from dead_letter") == []
        assert await _rows(town, layer, "select key from inbox where parked") == []
    said = {r["key"]: r["last"] for r in await _rows(town, "governance", "select key, last from outbox_sequence where topic = 'city.governance.v1'")}

    async def applied() -> bool:
        for layer in set(KILLED) - {"governance"}:
            inbox = {r["key"]: r["last"] for r in await _rows(town, layer, "select key, last from inbox where topic = 'city.governance.v1'")}
            if inbox != said:
                return False
        return True

    await until(applied, "every layer to have applied all that governance said", within=30)


async def _rows(town: Town, layer: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(town.city.stores.postgres.dsn(layer))
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


async def test_g3_a_replay_of_everything_changes_nothing_and_says_nothing_new(town: Town) -> None:
    journey = await town.propose()
    await town.ended([journey.journey_id])
    for layer in LAYERS:
        stood = await _steady(town, layer)
        await town.city.take_down(layer)
        state, said = await _state(town, layer), await _said(town, layer)
        await _rows(town, layer, "update position set next = 0 returning next")
        await town.city.bring_back(layer)

        async def read_again(layer: str = layer, stood: int = stood) -> bool:
            return await _position(town, layer) >= stood

        await until(read_again, f"{layer} to have read everything again", within=30)
        assert await _state(town, layer) == state, layer
        assert await _said(town, layer) == said, layer


async def _position(town: Town, layer: str) -> int:
    return int((await _rows(town, layer, "select coalesce(sum(next), 0) as n from position"))[0]["n"])


async def _steady(town: Town, layer: str) -> int:
    """A layer's positions, once they have stopped to move."""
    seen: list[int] = []

    async def steady() -> bool:
        seen.append(await _position(town, layer))
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    await until(steady, f"{layer} to have read what there is", within=30)
    return seen[-1]


async def _said(town: Town, layer: str) -> int:
    """What a layer has said, but for the heartbeat of revocations."""
    return int((await _rows(town, layer, "select count(*) as n from outbox where headers->>'ce_type' not like '%.Revoked'"))[0]["n"])


async def _state(town: Town, layer: str) -> list[tuple[object, ...]]:
    """What a layer holds, and what it has applied."""
    holds = await _rows(town, layer, "select service_id, version, journey_id, state, held::text from hold order by 1, 2, 3")
    inbox = await _rows(town, layer, "select topic, key, last, parked::text from inbox order by 1, 2")
    return [tuple(row) for row in (*holds, *inbox)]


async def test_g8_fifty_retries_of_one_request_have_one_effect_and_one_answer(town: Town) -> None:
    stub = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder)
    asked = ProposeServiceRequest(request_id=new_id(), manifest_yaml=town.manifest())
    answers = await asyncio.gather(*(stub.ProposeService(asked) for _ in range(50)))
    assert len({a.journey.journey_id for a in answers}) == 1
    with pytest.raises(grpc.aio.AioRpcError) as other:
        await stub.ProposeService(ProposeServiceRequest(request_id=asked.request_id, manifest_yaml=town.manifest()))
    assert refusal(other.value).reason == "REQUEST_ID_REUSED"
    await town.ended([answers[0].journey.journey_id])


@pytest.mark.parametrize("store", ["kafka", "postgres"])
async def test_g9_a_store_that_freezes_hangs_no_call_and_all_goes_on_after_it(town: Town, store: str) -> None:
    pids = {layer: town.city.process(layer).pid for layer in LAYERS}
    town.city.freeze(store)
    stub = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder)
    try:
        async with asyncio.timeout(10):
            try:
                await stub.ProposeService(ProposeServiceRequest(request_id=new_id(), manifest_yaml=town.manifest()), timeout=3)
                assert store == "kafka"
            except grpc.aio.AioRpcError as error:
                assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)  # noqa: PT017 - either is bounded
    finally:
        town.city.thaw(store)
    journey = await town.propose()
    assert (await town.ended([journey.journey_id], within=30))[journey.journey_id].state == shared.JOURNEY_STATE_LIVE
    assert {layer: town.city.process(layer).pid for layer in LAYERS} == pids


async def test_g11_no_rpc_lets_anybody_in_without_a_token(town: Town) -> None:
    refused = Counter[str]()
    for rpc in shapes.rpcs():
        answer = await _call(town, rpc.full_name, shapes.valid(rpc.input_type).SerializeToString())
        if answer is not None:
            refused[answer.name] += 1
            assert answer is grpc.StatusCode.UNAUTHENTICATED, rpc.full_name
    assert refused["UNAUTHENTICATED"] >= 90


@pytest.mark.timeout(240)
async def test_g12_every_wrong_field_of_every_rpc_is_the_clients_error(town: Town) -> None:
    client = town.city.client()
    tokens = {layer: await client.token(layer) for layer in LAYERS}
    wrong = []
    for rpc in shapes.rpcs():
        for case in shapes.cases(rpc.input_type):
            if case.breaks:
                code = await _call(town, rpc.full_name, case.payload, tokens)
                if code not in (grpc.StatusCode.INVALID_ARGUMENT, None if rpc.server_streaming else grpc.StatusCode.INVALID_ARGUMENT):
                    wrong.append((rpc.full_name, case.name, code))
    assert wrong == []


async def _call(town: Town, full_name: str, payload: bytes, tokens: dict[str, str] | None = None) -> grpc.StatusCode | None:
    """The status of a call by the RPC's full name, sent as bytes; None when it was answered. Shared services are asked of governance."""
    service, _, method = full_name.rpartition(".")
    layer = service.split(".")[1]
    layer = layer if layer in LAYERS else "policy"
    metadata = (("authorization", f"Bearer {tokens[layer]}"),) if tokens else ()
    channel: Any = _CHANNELS.setdefault(town.city.at.grpc[layer][0], grpc.aio.insecure_channel(town.city.at.grpc[layer][0]))
    try:
        if "Watch" in method or "Stream" in method:
            async for _ in channel.unary_stream(f"/{service}/{method}")(payload, timeout=5, metadata=metadata):
                break
        else:
            await channel.unary_unary(f"/{service}/{method}")(payload, timeout=5, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return None


_CHANNELS: dict[str, grpc.aio.Channel] = {}
