"""The same latencies with a history behind them: before, fill, after, in one city and one run.

What fills it is what the real code leaves. One journey goes live; every row and every record that it left, in every layer's database and
in every topic, is copied a hundred thousand times under ids of its own, with positions and inbox as if all had been heard. Observations go the whole
way: a million are written to the raw topic as the ingress writes them, and the running data layer takes them in.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Any

import asyncpg

from benchmarks import copies, intake, observations, town
from benchmarks.figure import Figure, quantile
from benchmarks.ground import until
from benchmarks.town import Town

JOURNEYS, OBSERVATIONS = 100_000, 1_000_000
ALONE, RATE, STEADY = 60, 10, 100
WARM = 40


async def run(*, journeys: int = JOURNEYS, seen: int = OBSERVATIONS) -> list[Figure]:
    """Latencies of an empty city and of the same city with a history."""
    async with town.town() as where:
        before = await latencies(where)
        await fill(where, journeys, seen)
        after = await latencies(where)
    told = f"{journeys:,} journeys and {seen:,} observations behind it"
    return [figure for name, value in after.items() for figure in compared(name, before[name], value, told)]


def compared(name: str, before: float, after: float, told: str) -> list[Figure]:
    """A latency in the empty city, and how much of it is left to say when there is a history."""
    change = 100 * (after / before - 1)
    return [
        Figure(f"{name}, empty city", before, "ms"),
        Figure(f"{name}, with a history", after, "ms", note=told),
        Figure(f"{name}, change", change, "%", "<= 20 %", change <= 20),
    ]


async def latencies(where: Town) -> dict[str, float]:
    """Journeys alone and at a rate that leaves room, proposed to live."""
    await town.alone(where, WARM)
    calm = town.took(await town.alone(where, ALONE))
    steady = town.took(await town.steadily(where, STEADY, RATE))
    return {
        "journey alone, p50": quantile(calm, 0.5),
        "journey alone, p90": quantile(calm, 0.9),
        f"journey at {RATE}/s, p50": quantile(steady, 0.5),
        f"journey at {RATE}/s, p90": quantile(steady, 0.9),
    }


async def fill(where: Town, journeys: int, seen: int) -> None:
    """The history. While rows and records are copied, no layer runs; what the copies need is looked after as autovacuum would have in the meantime."""
    city = where.city
    pattern, other = [await where.ended([(await where.propose()).journey_id]) for _ in range(2)]
    layers = [each.name for each in city.processes]
    dsns = {name: city.stores.postgres.dsn(name) for name in layers}
    await until(partial(quiet, dsns))
    for name in layers:
        await city.take_down(name)
    sys.stderr.write(f"copying a journey {journeys:,} times ...\n")
    copied = await copies.of_journey(pattern[0], other[0], dsns, city.at.kafka)
    for dsn in dsns.values():
        await copied.rows(dsn, journeys)
    await copied.records(city.at.kafka, journeys)
    for dsn in dsns.values():
        await copies.heard_all(dsn, city.at.kafka)
    await asyncio.gather(*(city.bring_back(name) for name in layers))
    if seen:
        await observe(where, seen)


async def observe(where: Town, seen: int) -> None:
    """A million observations through the running data layer."""
    sys.stderr.write(f"taking in {seen:,} observations ...\n")
    city = where.city
    await observations.fill(city.at.kafka, seen, 0)
    connection = await asyncpg.connect(city.stores.postgres.dsn("data"))
    try:
        await until(partial(taken_in, connection, seen), every=0.5)
        await connection.execute("vacuum analyze", timeout=600)
    finally:
        await connection.close()


async def taken_in(connection: Any, seen: int) -> bool:
    """Whether so many records are behind the data layer's positions."""
    return bool(await connection.fetchval(intake.BEHIND, intake.TOPIC) >= seen)


async def quiet(dsns: dict[str, str]) -> bool:
    """Whether everything that was said is published and heard: nothing in any outbox, and no position moves."""
    if await standing(dsns) != (seen := await standing(dsns)):
        return False
    await asyncio.sleep(0.5)
    return seen == await standing(dsns)


async def standing(dsns: dict[str, str]) -> list[tuple[object, ...]]:
    """How far each layer has said and heard."""
    found = []
    for dsn in dsns.values():
        connection = await asyncpg.connect(dsn)
        try:
            found.append(
                tuple(
                    await connection.fetchrow(
                        "select (select count(*) from outbox), (select count(*) from outbox where published_at is null), (select sum(next) from position)"
                    )
                )
            )
        finally:
            await connection.close()
    return found
