"""G7 when it is the code that is wrong: the topic is paused for this app, nothing of it is lost, and after the fix all of it is applied in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from city.data.v1.events_pb2 import DataContractRevoked
from city.governance.v1.events_pb2 import ValueCreatorAccepted
from city.operations.v1 import operations_service_pb2, pause_service_pb2
from faststream.kafka import KafkaBroker
from stratapolis.chassis import topics
from stratapolis.chassis.app import On
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.dead_letters import DeadLetters
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.hearing import Hearing
from stratapolis.chassis.inbox import Inbox
from stratapolis.chassis.pauses_rpc import Pauses, TopicNotPaused
from stratapolis.chassis.pausing import Pausing
from stratapolis.chassis.relay import make_producer
from stratapolis.cli.local.kafka import Kafka

from services.chassis.tests.integration.listening import accepted, called, from_the_end, heads, until

BROKEN, OTHER = "city.governance.v1", "city.data.v1"
STREAK = 5
NEVER, SOON = timedelta(hours=1), timedelta(seconds=0.2)
KEYS = 12


class App:
    """An app that hears two topics; while `broken` it refuses whatever the first one brings. A new one on the same database is a restart."""

    def __init__(self, db: Database, bootstrap: str, *, probe_after: timedelta) -> None:
        self.db, self.broken = db, True
        self.pausing = Pausing("connectivity", db, streak=STREAK, probe_after=probe_after)
        hears = (On(ValueCreatorAccepted, self.on_accepted), On(DataContractRevoked, self.on_revoked))
        self.inbox = Inbox("connectivity", {on.event.DESCRIPTOR.full_name: on for on in hears})
        self._broker = KafkaBroker(bootstrap)
        self._ear = Hearing(
            self._broker, db, [BROKEN, OTHER], app="connectivity", group="pausing-test", apply=self.inbox.apply, bury=self.inbox.bury, pausing=self.pausing
        )

    async def on_accepted(self, event: ValueCreatorAccepted, *, tx: Tx, at: datetime) -> None:
        if self.broken:
            raise Permanent("this code is wrong")
        await tx.execute("insert into applied (key, name) values ($1, $2)", event.creator_id, event.name)

    async def on_revoked(self, event: DataContractRevoked, *, tx: Tx, at: datetime) -> None:
        await tx.execute("insert into applied (key, name) values ('other', $1)", event.contract_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        await self._broker.start()
        task = asyncio.create_task(self._ear.run(stopping))
        try:
            yield
        finally:
            stopping.set()
            await task
            await self._broker.stop()

    async def applied(self, key: str) -> list[str]:
        return [row["name"] for row in await self.rows("select name from applied where key = $1 order by id", key)]

    async def rows(self, sql: str, *args: object) -> Any:
        async with self.db.transaction(readonly=True) as tx:
            return await tx.fetch(sql, *args)

    async def dead(self) -> int:
        return len(await self.rows("select id from dead_letter where state = 'dead'"))

    async def has_died(self, number: int) -> bool:
        return await self.dead() >= number

    async def has_applied(self, key: str, number: int) -> bool:
        return len(await self.applied(key)) >= number

    async def paused(self) -> list[str]:
        async with self.db.transaction(readonly=True) as tx:
            found = await Pauses().list_paused_topics(pause_service_pb2.ListPausedTopicsRequest(), called(tx))
        return [one.topic for one in found.topics]

    async def resume(self, dead_letters: int = 0) -> None:
        async with self.db.transaction() as tx:
            asked = pause_service_pb2.ResumeTopicRequest(request_id="12345678", topic=BROKEN, dead_letters=dead_letters)
            await Pauses().resume_topic(asked, called(tx))

    async def redrive_all(self) -> None:
        for row in await self.rows("select id from dead_letter where state = 'dead' order by id"):
            async with self.db.transaction() as tx:
                asked = operations_service_pb2.RedriveDeadLetterRequest(request_id="12345678", id=row["id"])
                await DeadLetters(self.inbox).redrive_dead_letter(asked, called(tx))


@pytest.fixture
async def heard(kafka: Kafka, make_database: Any) -> Database:
    """A database whose app begins where the topics end now."""
    await topics.make(kafka.bootstrap)
    db: Database = await make_database("connectivity")
    async with db.transaction() as tx:
        await tx.execute("create table applied (id bigint generated always as identity, key text, name text)")
    for topic in (BROKEN, OTHER):
        await from_the_end(db, kafka.bootstrap, topic)
    return db


async def say(bootstrap: str, rounds: range, *, keys: int = KEYS) -> None:
    """In each round one event of every key, in order."""
    producer = make_producer(bootstrap, "test")
    await producer.start()
    try:
        for number in rounds:
            for key in map(str, range(keys)):
                headers = [(name, value.encode()) for name, value in heads(number).items()]
                await producer.send(BROKEN, accepted(key, f"{key}-{number}").SerializeToString(), key.encode(), headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


async def say_other(bootstrap: str, sequence: int) -> None:
    """An event of the topic that is not broken."""
    producer, event = make_producer(bootstrap, "test"), DataContractRevoked(contract_id=f"c-{sequence}", service_id="s")
    headers = heads(sequence, event.DESCRIPTOR.full_name, "data")
    await producer.start()
    try:
        await producer.send_and_wait(OTHER, event.SerializeToString(), b"s", headers=[(name, value.encode()) for name, value in headers.items()])
    finally:
        await producer.stop()


async def test_g7_code_that_refuses_everything_pauses_its_topic_alone_and_after_the_fix_all_is_applied_in_order(kafka: Kafka, heard: Database) -> None:
    app = App(heard, kafka.bootstrap, probe_after=NEVER)
    async with app.running():
        await say(kafka.bootstrap, range(1, 6))
        await until(app.paused)
        await say_other(kafka.bootstrap, 1)
        await until(lambda: app.has_applied("other", 1))
        assert await app.dead() == STREAK
        assert app.pausing.topics == {BROKEN}
    app = App(heard, kafka.bootstrap, probe_after=NEVER)
    async with app.running():
        await say_other(kafka.bootstrap, 2)
        await until(lambda: app.has_applied("other", 2))
        assert (await app.dead(), await app.paused()) == (STREAK, [BROKEN]), "the pause outlives the process"
        app.broken = False
        await app.resume()
        await app.redrive_all()
        await until(lambda: _count(app, 2 + 5 * KEYS))
    for key in map(str, range(KEYS)):
        assert await app.applied(key) == [f"{key}-{number}" for number in range(1, 6)]
    assert await app.rows("select 1 from dead_letter where state in ('dead', 'waiting')") == []
    assert await app.rows("select 1 from inbox where parked") == []
    assert await app.paused() == []


async def test_one_event_at_a_time_is_tried_until_one_is_applied(kafka: Kafka, heard: Database) -> None:
    app = App(heard, kafka.bootstrap, probe_after=SOON)
    async with app.running():
        await say(kafka.bootstrap, range(1, 2), keys=40)
        await until(app.paused)
        await until(lambda: app.has_died(STREAK + 2))
        assert await app.paused() == [BROKEN]
        assert await app.dead() < 2 * STREAK, "a few were tried, not all"
        app.broken = False
        await until(lambda: _count(app, 40))
        await app.redrive_all()
    assert sorted(row["name"] for row in await app.rows("select name from applied")) == sorted(f"{key}-1" for key in range(40))
    assert await app.paused() == []


async def test_an_operator_lets_data_by_that_are_known_to_be_wrong(kafka: Kafka, heard: Database) -> None:
    app = App(heard, kafka.bootstrap, probe_after=NEVER)
    async with app.running():
        await say(kafka.bootstrap, range(1, 2), keys=200)
        await until(app.paused)
        assert await app.dead() == STREAK
        await app.resume(dead_letters=100)
        await until(app.paused)
        assert STREAK + 100 < await app.dead() <= 100 + 2 * STREAK
        app.broken = False
        await app.resume()
        await until(lambda: _count(app, 200))
        assert await app.paused() == []


async def _count(app: App, number: int) -> bool:
    return bool(len(await app.rows("select 1 from applied")) + await app.dead() == number)


async def test_of_several_processes_one_tries_and_all_stop(heard: Database) -> None:
    one, other = (Pausing("connectivity", heard, streak=1, probe_after=NEVER) for _ in range(2))
    async with heard.transaction() as tx:
        await one.died(tx, BROKEN, "wrong")
        await other.died(tx, BROKEN, "wrong too")
        await tx.execute("update pause set probe_at = now() - interval '1 second'")
    assert await one.may_try(BROKEN) != await other.may_try(BROKEN)


async def test_what_is_not_paused_cannot_be_resumed(heard: Database) -> None:
    app = App(heard, "127.0.0.1:1", probe_after=NEVER)
    with pytest.raises(TopicNotPaused):
        await app.resume()
