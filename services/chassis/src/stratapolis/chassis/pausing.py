"""A topic whose events become dead letters one after another is paused for this app: then the code is wrong, not the data, and going on would
only bury more of them. What comes meanwhile stays on the topic. Once a minute an event is tried; the first that can be applied ends the pause,
or an operator does (`pauses_rpc`). Raw streams are never paused: that would be a way to stop the city (docs/hazards/poison.md).

The pause is a row, so that it holds for every process of the app and for those after it. How the last events ended each process remembers by itself.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import structlog
from aiokafka.errors import IllegalStateError
from stratapolis.chassis import metrics
from stratapolis.chassis.db import Database, Tx

log = structlog.get_logger(__name__)
STREAK = 30
"""Dead letters in a row that pause a topic."""
WINDOW = 100
"""Of so many events that had an outcome, more than half dead letters pause it too."""
PROBE_AFTER = timedelta(minutes=1)
LOOK_SECONDS = 1.0
"""How often the rows are read: another process may have paused a topic, an operator resumed it."""

ALLOWED = "update pause set allowed = allowed - 1 where topic = $1 and paused_at is null and allowed > 0"
PAUSE = """
    insert into pause (topic, paused_at, error, probe_at) values ($1, now(), $2, now() + $3)
    on conflict (topic) do update set paused_at = now(), error = excluded.error, probe_at = excluded.probe_at where pause.paused_at is null"""
PAUSED = "select topic, probe_at <= now() as due from pause where paused_at is not null"
CLAIM = "update pause set probe_at = now() + $2 where topic = $1 and paused_at is not null and probe_at <= now()"
MORE = "update pause set probe_at = now() where topic = $1 and paused_at is not null"
RESUME = "update pause set paused_at = null, allowed = $2 where topic = $1 and paused_at is not null"


class Fuse:
    """How the last events of one topic ended; blows when too many of them are dead letters."""

    def __init__(self, streak: int = STREAK) -> None:
        self._at_most, self._streak = streak, 0
        self._last: deque[bool] = deque(maxlen=WINDOW)

    def applied(self) -> None:
        """One had its effect."""
        self._streak = 0
        self._last.append(True)

    def died(self) -> bool:
        """One became a dead letter; whether that was one too many."""
        self._streak += 1
        self._last.append(False)
        return self._streak >= self._at_most or (len(self._last) == WINDOW and self._last.count(False) > WINDOW / 2)


class Pausing:
    """The pauses of one consumer: which of its topics are paused, and what is tried meanwhile."""

    def __init__(self, app: str, db: Database, *, streak: int = STREAK, probe_after: timedelta = PROBE_AFTER) -> None:
        self._app, self._db, self._streak, self._probe_after = app, db, streak, probe_after
        self._fuses: dict[str, Fuse] = {}
        self._due: set[str] = set()
        self._looked = 0.0
        self._verdicts: dict[str, bool] = {}
        self.topics: frozenset[str] = frozenset()

    def applied(self, topics: Iterable[str]) -> None:
        """Events of these topics had their effect."""
        for topic in topics:
            self._fuse(topic).applied()
            self._verdicts[topic] = True

    async def died(self, tx: Tx, topic: str, error: str) -> None:
        """An event became a dead letter, in this transaction; with one too many the topic is paused, in the same."""
        self._verdicts[topic] = False
        if not self._fuse(topic).died() or topic in self.topics or await tx.execute(ALLOWED, topic) == "UPDATE 1":
            return
        await tx.execute(PAUSE, topic, error[:2000], self._probe_after)
        self.topics |= {topic}
        metrics.PAUSED.labels(self._app, topic).set(1)
        log.error("paused", topic=topic, error=error, probe_seconds=self._probe_after.total_seconds())

    async def look(self, consumer: Any) -> None:
        """Have the consumer fetch nothing of what is paused, unless an event of it is to be tried."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            async with self._db.transaction(readonly=True) as tx:
                due = {row["topic"]: bool(row["due"]) for row in await tx.fetch(PAUSED)}
            self._looked, self._due = time.monotonic(), {topic for topic, is_due in due.items() if is_due}
            for topic in self.topics - due.keys():
                self._fuses.pop(topic, None)
                log.info("resumed", topic=topic)
            for topic in self.topics ^ due.keys():
                metrics.PAUSED.labels(self._app, topic).set(topic in due)
            self.topics = frozenset(due)
        stopped = consumer.paused()
        for tp in consumer.assignment():
            wanted = tp.topic in self.topics - self._due
            if wanted != (tp in stopped):
                with contextlib.suppress(IllegalStateError):
                    (consumer.pause if wanted else consumer.resume)(tp)

    async def may_try(self, topic: str) -> bool:
        """Whether this process is the one to try the next event of a paused topic; no other does for a minute."""
        self._verdicts.pop(topic, None)
        self._due.discard(topic)
        async with self._db.transaction() as tx:
            return await tx.execute(CLAIM, topic, self._probe_after) == "UPDATE 1"

    async def has_shown(self, topic: str) -> bool:
        """Whether what was tried has shown anything; an event that was applied ends the pause. One of no interest, or that waits for its key, has not."""
        verdict = self._verdicts.get(topic)
        if verdict is None:
            return False
        log.info("probed", topic=topic, applied=verdict)
        if verdict:
            async with self._db.transaction() as tx:
                await resume(tx, topic)
            self._looked = 0.0
        return True

    async def try_more(self, topic: str) -> None:
        """What was there has shown nothing: try what comes next, without waiting for the minute."""
        self._due.add(topic)
        async with self._db.transaction() as tx:
            await tx.execute(MORE, topic)

    def _fuse(self, topic: str) -> Fuse:
        return self._fuses.setdefault(topic, Fuse(self._streak))


async def resume(tx: Tx, topic: str, allowed: int = 0) -> bool:
    """End a pause; False where there is none."""
    return await tx.execute(RESUME, topic, allowed) == "UPDATE 1"
