"""The relay: one of several leads, and nothing counts as published that the broker has not taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.db import Database
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.relay import Relay
from stratapolis.cli.local.kafka import Kafka

from conftest import MakeDatabase
from services.chassis.tests.integration.listening import accepted, say, until


class Picky:
    """A producer whose broker takes no event of these keys; a broker cannot be made to refuse just those."""

    def __init__(self, *refused: bytes) -> None:
        self.refused = set(refused)

    async def send(self, topic: str, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> asyncio.Future[SimpleNamespace]:
        answer: asyncio.Future[SimpleNamespace] = asyncio.get_running_loop().create_future()
        if key in self.refused:
            self.refused.remove(key)
            answer.set_exception(KafkaError("not now"))
        else:
            answer.set_result(SimpleNamespace(topic=topic, partition=0, offset=0))
        return answer


async def unpublished(db: Database) -> list[Any]:
    async with db.transaction() as tx:
        return await tx.fetch("select id, topic, key, payload, headers from outbox where published_at is null order by id")


async def test_g4_what_the_broker_did_not_take_is_not_marked_nor_is_what_follows_it_in_its_key(make_database: MakeDatabase) -> None:
    db = await make_database("governance")
    relay, producer = Relay("governance", db, "nowhere"), Picky(b"a")
    await say(db, accepted("a", "refused"), accepted("b", "taken"), accepted("a", "behind"))
    rows = await unpublished(db)
    assert await relay._publish(producer, rows) == [rows[1]["id"]]
    assert await relay._publish(producer, rows) == [row["id"] for row in rows]


async def test_g5_of_two_relays_one_leads_and_the_other_takes_over(broker: Kafka, make_database: MakeDatabase) -> None:
    db = await make_database("governance")
    relays = [Relay("governance", db, broker.bootstrap) for _ in range(2)]
    stops = [asyncio.Event() for _ in relays]
    since = [relay.beat for relay in relays]
    async with AsyncExitStack() as stack:
        for relay, stop in zip(relays, stops, strict=True):
            stack.push_async_callback(asyncio.wait_for, asyncio.create_task(relay.run(stop)), 10)
            stack.callback(stop.set)
        await until(lambda: all(relay.beat > before for relay, before in zip(relays, since, strict=True)))
        assert sorted(relay.leading for relay in relays) == [False, True]
        await say(db, accepted("a", "first"))
        leader = next(n for n, relay in enumerate(relays) if relay.leading)
        stops[leader].set()
        await until(lambda: relays[1 - leader].leading)
        await say(db, accepted("a", "second"))
        await until(lambda: _all_published(db))


async def test_g5_a_relay_that_wakes_too_late_leaves_the_newest_last_on_a_compacted_topic(
    broker: Kafka, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, name = await make_database("policy"), f"late-{new_id()}"
    frozen, woken, publish = asyncio.Event(), asyncio.Event(), Relay._publish

    async def held(self: Relay, producer: Any, rows: Any) -> list[int]:
        if self is first:
            frozen.set()
            await woken.wait()
        return await publish(self, producer, rows)

    monkeypatch.setattr(Relay, "_publish", held)
    first, second, stopping = Relay("policy", db, broker.bootstrap), Relay("policy", db, broker.bootstrap), asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.wait_for, asyncio.create_task(first.run(stopping)), 10)
        stack.callback(stopping.set)
        await say(db, PolicyActivated(name=name, version=1))
        await asyncio.wait_for(frozen.wait(), 20)
        async with db.transaction() as tx:
            await tx.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'policy-direct' and datname = current_database()")
        stack.push_async_callback(asyncio.wait_for, asyncio.create_task(second.run(stopping)), 10)
        stack.callback(stopping.set)
        await say(db, PolicyActivated(name=name, version=2))
        await until(lambda: _all_published(db))
        woken.set()
        await until(lambda: _versions(broker, name, [1, 2, 1, 2]))


async def _versions(broker: Kafka, name: str, wanted: list[int]) -> bool:
    """Whether these versions lie on the topic, in this order."""
    topic = TopicPartition("city.policy.policies.v1", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap)
    async with consumer:
        consumer.assign([topic])
        consumer.seek(topic, 0)
        end, found = (await consumer.end_offsets([topic]))[topic], list[int]()
        while await consumer.position(topic) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [PolicyActivated.FromString(r.value).version for r in records if r.key == name.encode()]
    return found == wanted


async def _all_published(db: Database) -> bool:
    return not await unpublished(db)
