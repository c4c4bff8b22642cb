"""Events end to end through the chassis on a real Kafka and PostgreSQL: outbox, relay, hearing, inbox."""

from __future__ import annotations

from typing import Any

import pytest
from city.governance.v1.events_pb2 import MemberAdded
from stratapolis.chassis import outbox, positions
from stratapolis.chassis.db import Database

from services.chassis.tests.integration.listening import Listener, accepted, has_applied, say, until


async def say_and_fail(db: Database) -> None:
    async with db.transaction() as tx:
        await outbox.append(tx, accepted("a", "never"))
        raise RuntimeError


async def test_what_is_committed_is_heard_in_order(city: tuple[Database, Listener]) -> None:
    said, ear = city
    async with ear.listening():
        for n in range(20):
            await say(said, accepted("a", f"a{n}"), accepted("b", f"b{n}"), MemberAdded(creator_id="a", subject="s"))
        await until(lambda: has_applied(ear, 40))
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
        await until(lambda: has_applied(ear, 2))
    assert away == [0]
    assert await ear.applied() == ["in hand", "behind"]
    assert await ear.dead() == []


async def test_what_is_rolled_back_is_never_published(city: tuple[Database, Listener]) -> None:
    said, ear = city
    with pytest.raises(RuntimeError):
        await say_and_fail(said)
    async with ear.listening():
        await say(said, accepted("a", "first"))
        await until(lambda: has_applied(ear, 1))
    assert await ear.applied() == ["first"]


async def test_g3_a_replay_from_the_start_applies_nothing_again(city: tuple[Database, Listener]) -> None:
    said, ear = city
    async with ear.listening():
        await say(said, *[accepted("a", f"{n}") for n in range(30)])
        await until(lambda: has_applied(ear, 30, "a"))
    async with ear.db.transaction() as tx:
        before = await tx.fetch("select topic, part, next from position order by 1, 2")
        await tx.execute("update position set next = greatest(next - 30, 0)")
    async with ear.listening():
        await say(said, accepted("a", "last"))
        await until(lambda: has_applied(ear, 31, "a"))
    assert await ear.applied("a") == [*(f"{n}" for n in range(30)), "last"]
    assert len(before) == 4
