"""Denied calls, counted in memory and told once a second: who was denied what and why, how often, and nothing of what was asked.

A denial costs a look-up in a dictionary, however many there are; what a flood makes is bounded by how many callers, RPCs and reasons
are told apart. What a process that is killed had not told yet is in its log and its metrics alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from city.audit.v1.audit_pb2 import AccessDenied
from stratapolis.chassis import outbox
from stratapolis.chassis.db import TRANSIENT, Database, Tx
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import TokenInvalid
from stratapolis.chassis.stopping import pause
from stratapolis.chassis.times import to_timestamp

log = structlog.get_logger(__name__)
DENYING = frozenset({Kind.UNAUTHENTICATED, Kind.DENIED})
TOLD_APART = 500
"""Denials that differ, between two tellings; more are counted by RPC and reason alone."""
TELL_EVERY = 1.0
MERGED = -1

Key = tuple[str, str, str, int]
"""RPC, subject, reason, second; MERGED in place of the second where subjects and seconds are not told apart."""
Hand = Callable[..., Awaitable[None]]
"""`async def on_denials(events, *, tx, at)`: takes what was denied in."""


@dataclass(slots=True)
class _Alike:
    """Calls that were denied alike: in the same second, of the same caller, for the same reason."""

    count: int
    first: datetime
    last: datetime


async def say(events: list[AccessDenied], *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Hand denials to the audit trail as every layer does, by its own topic."""
    await outbox.append(tx, *events)


class Denials:
    """What this process denied and has not told yet."""

    def __init__(self, app: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._app, self._clock = app, clock
        self._seen: dict[Key, _Alike] = {}

    def note(self, rpc: str, subject: str, reason: str) -> None:
        """Count one."""
        at = self._clock()
        self._add((rpc, subject, reason, int(at.timestamp())), _Alike(1, at, at))

    @contextlib.contextmanager
    def noting(self, rpc: str, subject: str = "") -> Iterator[None]:
        """Count the denial that the block ends with, if it does; a token that was refused names its subject itself."""
        try:
            yield
        except Refused as refused:
            if refused.kind in DENYING:
                self.note(rpc, subject or (refused.subject if isinstance(refused, TokenInvalid) else ""), refused.reason)
            raise

    async def tell(self, db: Database, hand: Hand = say) -> None:
        """Tell what was counted, in one transaction. If it fails, it is told the next time."""
        if not self._seen:
            return
        told, self._seen = self._seen, {}
        try:
            async with db.transaction() as tx:
                await hand([self._event(key, alike) for key, alike in told.items()], tx=tx, at=tx.at)
        except BaseException:
            for key, alike in told.items():
                self._add(key, alike)
            raise

    async def run(self, db: Database, hand: Hand, stopping: asyncio.Event) -> None:
        """Tell once a second until `stopping`, and then what is left: each process for itself, since each counts for itself."""
        while True:
            await pause(stopping, TELL_EVERY)
            is_last = stopping.is_set()
            try:
                await self.tell(db, hand)
            except TRANSIENT as error:
                log.warning("denials_not_told", differing=len(self._seen), error=repr(error))
            except Exception:
                log.exception("denials_not_told", differing=len(self._seen))
            if is_last:
                return

    def _event(self, key: Key, alike: _Alike) -> AccessDenied:
        rpc, subject, reason, second = key
        times = {"first_time": to_timestamp(alike.first), "last_time": to_timestamp(alike.last)}
        return AccessDenied(layer=self._app, rpc=rpc, subject=subject, reason=reason, count=alike.count, merged=second == MERGED, **times)

    def _add(self, key: Key, alike: _Alike) -> None:
        if key not in self._seen and len(self._seen) >= TOLD_APART:
            rpc, _, reason, _ = key
            key = (rpc, "", reason, MERGED)
        if (kept := self._seen.get(key)) is None:
            self._seen[key] = alike
        else:
            kept.count, kept.first, kept.last = kept.count + alike.count, min(kept.first, alike.first), max(kept.last, alike.last)
