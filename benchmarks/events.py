"""Relay, backlog and hop: the chassis's own loops beside bare ones that do the same work without its promises."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from city.governance.v1.events_pb2 import ValueCreatorAccepted
from faststream.kafka import KafkaBroker
from stratapolis.chassis import collector, contract, envelope, outbox
from stratapolis.chassis.app import On
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.hearing import Hearing
from stratapolis.chassis.inbox import Inbox
from stratapolis.chassis.relay import MARK, UNPUBLISHED, Relay, make_producer

from benchmarks.figure import Figure, at_most, quantile, side_by_side
from benchmarks.ground import Ground, database, stores, until

TOPIC = "city.governance.v1"
HOPS_A_SECOND = 100
TABLE = (
    "create table thing (id text primary key, name text not null, changed int not null default 0); create table history (id text, name text, at timestamptz)"
)


async def run() -> list[Figure]:
    """All figures of events."""
    collector.settle()
    async with stores() as running:
        return [*await relay(running), *await backlog(running), *await hop(running)]


async def relay(running: Ground, *, events: int = 20_000, rounds: int = 3) -> list[Figure]:
    """Drain the outbox: the relay against the bare loop read, send, mark; alternating."""
    ours, bare = [], []
    async with database(running, "governance") as db:
        for _ in range(rounds):
            await fill(db, events)
            ours.append(events / await timed_relay(db, running))
            await fill(db, events)
            bare.append(events / await timed_bare_relay(running.postgres.dsn("bench_governance", "bench_governance"), running))
    return side_by_side("relay, events drained", ours, bare, 60)


async def fill(db: Database, count: int) -> None:
    """Say `count` events, 500 a transaction."""
    for first in range(0, count, 500):
        async with db.transaction() as tx:
            await outbox.append(tx, *(accepted(n) for n in range(first, first + 500)))


def accepted(n: int) -> ValueCreatorAccepted:
    """An event of one of a thousand keys."""
    return ValueCreatorAccepted(creator_id=f"creator-{n % 1000}", name=f"name {n}", kind="company", founding_subject="somebody")


async def timed_relay(db: Database, running: Ground) -> float:
    """Seconds the relay takes to publish and mark all there is."""
    stopping, began = asyncio.Event(), time.monotonic()
    task = asyncio.create_task(Relay("governance", db, running.kafka.bootstrap).run(stopping))
    await until(lambda: drained(db))
    seconds = time.monotonic() - began
    stopping.set()
    await task
    return seconds


async def drained(db: Database) -> bool:
    """Whether nothing is left to publish."""
    async with db.transaction() as tx:
        return not await tx.value("select exists(select from outbox where published_at is null)")


async def timed_bare_relay(dsn: str, running: Ground) -> float:
    """The same work without lock, wake-up, failure handling and metrics."""
    began = time.monotonic()
    producer = make_producer(running.kafka.bootstrap, "bare")
    await producer.start()
    connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "off"})
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=orjson.loads)
    while rows := await connection.fetch(UNPUBLISHED, 1000):
        futures = [await producer.send(r["topic"], r["payload"], r["key"].encode(), headers=envelope.wire(r["headers"])) for r in rows]
        said: dict[tuple[str, int], int] = {}
        for ack in await asyncio.gather(*futures):
            said[ack.topic, ack.partition] = max(said.get((ack.topic, ack.partition), 0), ack.offset + 1)
        topics, parts = [topic for topic, _ in said], [part for _, part in said]
        await connection.execute(MARK, [r["id"] for r in rows], topics, parts, list(said.values()))
    seconds = time.monotonic() - began
    await connection.close()
    await producer.stop()
    return seconds


async def effect(event: Any, *, tx: Tx, at: datetime) -> None:
    """Three queries: load for update, upsert, history."""
    await tx.row("select * from thing where id = $1 for update", event.creator_id)
    await tx.execute(
        "insert into thing (id, name) values ($1, $2) on conflict (id) do update set name = $2, changed = thing.changed + 1", event.creator_id, event.name
    )
    await tx.execute("insert into history values ($1, $2, $3)", event.creator_id, event.name, at)


@asynccontextmanager
async def ear(db: Database, running: Ground) -> AsyncIterator[None]:
    """An app's ear with that effect."""
    broker, stopping = KafkaBroker(running.kafka.bootstrap, logger=None), asyncio.Event()
    inbox = Inbox("policy", {"city.governance.v1.ValueCreatorAccepted": On(ValueCreatorAccepted, effect)})
    hearing = Hearing(broker, db, [TOPIC], app="policy", group="bench", apply=inbox.apply, bury=inbox.bury)
    await broker.start()
    task = asyncio.create_task(hearing.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task
        await broker.stop()


async def backlog(running: Ground, *, events: int = 12_000, rounds: int = 3) -> list[Figure]:
    """A backlog through one app at three queries an event, against a bare loop with the same queries in batches of 50."""
    async with database(running, "governance") as said:
        await fill(said, events)
        await timed_relay(said, running)
    ours, bare = [], []
    for _ in range(rounds):
        async with database(running, "policy") as db:
            await tables(db)
            began = time.monotonic()
            async with ear(db, running):
                await until(partial(heard, db, events), every=0.05)
                seconds = time.monotonic() - began
                ours.append(await positions(db) / seconds)
        async with database(running, "policy") as db:
            await tables(db)
            bare.append(await timed_bare_loop(db, running, events))
    return side_by_side("backlog, events applied", ours, bare, 60)


async def tables(db: Database) -> None:
    """The tables of the effect."""
    async with db.transaction() as tx:
        for statement in TABLE.split(";"):
            await tx.execute(statement)


async def heard(db: Database, wanted: int) -> bool:
    """Whether so many events are behind the positions."""
    return await positions(db) >= wanted


async def positions(db: Database) -> int:
    """How many events are behind the positions."""
    async with db.transaction(readonly=True) as tx:
        return int(await tx.value("select coalesce(sum(next), 0) from position"))


async def timed_bare_loop(db: Database, running: Ground, wanted: int) -> float:
    """Events a second of getmany, decode, three queries an event, one commit a batch; no inbox, no position, no order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=running.kafka.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    done, began = 0, time.monotonic()
    await consumer.start()
    consumer.assign(partitions())
    while done < wanted:
        got = await consumer.getmany(timeout_ms=1000, max_records=50)
        records = [record for found in got.values() for record in found]
        async with db.transaction() as tx:
            for record in records:
                await effect(ValueCreatorAccepted.FromString(record.value), tx=tx, at=tx.at)
        done += len(records)
    rate = done / (time.monotonic() - began)
    await consumer.stop()
    return rate


async def hop(running: Ground, *, events: int = 1_500) -> list[Figure]:
    """Commit in one app to commit of its effect in another, at 100 a second."""
    async with AsyncExitStack() as stack:
        said = await stack.enter_async_context(database(running, "governance"))
        heard = await stack.enter_async_context(database(running, "data"))
        await tables(heard)
        relaying, stopping = Relay("governance", said, running.kafka.bootstrap), asyncio.Event()
        said.on_said = relaying.wake
        task = asyncio.create_task(relaying.run(stopping))
        stack.push_async_callback(asyncio.wait_for, task, 10)
        stack.callback(stopping.set)
        arrived: dict[str, float] = {}
        await stack.enter_async_context(noting(heard, running, arrived))
        left = {}
        start = time.monotonic()
        for n in range(events):
            await asyncio.sleep(max(0.0, start + n / HOPS_A_SECOND - time.monotonic()))
            async with said.transaction() as tx:
                await outbox.append(tx, ValueCreatorAccepted(creator_id=f"hop-{n}", name="hop", kind="company", founding_subject="x"))
            left[f"hop-{n}"] = time.monotonic()
        await until(partial(all_there, arrived, events), 30)
    took = [1000 * (arrived[key] - left[key]) for key in left]
    return [at_most("hop at 100/s, p50", quantile(took, 0.5), "ms", 8), at_most("hop at 100/s, p99", quantile(took, 0.99), "ms", 30)]


async def all_there(arrived: dict[str, float], wanted: int) -> bool:
    """Whether every hop has arrived."""
    return len(arrived) >= wanted


@asynccontextmanager
async def noting(db: Database, running: Ground, arrived: dict[str, float]) -> AsyncIterator[None]:
    """An ear that notes when the transaction of each hop's effect was committed."""
    await behind_all(db, running)
    broker, stopping = KafkaBroker(running.kafka.bootstrap, logger=None), asyncio.Event()
    inbox = Inbox("data", {"city.governance.v1.ValueCreatorAccepted": On(ValueCreatorAccepted, effect)})

    class Noting(Hearing):
        async def _together(self, records: list[Any]) -> Any:
            failed = await super()._together(records)
            now = time.monotonic()
            arrived.update({r.key.decode(): now for r in records if r.key.startswith(b"hop-")})
            return failed

    hearing = Noting(broker, db, [TOPIC], app="data", group="bench-hop", apply=inbox.apply, bury=inbox.bury)
    await broker.start()
    task = asyncio.create_task(hearing.run(stopping))
    await hearing.assigned.wait()
    try:
        yield
    finally:
        stopping.set()
        await task
        await broker.stop()


async def behind_all(db: Database, running: Ground) -> None:
    """Put the positions behind what earlier benchmarks left on the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=running.kafka.bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions())
    finally:
        await consumer.stop()
    async with db.transaction() as tx:
        await tx.executemany("insert into position (topic, part, next) values ($1, $2, $3)", [(*tp, end) for tp, end in ends.items()])


def partitions() -> list[TopicPartition]:
    """The topic's partitions."""
    return [TopicPartition(TOPIC, n) for n in range(contract.topics()[TOPIC].partitions)]
