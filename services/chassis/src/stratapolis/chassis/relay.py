"""The relay: one leader per app reads the outbox in order, publishes batches, awaits the acknowledgements, marks the rows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from stratapolis.chassis import contract, crash, envelope, metrics
from stratapolis.chassis.db import TRANSIENT, Database, Row
from stratapolis.chassis.stopping import pause

log = structlog.get_logger(__name__)
BATCH = 1_000
IDLE_SECONDS = 1.0
LEADER_LOCK = 0x5741_0001
CHANNEL = "outbox"

UNPUBLISHED = "select id, topic, key, payload, headers from outbox where published_at is null order by id limit $1"
MARK = """
    with marked as (update outbox set published_at = now() where id = any($1::bigint[]))
    insert into said (topic, part, next) select * from unnest($2::text[], $3::int[], $4::bigint[])
    on conflict (topic, part) do update set next = greatest(said.next, excluded.next)"""
"""And how far each partition is known to be said."""
AGAIN = """
    update outbox set published_at = null where id in (
        select max(n.id) from outbox n join outbox s using (topic, key) where s.id = any($1::bigint[]) and n.topic = any($2::text[]) group by n.topic, n.key)"""
PRUNE = """
    delete from outbox where id in (
        select id from outbox o where published_at < now() - $1::interval
        and not (topic = any($2::text[]) and not exists (select from outbox n where n.topic = o.topic and n.key = o.key and n.sequence > o.sequence))
        order by published_at limit 10000)"""
"""Of compacted topics the newest event of each key stays: a topic that is made again is filled from here."""
AGE = "select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from outbox where published_at is null"


class Relay:
    """Publishes what the app has said. `run` returns when `stopping` is set and nothing is in hand; it raises what `may_lead` raises before it leads."""

    def __init__(self, app: str, db: Database, bootstrap: str, *, may_lead: Callable[[], Awaitable[None]] | None = None) -> None:
        self._app, self._db, self._bootstrap, self._may_lead = app, db, bootstrap, may_lead
        self._wake = asyncio.Event()
        self._in_hand: list[int] = []
        self._said: dict[tuple[str, int], int] = {}
        self.leading = False
        self.ready = asyncio.Event()
        self.beat = time.monotonic()

    def wake(self) -> None:
        """Something was said in this process."""
        self._wake.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Lead when the lock is free, else wait for it; survives database and broker being away."""
        async with _producer(self._bootstrap, self._app, stopping) as producer:
            self.ready.set()
            while not stopping.is_set():
                try:
                    async with self._db.direct() as connection:
                        await self._lead(connection, producer, stopping)
                except (*TRANSIENT, KafkaError) as error:
                    log.warning("relay_again_in_a_moment", error=repr(error))
                    await pause(stopping, 0.5)
                finally:
                    self.leading = False

    async def _lead(self, connection: Any, producer: AIOKafkaProducer, stopping: asyncio.Event) -> None:
        await self._say_newest_again(connection)
        while not await connection.fetchval("select pg_try_advisory_lock($1)", LEADER_LOCK):
            self.beat = time.monotonic()
            await pause(stopping, 0.5)
            if stopping.is_set():
                return
        if self._may_lead is not None:
            await self._may_lead()
        self.leading = True
        # A mark that a crash of the database takes back is an event published twice, which every inbox drops: no need to wait for the disk.
        await connection.execute("set synchronous_commit = off")
        await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
        while True:
            self.beat = time.monotonic()
            self._wake.clear()
            rows = await connection.fetch(UNPUBLISHED, BATCH)
            self._in_hand = [row["id"] for row in rows]
            published = await self._publish(producer, rows) if rows else []
            if published:
                await connection.execute(MARK, published, *_columns(self._said))
                metrics.RELAY_BATCH.labels(self._app).observe(len(published))
            self._in_hand = []
            if len(published) == BATCH:
                continue
            if stopping.is_set():
                return
            if len(published) < len(rows):
                await pause(stopping, 0.2)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._wake.wait()

    async def _say_newest_again(self, connection: Any) -> None:
        """After the lock was lost with a batch in hand: another may have led, and newer events lie before those that were sent late.

        An inbox drops the late ones; but of a compacted topic only what lies last of a key stays, so its newest is published once more.
        """
        if self._in_hand:
            await connection.execute(AGAIN, self._in_hand, _compacted())
            self._in_hand = []

    async def _publish(self, producer: AIOKafkaProducer, rows: Sequence[Row]) -> list[int]:
        """Send rows in order and await every acknowledgement; after a failure the key's later rows wait for the next round."""
        sent = []
        crash.at("after-commit-before-publish", self._app)
        for row in rows:
            future = await producer.send(row["topic"], row["payload"], row["key"].encode(), headers=envelope.wire(row["headers"]))
            sent.append((row["id"], (row["topic"], row["key"]), future))
        answers = await asyncio.gather(*(future for _, _, future in sent), return_exceptions=True)
        crash.at("after-publish-before-mark", self._app)
        failing: set[tuple[str, str]] = set()
        done = []
        for (row_id, key, _), answer in zip(sent, answers, strict=True):
            if isinstance(answer, BaseException):
                failing.add(key)
                metrics.RELAY_FAILED.labels(self._app).inc()
                log.warning("not_published", topic=key[0], key=key[1], error=repr(answer))
            elif key not in failing:
                done.append(row_id)
                self._said[answer.topic, answer.partition] = answer.offset + 1
        return done


def _compacted() -> list[str]:
    return [topic.name for topic in contract.topics().values() if topic.compacted]


def _columns(said: Mapping[tuple[str, int], int]) -> tuple[list[str], list[int], list[int]]:
    """Topics, partitions, and the offset behind the last event that was taken."""
    return [topic for topic, _ in said], [part for _, part in said], list(said.values())


async def prune(db: Database, keep: str = "7 days") -> None:
    """Delete published rows older than `keep`, at most 10 000 a run."""
    async with db.transaction() as tx:
        await tx.execute(PRUNE.replace("$1::interval", f"interval '{keep}'").replace("$2", "$1"), _compacted())


@contextlib.asynccontextmanager
async def _producer(bootstrap: str, app: str, stopping: asyncio.Event) -> Any:
    """A started idempotent producer; starting is tried again while the broker is away, stopping is bounded."""
    producer = make_producer(bootstrap, f"{app}-relay")
    await start_patiently(producer, stopping)
    try:
        yield producer
    finally:
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(3):
                await producer.stop()


def make_producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """Idempotent, acks=all; slows aiokafka's metadata loop, which otherwise spins while no leader is known."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, client_id=client_id, acks="all", enable_idempotence=True, max_request_size=1_100_000, request_timeout_ms=30_000
    )
    client = producer.client
    update = client._metadata_update  # noqa: SLF001 - see docs/hazards/broker-away.md

    async def slower(*args: Any) -> bool:
        updated = bool(await update(*args))
        if not updated:
            await asyncio.sleep(0.5)
        return updated

    client._metadata_update = slower  # noqa: SLF001
    return producer


async def start_patiently(client: Any, stopping: asyncio.Event) -> None:
    """Start an aiokafka client; while the broker is away, again every second, until `stopping`."""
    while not stopping.is_set():
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            log.warning("broker_away", error=str(error))
            await pause(stopping, 1.0)
        else:
            return
