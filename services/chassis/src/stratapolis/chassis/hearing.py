"""The ear of an app: FastStream owns connection, group and lifecycle; the loop and the positions are ours (docs/hazards/delivery.md)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from stratapolis.chassis import crash, metrics, positions, progress
from stratapolis.chassis.db import TRANSIENT, Database, Tx
from stratapolis.chassis.errors import Permanent, Refused, Transient
from stratapolis.chassis.pausing import Pausing
from stratapolis.chassis.positions import Lost
from stratapolis.chassis.readable import read_every_record
from stratapolis.chassis.stopping import pause

log = structlog.get_logger(__name__)
AGAIN = (*TRANSIENT, Transient)
"""What goes away by itself."""
TRIES = 3
"""How often an event is tried whose handler raises something nobody foresaw."""
TRANSIENT_SECONDS = 300.0
"""How long one event may stay transient while the database answers."""
DRAIN_SECONDS = 20.0
TELL_SECONDS = 1.0
"""How often lag tools are told: each commit of an offset costs client and broker as much as an event."""
_PLACE = attrgetter("topic", "partition")

Apply = Callable[[Tx, Sequence[ConsumerRecord]], Awaitable[frozenset[str]]]
"""Returns the topics of which something had its effect."""
Bury = Callable[[Tx, ConsumerRecord, str, int], Awaitable[bool]]
"""Whether it is a dead letter now that was none before."""


class AtRecord(Exception):
    """A record's handling failed; says which, so that the others can go on."""

    def __init__(self, record: ConsumerRecord, error: Exception) -> None:
        super().__init__(repr(error))
        self.record, self.error = record, error


class Waits(Transient):
    """A record's handling met something transient; says which, so that it does not hold up the others for ever."""

    def __init__(self, record: ConsumerRecord, error: Exception) -> None:
        super().__init__(repr(error))
        self.record = record


class Hearing(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer group of one app over some topics. `apply` gets the open transaction and records; `bury` one that cannot be applied."""

    def __init__(
        self,
        broker: KafkaBroker,
        db: Database,
        topics: Sequence[str],
        *,
        app: str,
        group: str,
        apply: Apply,
        bury: Bury,
        at_most: int = 50,
        instance: str | None = None,
        pausing: Pausing | None = None,
    ) -> None:
        read_every_record()
        self._db, self._app, self._apply, self._bury, self._at_most = db, app, apply, bury, at_most
        self.pausing = pausing
        self._next: dict[TopicPartition, int] = {}
        self._in_hand = asyncio.Lock()
        self._commit: asyncio.Task[None] | None = None
        self._untold, self._told, self._shown = False, 0.0, 0.0
        self._waiting_since: tuple[tuple[str, int, int], float] | None = None
        self.beat = time.monotonic()
        self.assigned = asyncio.Event()
        self._subscriber = broker.subscriber(
            *topics, batch=True, ack_policy=AckPolicy.MANUAL, listener=self, group_id=group, group_instance_id=instance, auto_offset_reset="earliest",
            session_timeout_ms=30_000 if instance else 10_000, heartbeat_interval_ms=1_000, rebalance_timeout_ms=90_000,
        )  # fmt: skip

    async def run(self, stopping: asyncio.Event) -> None:
        """Between broker.start() and broker.stop(); returns with nothing in hand."""
        consumer: Any = self._subscriber.consumer
        failures, adrift = 0, False
        while not stopping.is_set():
            self.beat = time.monotonic()
            self._show_lag(consumer)
            try:
                if adrift:  # the consumer is past what was not applied: nothing is read before it stands again where the database says
                    await self._seek(consumer.assignment())
                    adrift = False
                if self.pausing is not None:
                    await self.pausing.look(consumer)
                got: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(timeout_ms=1_000, max_records=self._at_most)
                if got and not stopping.is_set():
                    async with self._in_hand:
                        heard, held = self._parted([r for records in got.values() for r in records])
                        await self._take(heard)
                        await self._try(held)
                    self._untold = True
                self._tell(consumer)
                failures = 0
            except (Lost, *AGAIN, KafkaError) as error:
                failures, adrift = failures + 1, True
                log.warning("hearing_again_in_a_moment", error=repr(error))
                await pause(stopping, min(0.1 * 2**failures, 5))
                with contextlib.suppress(Lost, *AGAIN):
                    if isinstance(error, Waits):
                        await self._weary(error)

    def _show_lag(self, consumer: Any) -> None:
        """Once a second, whether anything could be applied or not."""
        if self.beat - self._shown > TELL_SECONDS:
            self._shown = self.beat
            progress.lag(self._app, consumer, {tp: self._next[tp] for tp in consumer.assignment() if tp in self._next})

    async def _weary(self, error: Waits) -> None:
        """An event that stays transient for five minutes while the database answers is permanent."""
        place = (error.record.topic, error.record.partition, error.record.offset)
        if self._waiting_since is None or self._waiting_since[0] != place:
            self._waiting_since = (place, time.monotonic())
        elif time.monotonic() - self._waiting_since[1] > TRANSIENT_SECONDS:
            await self._alone(error.record, f"still transient after {TRANSIENT_SECONDS:.0f} s: {error}", TRIES)

    def _ahead(self, records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
        """Those that are not behind the positions."""
        ahead: list[ConsumerRecord] = []
        for place, found in groupby(records, _PLACE):
            after = self._next.get(TopicPartition(*place), 0)
            ahead += [record for record in found if record.offset >= after]
        return ahead

    async def _take(self, records: list[ConsumerRecord]) -> None:
        """Apply records: all together; if one fails, those before it together, it alone, those behind it together."""
        records = self._ahead(records)
        while records:
            failed = await self._together(records)
            if failed is None:
                return
            at, error = failed
            if at:
                failed_again = await self._together(records[:at])
                if failed_again is not None:
                    raise Transient(f"a batch failed at another place when redone: {failed_again[1]!r}")
            await self._one(records[at], error)
            records, held = self._parted(records[at + 1 :])
            self._back(held)

    async def _try(self, held: list[ConsumerRecord]) -> None:
        """Of each paused topic one record, or as many as it takes to see whether its events can be applied again; the others later."""
        for topic in sorted({record.topic for record in held}):
            if self.pausing is None or not await self.pausing.may_try(topic):
                continue
            for record in held:
                if record.topic == topic:
                    await self._take([record])
                    if await self.pausing.has_shown(topic):
                        break
            else:
                await self.pausing.try_more(topic)
        self._back(held)

    def _parted(self, records: list[ConsumerRecord]) -> tuple[list[ConsumerRecord], list[ConsumerRecord]]:
        """Records of topics that are heard, and those of paused ones."""
        paused = frozenset[str]() if self.pausing is None else self.pausing.topics
        if not paused:
            return records, []
        return [r for r in records if r.topic not in paused], [r for r in records if r.topic in paused]

    def _back(self, records: list[ConsumerRecord]) -> None:
        """Have them fetched again, those of them that were not applied."""
        for tp in {_tp(record) for record in records} & self._next.keys():
            with contextlib.suppress(IllegalStateError):
                self._subscriber.consumer.seek(tp, self._next[tp])  # type: ignore[union-attr]

    async def _together(self, records: list[ConsumerRecord]) -> tuple[int, Exception] | None:
        """One transaction for all. Returns the place and error of the first that failed; transient failures and Lost are raised."""
        moves = self._moves(records)
        place = 0
        began = time.monotonic()
        try:
            async with self._db.transaction() as tx:
                await positions.move(tx, moves)
                applied = await self._apply(tx, records)
                await self._say(tx, records)
                crash.at("after-effect-before-commit", self._app)
            crash.at("while-holding", self._app)
        except (Lost, *AGAIN):
            raise
        except AtRecord as failed:
            place = records.index(failed.record)
            return place, failed.error
        self._next.update({tp: after for tp, (_, after) in moves.items()})
        if self.pausing is not None:
            self.pausing.applied(applied)
        metrics.BATCH_SECONDS.labels(self._app).observe(time.monotonic() - began)
        progress.hop(self._app, records[-1])
        return None

    async def _say(self, tx: Tx, records: Sequence[ConsumerRecord]) -> None:
        """Write what the records' handlers said; what cannot be written is tried record by record, since all said it together."""
        try:
            await tx.end()
        except AGAIN:
            raise
        except Exception as error:
            raise AtRecord(records[0], error) from error

    async def _one(self, record: ConsumerRecord, error: Exception) -> None:
        """One record that failed in its batch: tried again unless it is permanent, then buried."""
        attempts = 1
        while not isinstance(error, Permanent | Refused) and attempts < TRIES:
            await asyncio.sleep(0.05 * 2**attempts)
            failed = await self._together([record])
            if failed is None:
                return
            error, attempts = failed[1], attempts + 1
        if not isinstance(error, Permanent | Refused):
            log.error("unforeseen", topic=record.topic, offset=record.offset, exc_info=error)
        await self._alone(record, f"{type(error).__name__}: {error}", attempts)

    async def _alone(self, record: ConsumerRecord, error: str, attempts: int) -> None:
        moves = self._moves([record])
        async with self._db.transaction() as tx:
            await positions.move(tx, moves)
            if await self._bury(tx, record, error, attempts) and self.pausing is not None:
                await self.pausing.died(tx, record.topic, error)
        self._next.update({tp: after for tp, (_, after) in moves.items()})
        log.warning("dead_letter", topic=record.topic, partition=record.partition, offset=record.offset, error=error, attempts=attempts)

    def _moves(self, records: Sequence[ConsumerRecord]) -> dict[TopicPartition, tuple[int, int]]:
        moves: dict[TopicPartition, tuple[int, int]] = {}
        for place, found in groupby(records, _PLACE):
            tp, run = TopicPartition(*place), list(found)
            if tp not in self._next:
                raise Lost(f"{tp} is not ours")
            if tp not in moves and run[0].offset > self._next[tp]:
                metrics.OFFSETS_MISSING.labels(self._app, tp.topic).inc(run[0].offset - self._next[tp])
                log.error("offsets_missing", topic=tp.topic, partition=tp.partition, next=self._next[tp], found=run[0].offset)
            moves[tp] = (self._next[tp], run[-1].offset + 1)
        return moves

    def _tell(self, consumer: Any) -> None:
        """Kafka's own commit is for lag tools: behind the work, one in flight, at most one a second, its failure is harmless."""
        if self._untold and time.monotonic() - self._told > TELL_SECONDS and (self._commit is None or self._commit.done()):
            self._untold, self._told = False, time.monotonic()
            offsets = {tp: self._next[tp] for tp in consumer.assignment() if tp in self._next}
            self._commit = asyncio.create_task(_bounded(consumer.commit(offsets)))
            self._commit.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _seek(self, assigned: Any) -> None:
        if not assigned:
            return
        found = await positions.load(self._db, assigned)
        for tp, offset in found.items():
            with contextlib.suppress(IllegalStateError):
                self._subscriber.consumer.seek(tp, offset)  # type: ignore[union-attr]
                self._next[tp] = offset

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Wait, bounded, for work in hand: nothing is done twice."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS), self._in_hand:
                for tp in revoked:
                    self._next.pop(tp, None)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Read on from where the database says; what could not be sought the compare-and-set catches."""
        with contextlib.suppress(*AGAIN):
            await self._seek(assigned)
        self.assigned.set()


def _tp(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


async def _bounded(commit: Any) -> None:
    async with asyncio.timeout(10):
        await commit
