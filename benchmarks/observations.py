"""Observations from Kafka to PostgreSQL: what the data layer runs against a bare consume-and-COPY loop, and a kill -9 in its middle."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from city.connectivity.v1.observations_pb2 import ThingObserved
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.db import Database
from stratapolis.chassis.raw_producer import RawProducer

from benchmarks import intake
from benchmarks.figure import Figure, side_by_side
from benchmarks.ground import ROOT, Ground, database, stores, until

THINGS, PROPERTIES = 500, {"pm25": "ug/m3", "temperature": "Cel"}
DISTINCT, DOUBLED = 150_000, 1_500
ROUNDS = 3
FEED = """
    with p as (
        insert into product (name, owner, title, classification, properties, zone, state, created_at)
        values ('air', 'bench', 'Air', 'open', '{"pm25": "ug/m3"}', 'Europe/Berlin', 'published', now()) returning name
    )
    insert into indicator_feed (feed_id, product, property, framework, code, measure, unit, created_at)
    select 'feed', name, 'pm25', 'city', 'pm25', 'mean', 'ug/m3', now() from p"""


async def run(*, distinct: int = DISTINCT, doubled: int = DOUBLED, rounds: int = ROUNDS) -> list[Figure]:
    """Both sides on one topic, alternating; then one of ours that is killed when it has a third."""
    async with stores() as running:
        return await measure(running, distinct, doubled, rounds)


async def measure(running: Ground, distinct: int, doubled: int, rounds: int) -> list[Figure]:
    """On these stores."""
    await fill(running.kafka.bootstrap, distinct, doubled)
    there = distinct + doubled
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        async with city_data(running) as (db, dsn):
            mine.append(there / await timed("ours", dsn, running, there))
            await exactly(db, distinct, doubled)
        async with city_data(running) as (db, dsn):
            async with db.transaction() as tx:
                await tx.execute(intake.BARE_TABLE)
            theirs.append(there / await timed("bare", dsn, running, there))
    await killed(running, distinct, doubled)  # raises unless it is exactly that
    return [
        *side_by_side("observations, Kafka to PostgreSQL, deduplicated, durable", mine, theirs, 50),
        Figure("observations after kill -9 in the middle", distinct, "rows", f"exactly {distinct}", met=True),
    ]


async def fill(bootstrap: str, distinct: int, doubled: int) -> None:
    """Write the topic as the ingress does: each thing's readings in order, a minute apart; some come twice."""
    async with RawProducer("connectivity", bootstrap) as producer:
        numbers = [*range(distinct), *range(doubled)]
        for first in range(0, len(numbers), 1000):
            await producer.send([observed(n) for n in numbers[first : first + 1000]])


def observed(n: int) -> ThingObserved:
    """Reading n: every thing and property in turn, a minute later each round."""
    prop, unit = list(PROPERTIES.items())[n % len(PROPERTIES)]
    turn, thing = divmod(n // len(PROPERTIES), THINGS)
    at = Timestamp(seconds=int((datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=turn)).timestamp()))
    return ThingObserved(thing=f"thing-{thing:04}", owner="bench", property=prop, value=f"{n % 997 / 10}", unit=unit, observed_time=at)


@asynccontextmanager
async def city_data(running: Ground) -> AsyncIterator[tuple[Database, str]]:
    """The data layer's database with a product of the things and an indicator that it feeds."""
    async with database(running, "data") as db:
        async with db.transaction() as tx:
            await tx.execute(FEED)
        yield db, running.postgres.dsn("bench_data", "bench_data")


async def started(side: str, dsn: str, running: Ground, there: int) -> asyncio.subprocess.Process:
    """One side in a process of its own."""
    command = (sys.executable, "-m", "benchmarks.intake", side, dsn, running.kafka.bootstrap, str(there))
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)


async def timed(side: str, dsn: str, running: Ground, there: int) -> float:
    """Seconds that a side took, as it says."""
    process = await started(side, dsn, running, there)
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the side {side!r} ended with {process.returncode}")
    return float(said.split()[-1])


async def killed(running: Ground, distinct: int, doubled: int) -> None:
    """kill -9 when a third is in; what comes after it begins where the database says."""
    there = distinct + doubled
    async with city_data(running) as (db, dsn):
        process = await started("ours", dsn, running, there)
        await until(partial(intake.taken_in, db, there // 3))
        process.kill()
        await process.wait()
        if await intake.taken_in(db, there):
            raise RuntimeError("it was killed too late to show anything")
        await timed("ours", dsn, running, there)
        await exactly(db, distinct, doubled)


async def exactly(db: Database, distinct: int, doubled: int) -> None:
    """Every observation once, every double counted."""
    async with db.transaction() as tx:
        rows = await tx.value("select count(*) from observation")
        counted = await tx.row("select sum(accepted)::bigint as accepted, sum(duplicates)::bigint as duplicates from intake")
    found = (rows, counted["accepted"], counted["duplicates"]) if counted else ()
    if found != (distinct, distinct, doubled):
        raise RuntimeError(f"rows, accepted, duplicates are {found}, not {(distinct, distinct, doubled)}")
