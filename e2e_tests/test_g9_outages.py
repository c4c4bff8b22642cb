"""G9: a dependency's outage is bounded and heals by itself."""

from __future__ import annotations

import asyncio
import time

import grpc
import pytest
from city.journey.v1 import journey_pb2 as shared

from e2e_tests.conftest import AGAIN, PROCESSES, Town, patiently
from e2e_tests.reads import SECONDS, Call, a_proposal, reads

LATE = 1.5
"""How much later than its deadline a call's answer may be heard on a busy machine."""
RESUMED_WITHIN = 10.0


def calls(town: Town) -> dict[str, Call]:
    """A read of each layer, and a write of governance."""
    return reads(town) | {"a proposal": a_proposal(town)}


async def _bounded(name: str, call: Call) -> grpc.StatusCode | None:
    """A call's status, OK as None; it must come within its deadline, and be one that a client may retry."""
    began = time.monotonic()
    code = None
    try:
        async with asyncio.timeout(SECONDS + 3 * LATE):
            await call()
    except grpc.aio.AioRpcError as error:
        code = error.code()
        assert code in AGAIN, (name, error.details())  # noqa: PT017 - it need not be refused
    assert time.monotonic() - began < SECONDS + LATE, f"{name} was answered late"
    return code


async def _all_bounded(made: dict[str, Call]) -> dict[str, grpc.StatusCode | None]:
    """The statuses of calls made beside each other."""
    return dict(zip(made, await asyncio.gather(*(_bounded(name, call) for name, call in made.items())), strict=True))


async def _flows(town: Town, since: float) -> None:
    """A new journey goes live in time."""
    journey = await town.propose()
    ended = await town.ended([journey.journey_id], within=RESUMED_WITHIN)
    assert ended[journey.journey_id].state == shared.JOURNEY_STATE_LIVE
    assert time.monotonic() - since < RESUMED_WITHIN, "the flow resumed late"


async def _warm(made: dict[str, Call]) -> None:
    """Have tokens and channels: an outage is not of the moment a client begins."""
    await asyncio.gather(*(patiently(call) for call in made.values()))


@pytest.mark.parametrize("store", ["kafka", "postgres"])
@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_g9_a_store_that_is_away_hangs_no_call_and_all_goes_on_after_it(town: Town, store: str, how: str) -> None:
    made, pids = calls(town), {process: town.city.process(process).pid for process in PROCESSES}
    await _warm(made)
    under_way = [await town.propose() for _ in range(5)]
    if how == "frozen":
        town.city.freeze(store)
    else:
        await town.city.take_down(store, kill=True)
    try:
        answers = [await _all_bounded(made) for _ in range(2)]
    finally:
        if how == "frozen":
            town.city.thaw(store)
        else:
            await town.city.bring_back(store)
    back = time.monotonic()
    if store == "kafka":  # what is said waits in the outbox: no call needs the broker
        assert [code for answer in answers for code in answer.values() if code is not None] == []
    await _flows(town, back)
    ended = await town.ended([journey.journey_id for journey in under_way], within=30)
    assert {journey.state for journey in ended.values()} == {shared.JOURNEY_STATE_LIVE}
    assert {process: town.city.process(process).pid for process in PROCESSES} == pids


@pytest.mark.slow
async def test_g9_a_frozen_peer_hangs_no_call_of_others_and_all_goes_on_after_it(town: Town) -> None:
    made, pids = calls(town), {process: town.city.process(process).pid for process in PROCESSES}
    await _warm(made)
    began = time.monotonic()
    frozen = ["connectivity"]
    town.city.freeze("connectivity")
    try:
        answers = [await _all_bounded(made)]
        assert answers[0]["governance"] is None
        for process in ("governance", "governance-2"):
            town.city.freeze(process)
            frozen.append(process)
        while time.monotonic() - began < 30:
            answers.append(await _all_bounded(made))
    finally:
        for process in frozen:
            town.city.thaw(process)
    back = time.monotonic()
    assert all(answer["connectivity"] is not None for answer in answers), "it was not frozen"
    assert all(answer["governance"] is not None for answer in answers[1:]), "it was not frozen"
    await _flows(town, back)
    assert {process: town.city.process(process).pid for process in PROCESSES} == pids
