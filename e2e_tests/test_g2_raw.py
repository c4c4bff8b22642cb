"""G2 and G3 for raw streams: what the ingress accepted is in the database, each observation once, though data is killed while it takes it in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity

from e2e_tests.conftest import Town
from e2e_tests.observing import BATCH, REFUSED, ROWS, TAKEN, a_counter, post, readings

THINGS, BATCHES = 3, 10
SENT = THINGS * BATCHES * BATCH
AGAIN_AT = 4
"""The batch that every thing posts a second time."""


@pytest.mark.slow
async def test_g2_exactly_the_observations_that_were_accepted_are_there_after_kills_of_data_in_the_middle(town: Town) -> None:
    things = [await a_counter(town, f"counter {number}") for number in range(THINGS)]
    names = [thing.subject for thing in things]
    before = (await town.rows("data", TAKEN))[0]
    rows: list[int] = []

    async def at_least(number: int) -> bool:
        rows.append((await town.rows("data", ROWS, names))[0]["n"])
        return rows[-1] >= number

    armed = town.arm("data", "after-effect-before-commit")
    async with asyncio.TaskGroup() as group:
        for thing in things:
            group.create_task(_post(town, thing))
        await town.died(armed, within=60)
        await town.city.until_ready("data")
        await until(partial(at_least, SENT // 5), "a fifth of the observations", within=60, every=0.01)
        await town.city.kill("data")
    assert SENT // 5 <= rows[-1] < SENT, "it was not killed in the middle"
    await town.city.until_ready("data")
    await until(partial(at_least, SENT), "all observations", within=60)
    assert (await town.rows("data", ROWS, names))[0]["n"] == SENT
    assert await town.rows("data", REFUSED, names) == []

    async def all_counted() -> bool:
        now = (await town.rows("data", TAKEN))[0]
        return (now["accepted"] - before["accepted"], now["duplicates"] - before["duplicates"]) == (SENT, THINGS * BATCH)

    await until(all_counted, "the doubles to be counted", within=30)


async def _post(town: Town, thing: Identity) -> None:
    """Post every batch, one of them twice."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
        for number in [*range(BATCHES), AGAIN_AT]:
            assert await post(town, client, thing, readings(first, number))
