"""Events that cannot be applied, on a real Kafka and PostgreSQL: their keys wait, others go on, operators end them."""

from __future__ import annotations

import pytest
from city.governance.v1.events_pb2 import ValueCreatorAccepted
from stratapolis.chassis.db import Database
from stratapolis.chassis.dead_letters import DeadLetterEnded, RedriveFailed
from stratapolis.cli.local.kafka import Kafka

from services.chassis.tests.integration.listening import Listener, accepted, discard, has_applied, has_died, heads, produce, redrive, say, until


async def test_g7_a_bad_event_parks_its_key_alone_and_a_redrive_applies_it_in_order(city: tuple[Database, Listener]) -> None:
    said, ear = city
    ear.bad.add("poison")
    async with ear.listening():
        await say(said, accepted("a", "before"), accepted("a", "poison"), accepted("a", "behind"), accepted("b", "other"))
        await until(lambda: has_applied(ear, 2))
        await until(lambda: has_died(ear, "waiting", 1))
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
        await until(lambda: has_applied(ear, 5))
        with pytest.raises(DeadLetterEnded):
            await redrive(ear, letter["id"])
    assert await ear.applied("a") == ["before", "poison", "behind", "after"]


async def test_g7_a_discarded_event_is_given_up_and_what_waits_behind_it_goes_on(city: tuple[Database, Listener]) -> None:
    said, ear = city
    ear.bad.add("poison")
    async with ear.listening():
        await say(said, accepted("a", "poison"), accepted("a", "behind"))
        await until(lambda: has_died(ear, "waiting", 1))
        (letter,) = await ear.dead()
        assert await discard(ear, letter["id"]) == (1, 0)
        await say(said, accepted("a", "after"))
        await until(lambda: has_applied(ear, 2))
    assert await ear.applied("a") == ["behind", "after"]


@pytest.mark.parametrize("headers", [heads(1, writer="data"), {**heads(1), "ce_actor": "größer"}], ids=["foreign", "unreadable"])
async def test_g7_an_impostor_with_the_next_sequence_does_not_cost_the_real_event(
    city: tuple[Database, Listener], broker: Kafka, headers: dict[str, str]
) -> None:
    said, ear = city
    async with ear.listening():
        await produce(broker.bootstrap, "k", accepted("k", "false").SerializeToString(), **headers)
        await until(lambda: has_died(ear, "dead", 1))
        await say(said, accepted("k", "real"))
        await until(lambda: has_died(ear, "waiting", 1))
        (letter,) = await ear.dead()
        assert await discard(ear, letter["id"]) == (1, 0)
    assert await ear.applied() == ["real"]


async def test_g5_what_was_missing_in_a_gap_is_applied_when_it_has_come_though_the_event_behind_the_gap_is_given_up(
    city: tuple[Database, Listener], broker: Kafka
) -> None:
    said, ear = city
    async with ear.listening():
        await produce(broker.bootstrap, "k", accepted("k", "third").SerializeToString(), **heads(3))
        await until(lambda: has_died(ear, "dead", 1))
        await say(said, accepted("k", "first"), accepted("k", "second"))
        await until(lambda: has_died(ear, "waiting", 2))
        (letter,) = await ear.dead()
        assert await discard(ear, letter["id"]) == (2, 0)
        await produce(broker.bootstrap, "k", accepted("k", "fourth").SerializeToString(), **heads(4))
        await until(lambda: has_applied(ear, 3))
    assert await ear.applied() == ["first", "second", "fourth"]


async def test_g7_a_replay_of_what_was_discarded_does_not_park_its_key_again(city: tuple[Database, Listener], broker: Kafka) -> None:
    said, ear = city
    async with ear.db.transaction() as tx:
        before = {r["part"]: r["next"] for r in await tx.fetch("select part, next from position")}
    async with ear.listening():
        await produce(broker.bootstrap, "k", b"garbage")
        await until(lambda: has_died(ear, "dead", 1))
        await discard(ear, (await ear.dead())[0]["id"])
        await say(said, accepted("k", "first"))
        await until(lambda: has_applied(ear, 1))
    async with ear.db.transaction() as tx:
        for part, following in before.items():
            await tx.execute("update position set next = $2 where part = $1", part, following)
    async with ear.listening():
        await say(said, accepted("k", "second"))
        await until(lambda: has_applied(ear, 2))
    assert await ear.applied() == ["first", "second"]
    assert await ear.dead() == []


async def test_a_redrive_that_fails_by_what_nobody_foresaw_says_so(city: tuple[Database, Listener]) -> None:
    said, ear = city
    async with ear.db.transaction() as tx:
        await tx.execute("alter table applied add constraint short check (length(name) < 5)")
    async with ear.listening():
        await say(said, accepted("a", "too long"))
        await until(lambda: has_died(ear, "dead", 1))
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
        await until(lambda: has_died(ear, "waiting", 4))
        ear.bad.clear()
        for applied, waiting in ((2, 3), (2, 1), (1, 0)):
            (letter,) = await ear.dead()
            assert await redrive(ear, letter["id"]) == (applied, waiting)
        await say(said, accepted("a", "5"))
        await until(lambda: has_applied(ear, 6))
    assert await ear.applied() == [f"{n}" for n in range(6)]


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
        await until(lambda: has_applied(ear, 1), 5)
        await until(lambda: has_died(ear, "dead", 1), 5)
    (letter,) = await ear.dead()
    assert letter["payload"] == payload, what
    assert [name for name, _ in letter["headers"]] == list(headers)
    assert await ear.applied() == ["goes on"]
