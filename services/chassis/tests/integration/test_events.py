"""Events end to end through the chassis on a real Kafka and PostgreSQL: outbox, relay, hearing, inbox, dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from city.governance.v1.events_pb2 import MemberAdded, ValueCreatorAccepted
from city.operations.v1 import operations_service_pb2 as pb
from faststream.kafka import KafkaBroker
from stratapolis.chassis import envelope, outbox, positions, topics
from stratapolis.chassis.app import On
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.dead_letters import DeadLetterEnded, DeadLetters, RedriveFailed
from stratapolis.chassis.errors import Permanent, Transient
from stratapolis.chassis.hearing import Hearing
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.inbox import Inbox
from stratapolis.chassis.relay import Relay, make_producer
from stratapolis.chassis.rpc import Call
from stratapolis.cli.local.kafka import Kafka

TOPIC = "city.governance.v1"


@pytest.fixture(scope="session")
async def broker(kafka: Kafka) -> Kafka:
    await topics.make(kafka.bootstrap)
    return kafka


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


@pytest.fixture
async def city(broker: Kafka, make_database: Any) -> AsyncIterator[tuple[Database, Listener]]:
    """Governance with its relay running, policy with its ear not yet."""
    said, heard = await make_database("governance"), await make_database("policy")
    async with heard.transaction() as tx:
        await tx.execute("create table applied (id bigint generated always as identity, creator_id text, name text, at timestamptz)")
        # A topic shared by the tests of this session: this ear begins where the topic ends now.
    await from_the_end(heard, broker.bootstrap)
    relay, stopping = Relay("governance", said, broker.bootstrap), asyncio.Event()
    said.on_said = relay.wake
    async with AsyncExitStack() as stack:
        task = asyncio.create_task(relay.run(stopping))
        stack.push_async_callback(asyncio.wait_for, task, 10)
        stack.callback(stopping.set)
        yield said, Listener(heard, broker.bootstrap)


async def from_the_end(db: Database, bootstrap: str, topic: str = TOPIC) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    partitions = [TopicPartition(topic, n) for n in range(4)]
    ends = await consumer.end_offsets(partitions)
    await consumer.stop()
    await positions.load(db, partitions)
    async with db.transaction() as tx:
        await positions.move(tx, {tp: (0, end) for tp, end in ends.items()})


async def say_and_fail(db: Database) -> None:
    async with db.transaction() as tx:
        await outbox.append(tx, accepted("a", "never"))
        raise RuntimeError


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


async def test_what_is_committed_is_heard_in_order(city: tuple[Database, Listener]) -> None:
    said, ear = city
    async with ear.listening():
        for n in range(20):
            await say(said, accepted("a", f"a{n}"), accepted("b", f"b{n}"), MemberAdded(creator_id="a", subject="s"))
        await until(lambda: _count(ear, 40))
    assert await ear.applied("a") == [f"a{n}" for n in range(20)]
    assert await ear.applied("b") == [f"b{n}" for n in range(20)]
    assert await ear.dead() == []


async def test_g2_what_was_in_hand_when_the_database_went_away_is_read_again_once_it_is_back(
    city: tuple[Database, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, ear = city
    load, away = positions.load, [3]

    async def loaded_later(*given: Any) -> Any:
        if not ear.later and away[0]:
            away[0] -= 1
            raise TimeoutError
        return await load(*given)

    ear.later.add("in hand")
    monkeypatch.setattr(positions, "load", loaded_later)
    async with ear.listening():
        await say(said, accepted("a", "in hand"))
        await until(lambda: away[0] < 3)
        await say(said, accepted("a", "behind"))
        await until(lambda: _count(ear, 2))
    assert away == [0]
    assert await ear.applied() == ["in hand", "behind"]
    assert await ear.dead() == []


async def test_what_is_rolled_back_is_never_published(city: tuple[Database, Listener]) -> None:
    said, ear = city
    with pytest.raises(RuntimeError):
        await say_and_fail(said)
    async with ear.listening():
        await say(said, accepted("a", "first"))
        await until(lambda: _count(ear, 1))
    assert await ear.applied() == ["first"]


async def test_g3_a_replay_from_the_start_applies_nothing_again(city: tuple[Database, Listener]) -> None:
    said, ear = city
    async with ear.listening():
        await say(said, *[accepted("a", f"{n}") for n in range(30)])
        await until(lambda: _count(ear, 30, "a"))
    async with ear.db.transaction() as tx:
        before = await tx.fetch("select topic, part, next from position order by 1, 2")
        await tx.execute("update position set next = greatest(next - 30, 0)")
    async with ear.listening():
        await say(said, accepted("a", "last"))
        await until(lambda: _count(ear, 31, "a"))
    assert await ear.applied("a") == [*(f"{n}" for n in range(30)), "last"]
    assert len(before) == 4


async def test_g7_a_bad_event_parks_its_key_alone_and_a_redrive_applies_it_in_order(city: tuple[Database, Listener]) -> None:
    said, ear = city
    ear.bad.add("poison")
    async with ear.listening():
        await say(said, accepted("a", "before"), accepted("a", "poison"), accepted("a", "behind"), accepted("b", "other"))
        await until(lambda: _count(ear, 2))
        await until(lambda: _dead(ear, "waiting", 1))
        assert await ear.applied("a") == ["before"]
        assert await ear.applied("b") == ["other"]
        (letter,) = await ear.dead()
        assert (letter["key"], letter["sequence"], letter["attempts"]) == ("a", 2, 1)
        assert ValueCreatorAccepted.FromString(letter["payload"]).name == "poison"
        assert "poison is bad" in letter["error"]
        with pytest.raises(RedriveFailed):
            await redrive(ear, letter["id"])
        ear.bad.clear()
        assert await redrive(ear, letter["id"]) == (2, 0)
        assert await ear.applied("a") == ["before", "poison", "behind"]
        await say(said, accepted("a", "after"))
        await until(lambda: _count(ear, 5))
        with pytest.raises(DeadLetterEnded):
            await redrive(ear, letter["id"])
    assert await ear.applied("a") == ["before", "poison", "behind", "after"]


async def test_g7_a_discarded_event_is_given_up_and_what_waits_behind_it_goes_on(city: tuple[Database, Listener]) -> None:
    said, ear = city
    ear.bad.add("poison")
    async with ear.listening():
        await say(said, accepted("a", "poison"), accepted("a", "behind"))
        await until(lambda: _dead(ear, "waiting", 1))
        (letter,) = await ear.dead()
        assert await discard(ear, letter["id"]) == (1, 0)
        await say(said, accepted("a", "after"))
        await until(lambda: _count(ear, 2))
    assert await ear.applied("a") == ["behind", "after"]


async def discard(ear: Listener, letter: int) -> tuple[int, int]:
    """What a discard applied, and how many still wait."""
    async with ear.db.transaction() as tx:
        asked = pb.DiscardDeadLetterRequest(request_id="12345678", id=letter, reason="it never was right")
        answer = await DeadLetters(ear.inbox).discard_dead_letter(asked, called(tx))
    return answer.applied, answer.waiting


@pytest.mark.parametrize("headers", [heads(1, writer="data"), {**heads(1), "ce_actor": "größer"}], ids=["foreign", "unreadable"])
async def test_g7_an_impostor_with_the_next_sequence_does_not_cost_the_real_event(
    city: tuple[Database, Listener], broker: Kafka, headers: dict[str, str]
) -> None:
    said, ear = city
    async with ear.listening():
        await produce(broker.bootstrap, "k", accepted("k", "false").SerializeToString(), **headers)
        await until(lambda: _dead(ear, "dead", 1))
        await say(said, accepted("k", "real"))
        await until(lambda: _dead(ear, "waiting", 1))
        (letter,) = await ear.dead()
        assert await discard(ear, letter["id"]) == (1, 0)
    assert await ear.applied() == ["real"]


async def test_g5_what_was_missing_in_a_gap_is_applied_when_it_has_come_though_the_event_behind_the_gap_is_given_up(
    city: tuple[Database, Listener], broker: Kafka
) -> None:
    said, ear = city
    async with ear.listening():
        await produce(broker.bootstrap, "k", accepted("k", "third").SerializeToString(), **heads(3))
        await until(lambda: _dead(ear, "dead", 1))
        await say(said, accepted("k", "first"), accepted("k", "second"))
        await until(lambda: _dead(ear, "waiting", 2))
        (letter,) = await ear.dead()
        assert await discard(ear, letter["id"]) == (2, 0)
        await produce(broker.bootstrap, "k", accepted("k", "fourth").SerializeToString(), **heads(4))
        await until(lambda: _count(ear, 3))
    assert await ear.applied() == ["first", "second", "fourth"]


async def test_g7_a_replay_of_what_was_discarded_does_not_park_its_key_again(city: tuple[Database, Listener], broker: Kafka) -> None:
    said, ear = city
    async with ear.db.transaction() as tx:
        before = {r["part"]: r["next"] for r in await tx.fetch("select part, next from position")}
    async with ear.listening():
        await produce(broker.bootstrap, "k", b"garbage")
        await until(lambda: _dead(ear, "dead", 1))
        await discard(ear, (await ear.dead())[0]["id"])
        await say(said, accepted("k", "first"))
        await until(lambda: _count(ear, 1))
    async with ear.db.transaction() as tx:
        for part, following in before.items():
            await tx.execute("update position set next = $2 where part = $1", part, following)
    async with ear.listening():
        await say(said, accepted("k", "second"))
        await until(lambda: _count(ear, 2))
    assert await ear.applied() == ["first", "second"]
    assert await ear.dead() == []


async def test_a_redrive_that_fails_by_what_nobody_foresaw_says_so(city: tuple[Database, Listener]) -> None:
    said, ear = city
    async with ear.db.transaction() as tx:
        await tx.execute("alter table applied add constraint short check (length(name) < 5)")
    async with ear.listening():
        await say(said, accepted("a", "too long"))
        await until(lambda: _dead(ear, "dead", 1))
        (letter,) = await ear.dead()
        assert letter["attempts"] == 3
        with pytest.raises(RedriveFailed, match="CheckViolation"):
            await redrive(ear, letter["id"])
        async with ear.db.transaction() as tx:
            await tx.execute("alter table applied drop constraint short")
        assert await redrive(ear, letter["id"]) == (1, 0)
    assert await ear.applied() == ["too long"]


async def test_more_waiting_events_than_one_redrive_takes_are_redriven_one_redrive_after_the_other(
    city: tuple[Database, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, ear = city
    monkeypatch.setattr("stratapolis.chassis.dead_letters.REDRIVE_AT_MOST", 2)
    ear.bad.add("0")
    async with ear.listening():
        await say(said, *[accepted("a", f"{n}") for n in range(5)])
        await until(lambda: _dead(ear, "waiting", 4))
        ear.bad.clear()
        for applied, waiting in ((2, 3), (2, 1), (1, 0)):
            (letter,) = await ear.dead()
            assert await redrive(ear, letter["id"]) == (applied, waiting)
        await say(said, accepted("a", "5"))
        await until(lambda: _count(ear, 6))
    assert await ear.applied() == [f"{n}" for n in range(6)]


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


@pytest.mark.parametrize(
    ("what", "headers", "payload"),
    [
        ("garbage", heads(1), b"\xff\xff\xff\xff"),
        ("foreign source", heads(1, writer="data"), accepted("k", "x").SerializeToString()),
        ("another package", heads(1, event_type="city.data.v1.DataProductPublished"), b""),
        ("another major version", heads(1, event_type="city.governance.v2.ValueCreatorAccepted"), b""),
        ("no headers", {}, b"x"),
        ("a gap", heads(7), accepted("k", "x").SerializeToString()),
        ("sequence is no number", {**heads(1), "ce_sequence": "many"}, accepted("k", "x").SerializeToString()),
        ("another key", heads(1), accepted("elsewhere", "x").SerializeToString()),
    ],
)
async def test_g7_what_is_no_event_is_one_dead_letter_and_other_keys_go_on(
    city: tuple[Database, Listener], broker: Kafka, what: str, headers: dict[str, str], payload: bytes
) -> None:
    said, ear = city
    async with ear.listening():
        await produce(broker.bootstrap, "k", payload, **headers)
        await say(said, accepted("other", "goes on"))
        await until(lambda: _count(ear, 1), 5)
        await until(lambda: _dead(ear, "dead", 1), 5)
    (letter,) = await ear.dead()
    assert letter["payload"] == payload, what
    assert [name for name, _ in letter["headers"]] == list(headers)
    assert await ear.applied() == ["goes on"]


async def _count(ear: Listener, n: int, creator: str = "") -> bool:
    return len(await ear.applied(creator)) >= n


async def _dead(ear: Listener, state: str, n: int) -> bool:
    return len(await ear.dead(state)) >= n
