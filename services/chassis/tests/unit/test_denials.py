"""Denials are counted, whatever their number; what is told of them is bounded and says nothing of what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from city.audit.v1.audit_pb2 import AccessDenied
from stratapolis.chassis.denials import TOLD_APART, Denials
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import CallerNotAllowed, NoToken, TokenExpired
from stratapolis.chassis.times import to_time

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
RPC = "city.governance.v1.JourneyService.GetJourney"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Told:
    """Takes in what is told; a transaction that fails is one whose end raises."""

    def __init__(self) -> None:
        self.events: list[AccessDenied] = []
        self.fails = False

    @asynccontextmanager
    async def transaction(self) -> Any:
        yield SimpleNamespace(at=NOW)
        if self.fails:
            raise ConnectionError("the database is away")

    async def hand(self, events: Sequence[AccessDenied], *, tx: Any, at: datetime) -> None:
        if not self.fails:
            self.events += events


async def told(denials: Denials) -> list[AccessDenied]:
    taken = Told()
    await denials.tell(taken, taken.hand)  # type: ignore[arg-type]
    return taken.events


async def test_calls_denied_alike_within_a_second_are_one_entry() -> None:
    clock = Clock()
    denials = Denials("governance", clock=clock)
    for milliseconds in (0, 400, 999):
        clock.now = NOW + timedelta(milliseconds=milliseconds)
        denials.note(RPC, "person:1", "CALLER_NOT_ALLOWED")
    (event,) = await told(denials)
    assert (event.layer, event.rpc, event.subject, event.reason, event.count) == ("governance", RPC, "person:1", "CALLER_NOT_ALLOWED", 3)
    assert to_time(event.first_time) == NOW and to_time(event.last_time) == clock.now
    assert await told(denials) == [], "told once"


async def test_another_caller_rpc_reason_or_second_is_another_entry() -> None:
    clock = Clock()
    denials = Denials("governance", clock=clock)
    for rpc, subject, reason in ((RPC, "a", "X"), (RPC, "b", "X"), (RPC, "a", "Y"), ("another", "a", "X")):
        denials.note(rpc, subject, reason)
    clock.now += timedelta(seconds=1)
    denials.note(RPC, "a", "X")
    assert len(await told(denials)) == 5


async def test_a_flood_of_different_callers_is_counted_and_makes_a_bounded_number_of_entries() -> None:
    clock = Clock()
    denials = Denials("governance", clock=clock)
    for number in range(10_000):
        clock.now = NOW + timedelta(milliseconds=number)
        denials.note(RPC, f"person:{number}", ("CALLER_NOT_ALLOWED", "TOKEN_REVOKED")[number % 2])
    events = await told(denials)
    merged = [event for event in events if event.merged]
    assert len(events) == TOLD_APART + 2
    assert sum(event.count for event in events) == 10_000
    assert {(event.subject, event.rpc, event.reason) for event in merged} == {("", RPC, "CALLER_NOT_ALLOWED"), ("", RPC, "TOKEN_REVOKED")}


async def test_what_cannot_be_told_is_told_the_next_time() -> None:
    denials, taken = Denials("governance", clock=Clock()), Told()
    denials.note(RPC, "person:1", "X")
    taken.fails = True
    with pytest.raises(ConnectionError):
        await denials.tell(taken, taken.hand)  # type: ignore[arg-type]
    denials.note(RPC, "person:1", "X")
    assert [event.count for event in await told(denials)] == [2]


class NoSuchRow(Refused):
    """What another owner's row looks like: no denial."""

    reason = "NO_SUCH_ROW"
    kind = Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("refused", "subject", "expected"),
    [
        (NoToken("none"), "", [("", "NO_TOKEN")]),
        (TokenExpired("over", subject="person:2"), "", [("person:2", "TOKEN_EXPIRED")]),
        (CallerNotAllowed("no"), "person:1", [("person:1", "CALLER_NOT_ALLOWED")]),
        (NoSuchRow("none"), "person:1", []),
        (ValueError("a fault"), "person:1", []),
    ],
)
async def test_denials_alone_are_counted_under_whom_a_token_names(refused: Exception, subject: str, expected: list[tuple[str, str]]) -> None:
    denials = Denials("governance")
    with pytest.raises(type(refused)), denials.noting(RPC, subject):
        raise refused
    assert [(event.subject, event.reason) for event in await told(denials)] == expected
