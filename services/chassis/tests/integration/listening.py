"""An app's ear on a real broker, and what is said to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from city.governance.v1.events_pb2 import ValueCreatorAccepted
from city.operations.v1 import operations_service_pb2 as pb
from faststream.kafka import KafkaBroker
from stratapolis.chassis import envelope, outbox, positions
from stratapolis.chassis.app import On
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.dead_letters import DeadLetters
from stratapolis.chassis.errors import Permanent, Transient
from stratapolis.chassis.hearing import Hearing
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.inbox import Inbox
from stratapolis.chassis.relay import make_producer
from stratapolis.chassis.rpc import Call

TOPIC = "city.governance.v1"


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for a condition, sync or async, bounded."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)


class Listener:
    """An app's ear with a handler that notes what it applies, and refuses names in `bad`."""

    def __init__(self, db: Database, bootstrap: str, *, ordered: bool = True) -> None:
        self.db, self.bad, self.later = db, set[str](), set[str]()
        self.stopping = asyncio.Event()
        self.inbox = Inbox("policy", {"city.governance.v1.ValueCreatorAccepted": On(ValueCreatorAccepted, self.accept, ordered=ordered)})
        self._broker = KafkaBroker(bootstrap)
        self._ear = Hearing(self._broker, db, [TOPIC], app="policy", group="policy-test", apply=self.inbox.apply, bury=self.inbox.bury)

    async def accept(self, event: ValueCreatorAccepted, *, tx: Tx, at: datetime) -> None:
        if event.name in self.bad:
            raise Permanent(f"{event.name} is bad")
        if event.name in self.later:
            self.later.remove(event.name)
            raise Transient(f"{event.name} can be applied later")
        await tx.execute("insert into applied (creator_id, name, at) values ($1, $2, $3)", event.creator_id, event.name, at)

    async def applied(self, creator: str = "") -> list[str]:
        async with self.db.transaction() as tx:
            return [r["name"] for r in await tx.fetch("select name from applied where $1 in ('', creator_id) order by id", creator)]

    async def dead(self, state: str = "dead") -> list[Any]:
        async with self.db.transaction() as tx:
            return await tx.fetch("select * from dead_letter where state = $1 order by id", state)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        await self._broker.start()
        self.stopping.clear()
        task = asyncio.create_task(self._ear.run(self.stopping))
        try:
            yield
        finally:
            self.stopping.set()
            await task
            await self._broker.stop()


async def from_the_end(db: Database, bootstrap: str, topic: str = TOPIC) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    partitions = [TopicPartition(topic, n) for n in range(4)]
    ends = await consumer.end_offsets(partitions)
    await consumer.stop()
    await positions.load(db, partitions)
    async with db.transaction() as tx:
        await positions.move(tx, {tp: (0, end) for tp, end in ends.items()})


async def say(db: Database, *events: Any) -> None:
    async with db.transaction() as tx:
        await outbox.append(tx, *events)


def accepted(creator: str, name: str) -> ValueCreatorAccepted:
    return ValueCreatorAccepted(creator_id=creator, name=name, kind="company", founding_subject="s")


async def produce(bootstrap: str, key: str, payload: bytes, **headers: str) -> None:
    producer: AIOKafkaProducer = make_producer(bootstrap, "test")
    await producer.start()
    try:
        await producer.send_and_wait(TOPIC, payload, key.encode(), headers=[(n, v.encode()) for n, v in headers.items()])
    finally:
        await producer.stop()


def heads(sequence: int, event_type: str = "city.governance.v1.ValueCreatorAccepted", writer: str = "governance") -> dict[str, str]:
    return envelope.headers(
        event_id=f"e{sequence}", event_type=event_type, writer=writer, at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"), sequence=sequence,
        cause=Cause(), correlation="", traceparent="",
    )  # fmt: skip


def called(tx: Tx) -> Call:
    """A call by an operator."""
    return Call(
        caller=Caller(subject="olga", kind="person", creator="", roles=frozenset({"operator"}), creator_roles=frozenset()), at=tx.at, owners=None, tx=tx
    )


async def redrive(ear: Listener, letter: int) -> tuple[int, int]:
    """What a redrive applied, and how many still wait."""
    async with ear.db.transaction() as tx:
        answer = await DeadLetters(ear.inbox).redrive_dead_letter(pb.RedriveDeadLetterRequest(request_id="12345678", id=letter), called(tx))
    return answer.applied, answer.waiting


async def has_applied(ear: Listener, n: int, creator: str = "") -> bool:
    return len(await ear.applied(creator)) >= n


async def has_died(ear: Listener, state: str, n: int) -> bool:
    return len(await ear.dead(state)) >= n


async def discard(ear: Listener, letter: int) -> tuple[int, int]:
    """What a discard applied, and how many still wait."""
    async with ear.db.transaction() as tx:
        asked = pb.DiscardDeadLetterRequest(request_id="12345678", id=letter, reason="it never was right")
        answer = await DeadLetters(ear.inbox).discard_dead_letter(asked, called(tx))
    return answer.applied, answer.waiting
