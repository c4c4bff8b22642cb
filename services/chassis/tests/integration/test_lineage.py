"""A database and its topics belong together: what a restored database does not know is seen, what was made again is read and said again."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from stratapolis.chassis import lineage, topics
from stratapolis.chassis.db import Database
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.lineage import DatabaseIsOlder, TopicsRemade
from stratapolis.chassis.relay import Relay, prune
from stratapolis.chassis.topic_ids import topic_ids
from stratapolis.cli.local.kafka import Kafka

from conftest import MakeDatabase
from services.chassis.tests.integration.listening import TOPIC, Listener, accepted, discard, has_applied, has_died, heads, produce, say, until

COPIED = ("outbox", "outbox_sequence", "said", "topic")


@asynccontextmanager
async def relaying(broker: Kafka, db: Database, **how: Any) -> AsyncIterator[None]:
    """The relay of governance on this database."""
    relay, stopping = Relay("governance", db, broker.bootstrap, **how), asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.wait_for, asyncio.create_task(relay.run(stopping)), 20)
        stack.callback(stopping.set)
        yield


async def published(broker: Kafka, db: Database, *events: Any) -> None:
    """Say these and see them on the topic."""
    async with relaying(broker, db):
        await say(db, *events)
        await until(lambda: _none_waits(db))


async def _none_waits(db: Database) -> bool:
    return not await _rows(db, "select from outbox where published_at is null")


async def _rows(db: Database, sql: str, *args: object) -> list[Any]:
    async with db.transaction() as tx:
        return list(await tx.fetch(sql, *args))


async def from_now_on(broker: Kafka, db: Database) -> None:
    """The topics are shared by all tests: this database has said what is there."""
    ends = await lineage._ends(broker.bootstrap, [TOPIC, "city.governance.denials.v1"])
    async with db.transaction() as tx:
        await tx.execute(lineage.SAID_UP_TO, [t for t, _ in ends], [p for _, p in ends], list(ends.values()))


async def restored(db: Database, fresh: Database) -> None:
    """A second database as a dump of the first has it now."""
    async with db.direct() as source, fresh.direct() as target:
        for table in COPIED:
            copied = io.BytesIO()
            await source.copy_from_table(table, output=copied)
            copied.seek(0)
            await target.copy_to_table(table, source=copied)
        await target.execute("select setval(pg_get_serial_sequence('outbox', 'id'), max(id)) from outbox")


@pytest.fixture
async def old_and_dump(broker: Kafka, make_database: MakeDatabase) -> tuple[Database, Database, str]:
    """A database that has said 5 events of a key, a dump of it from when it had said 2, and the key."""
    db, dump, key = await make_database("governance"), await make_database("governance"), f"c-{new_id()}"
    await from_now_on(broker, db)
    await published(broker, db, accepted(key, "one"), accepted(key, "two"))
    await restored(db, dump)
    await published(broker, db, accepted(key, "three"), accepted(key, "four"), accepted(key, "five"))
    return db, dump, key


async def test_g2_a_database_that_knows_what_it_has_said_is_taken(broker: Kafka, old_and_dump: tuple[Database, Database, str]) -> None:
    db, _, _ = old_and_dump
    await lineage.check_database(db, broker.bootstrap, "governance")
    assert await _rows(db, "select from forgotten") == []


async def test_g2_a_database_from_a_dump_is_refused_and_says_how_many_events_it_does_not_know(
    broker: Kafka, old_and_dump: tuple[Database, Database, str]
) -> None:
    _, dump, key = old_and_dump
    for wrong in (0, 2):
        with pytest.raises(DatabaseIsOlder, match=rf"3 events of 1 keys on {TOPIC}.*CITY_GOVERNANCE_FORGET=3 .*ValueCreatorAccepted 3 of {key}"):
            await lineage.check_database(dump, broker.bootstrap, "governance", forget=wrong)
    assert await _rows(dump, "select from forgotten") == []


async def test_g2_a_relay_on_a_database_from_a_dump_publishes_nothing(broker: Kafka, old_and_dump: tuple[Database, Database, str]) -> None:
    _, dump, key = old_and_dump
    await say(dump, accepted(key, "in three's place"))
    relay = Relay("governance", dump, broker.bootstrap, may_lead=lambda: lineage.check_database(dump, broker.bootstrap, "governance"))
    with pytest.raises(DatabaseIsOlder):
        await asyncio.wait_for(relay.run(asyncio.Event()), 30)
    assert len(await _rows(dump, "select from outbox where published_at is null")) == 1


async def test_g2_told_to_go_on_it_keeps_what_it_forgot_and_readers_hear_what_it_says_next(
    broker: Kafka, old_and_dump: tuple[Database, Database, str], city: tuple[Database, Listener]
) -> None:
    _, dump, key = old_and_dump
    await say(dump, accepted(key, "six"), accepted(key, "seven"))
    await lineage.check_database(dump, broker.bootstrap, "governance", forget=3)
    kept = await _rows(dump, "select key, sequence, type, event_id, payload from forgotten order by sequence")
    assert [(row["key"], row["sequence"]) for row in kept] == [(key, 3), (key, 4), (key, 5)]
    assert accepted(key, "four").SerializeToString(deterministic=True) == kept[1]["payload"]
    waiting = await _rows(dump, "select sequence, headers->>'ce_sequence' as said from outbox where published_at is null order by id")
    assert [(row["sequence"], row["said"]) for row in waiting] == [(6, "6"), (7, "7")]
    await published(broker, dump, accepted(key, "eight"))
    await lineage.check_database(dump, broker.bootstrap, "governance")
    reader = city[1]
    await _rows(reader.db, "update position set next = 0")
    async with reader.listening():
        await until(lambda: has_applied(reader, 8, key))
    assert await reader.applied(key) == ["one", "two", "three", "four", "five", "six", "seven", "eight"]


async def test_what_waited_in_the_dump_and_was_said_since_keeps_its_number(broker: Kafka, make_database: MakeDatabase) -> None:
    db, dump, key = await make_database("governance"), await make_database("governance"), f"c-{new_id()}"
    await from_now_on(broker, db)
    await say(db, accepted(key, "one"), accepted(key, "two"))
    await restored(db, dump)
    await published(broker, db)
    await lineage.check_database(dump, broker.bootstrap, "governance")
    assert [row["sequence"] for row in await _rows(dump, "select sequence from outbox where published_at is null order by id")] == [1, 2]


async def test_what_somebody_else_wrote_on_the_topic_is_not_taken_for_forgotten(broker: Kafka, make_database: MakeDatabase) -> None:
    db, key = await make_database("governance"), f"c-{new_id()}"
    await from_now_on(broker, db)
    await published(broker, db, accepted(key, "one"))
    payload = accepted(key, "x").SerializeToString()
    await produce(broker.bootstrap, key, payload, **heads(7))
    await produce(broker.bootstrap, key, payload, **heads(2, writer="policy"))
    await produce(broker.bootstrap, key, b"\xff", ce_id="none")
    await produce(broker.bootstrap, key, payload, **heads(2), of_nobody="1")
    await produce(broker.bootstrap, key, payload, **heads(1))
    await lineage.check_database(db, broker.bootstrap, "governance")


# Topics that were made again: on a broker of their own, which nobody else reads


@pytest.fixture
async def own_broker(tmp_path_factory: pytest.TempPathFactory, ports: Any) -> AsyncIterator[Kafka]:
    folder = tmp_path_factory.mktemp("kafka")
    async with Kafka(folder / "kafka", ports.kafka + 50, ports.kafka_controller + 50, log=folder / "kafka.log") as running:
        await topics.make(running.bootstrap)
        yield running


async def made_again(broker: Kafka, name: str = TOPIC) -> None:
    """Delete a topic and make it as the contract says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([name])
        await until(lambda: _is_gone(admin, name))
    finally:
        await admin.close()
    await topics.make(broker.bootstrap)


async def _is_gone(admin: AIOKafkaAdminClient, name: str) -> bool:
    return name not in await admin.list_topics()


async def test_a_topic_made_again_is_said_and_read_again_and_nothing_is_applied_twice_or_left_out(own_broker: Kafka, make_database: MakeDatabase) -> None:
    said, heard = await make_database("governance"), await make_database("policy")
    await _rows(heard, "create table applied (id bigint generated always as identity, creator_id text, name text, at timestamptz)")
    reader, key, first = Listener(heard, own_broker.bootstrap), f"c-{new_id()}", await lineage.check_topics(said, own_broker.bootstrap)
    assert await lineage.check_topics(heard, own_broker.bootstrap) == first
    reader.bad.add("bad")
    await published(own_broker, said, accepted(key, "one"), accepted("other", "bad"), accepted(key, "two"))
    async with reader.listening():
        await until(lambda: has_applied(reader, 2, key))
    assert len(await reader.dead()) == 1
    await published(own_broker, said, accepted(key, "unread"))
    await _rows(said, "delete from outbox where key = $1 and sequence < 3", key)  # pruned: on the new topic all lies at other offsets
    await made_again(own_broker)
    for db in (said, heard):
        assert (await lineage.check_topics(db, own_broker.bootstrap))[TOPIC] != first[TOPIC]
    await published(own_broker, said, accepted(key, "next"), accepted("other", "waits"))
    async with reader.listening():
        await until(lambda: has_applied(reader, 4, key))
    assert await reader.applied(key) == ["one", "two", "unread", "next"]
    assert [len(await reader.dead(state)) for state in ("dead", "waiting")] == [1, 1]
    await lineage.check_database(said, own_broker.bootstrap, "governance")
    assert await _rows(said, "select from forgotten") == []


async def test_a_dead_letter_of_the_old_topic_does_not_hide_one_at_the_same_place_of_the_new(own_broker: Kafka, make_database: MakeDatabase) -> None:
    said, heard, key = await make_database("governance"), await make_database("policy"), f"c-{new_id()}"
    reader = Listener(heard, own_broker.bootstrap)
    reader.bad |= {"bad", "worse"}
    for db in (said, heard):
        await lineage.check_topics(db, own_broker.bootstrap)
    await published(own_broker, said, accepted(key, "bad"))
    async with reader.listening():
        await until(lambda: has_died(reader, "dead", 1))
    (old,) = await reader.dead()
    await discard(reader, old["id"])
    await made_again(own_broker)
    await _rows(said, "delete from outbox")
    for db in (said, heard):
        await lineage.check_topics(db, own_broker.bootstrap)
    await published(own_broker, said, accepted(key, "worse"))
    async with reader.listening():
        await until(lambda: has_died(reader, "dead", 1))
    (new,) = await reader.dead()
    assert (new["part"], new["position"]) == (old["part"], old["position"])


async def test_a_topic_made_again_while_the_app_runs_ends_the_process(own_broker: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "LOOK_SECONDS", 0.05)
    ids = await topic_ids(own_broker.bootstrap, [TOPIC, "city.policy.v1"])
    watching = asyncio.create_task(lineage.watch_topics(own_broker.bootstrap, ids, asyncio.Event()))
    await made_again(own_broker)
    with pytest.raises(TopicsRemade, match=TOPIC):
        await asyncio.wait_for(watching, 20)


async def test_a_topic_shorter_than_it_was_is_said_and_read_again(own_broker: Kafka, make_database: MakeDatabase) -> None:
    db = await make_database("governance")
    await lineage.check_topics(db, own_broker.bootstrap)
    await published(own_broker, db, accepted("k", "one"))
    await _rows(db, "insert into position (topic, part, next, taken) values ('city.policy.v1', 1, 1000, 1000), ('city.policy.v1', 2, 0, 0)")
    await _rows(db, "update said set next = 500 where next > 0")
    await lineage.check_topics(db, own_broker.bootstrap)
    assert {(row["next"], row["taken"]) for row in await _rows(db, "select next, taken from position")} == {(0, 0)}
    assert await _rows(db, "select from outbox where published_at is not null") == []
    await published(own_broker, db)
    await lineage.check_topics(db, own_broker.bootstrap)
    assert await _none_waits(db)


async def test_of_a_compacted_topic_the_newest_of_each_key_is_kept_in_the_outbox(make_database: MakeDatabase) -> None:
    db = await make_database("policy")
    for topic, key, sequence in (
        ("city.policy.policies.v1", "a", 1),
        ("city.policy.policies.v1", "a", 2),
        ("city.policy.policies.v1", "b", 1),
        ("city.policy.v1", "a", 1),
    ):
        await _rows(
            db, "insert into outbox (topic, key, sequence, payload, headers, created_at, published_at) values ($1, $2, $3, '', '{}', now(), now() - interval '8 days')",
            topic, key, sequence,
        )  # fmt: skip
    await prune(db)
    left = await _rows(db, "select topic, key, sequence from outbox order by key")
    assert [tuple(row) for row in left] == [("city.policy.policies.v1", "a", 2), ("city.policy.policies.v1", "b", 1)]
