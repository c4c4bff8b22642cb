"""The inbox: applies records once, in order per key. One row per (topic, key) holds the last sequence applied and whether the key is parked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import ConsumerRecord
from google.protobuf.message import Message
from stratapolis.chassis import contract, dead_letters, envelope, metrics
from stratapolis.chassis.app import On
from stratapolis.chassis.cause import Cause, because
from stratapolis.chassis.contract import Topic
from stratapolis.chassis.db import Tx
from stratapolis.chassis.envelope import Envelope
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.hearing import AGAIN, AtRecord, Waits
from stratapolis.chassis.telemetry import span
from stratapolis.chassis.validation import broken_rules

LOCK = """
    insert into inbox (topic, key) select t, k from unnest($1::text[], $2::text[]) n(t, k) order by t, k on conflict (topic, key) do update set last = inbox.last
    returning topic, key, last, parked"""
STORE = """
    update inbox i set last = n.last, parked = n.parked from unnest($1::text[], $2::text[], $3::bigint[], $4::bool[]) n(topic, key, last, parked)
    where i.topic = n.topic and i.key = n.key"""


@dataclass(slots=True)
class Entry:
    """The state of one key while a batch is applied."""

    last: int
    parked: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    """What one app hears, ready to be applied."""

    app: str
    heard: Mapping[str, On]

    async def apply(self, tx: Tx, records: Sequence[ConsumerRecord]) -> frozenset[str]:
        """Apply records in this transaction; returns the topics of which something was applied.

        The first that fails raises AtRecord, or Waits when it may do later, and the caller rolls back.
        """
        entries = await lock(tx, {(r.topic, text_key(r)) for r in records})
        counted: list[tuple[str, str]] = []
        for record in records:
            try:
                outcome = await self._one(tx, record, entries[record.topic, text_key(record)])
            except AGAIN as error:
                raise Waits(record, error) from error
            except Exception as error:
                raise AtRecord(record, error) from error
            counted.append((outcome, record.topic))
        await store(tx, entries)
        for outcome, topic in counted:
            _COUNTERS[outcome].labels(self.app, topic).inc()
        return frozenset(topic for outcome, topic in counted if outcome == "applied")

    async def bury(self, tx: Tx, record: ConsumerRecord, error: str, attempts: int) -> bool:
        """Make a dead letter of a record, in the transaction that moves its position; False where it was one before.

        Its key is parked, unless its handler takes any order.
        """
        key = text_key(record)
        entries = await lock(tx, {(record.topic, key)})
        entry = entries[record.topic, key]
        sequence, ordered = self._place(record)
        if sequence is not None and sequence <= entry.last:
            metrics.EVENTS_DOUBLE.labels(self.app, record.topic).inc()
            return False
        is_new = await dead_letters.put(tx, record, key=key, sequence=sequence, error=error, attempts=attempts, state="dead")
        if is_new:
            metrics.DEAD_LETTERS.labels(self.app, record.topic).inc()
        elif not await dead_letters.is_open(tx, record):
            return False  # a replay of what an operator has ended
        if ordered and key:
            entry.parked = True
        elif sequence is not None:
            entry.last = max(entry.last, sequence)
        await store(tx, entries)
        return is_new

    async def again(self, tx: Tx, record: ConsumerRecord, entry: Entry) -> None:
        """Apply a dead letter again; raises what its handler raises."""
        topic = contract.topics()[record.topic]
        found = envelope.read(record.headers)
        event = self._decoded(found, record, topic)
        if found.sequence is not None and found.sequence <= entry.last and self._ordered(found.type):
            return
        await self._hand(tx, found, event)
        if found.sequence is not None:
            entry.last = max(entry.last, found.sequence)

    async def _one(self, tx: Tx, record: ConsumerRecord, entry: Entry) -> str:
        if entry.parked and text_key(record):
            sequence, _ = self._place(record)
            if sequence is not None and sequence <= entry.last:
                return "double"
            put = await dead_letters.put(tx, record, key=text_key(record), sequence=sequence, error="", attempts=0, state="waiting")
            return "waiting" if put else "double"
        topic = contract.topics()[record.topic]
        found = envelope.read(record.headers)
        event = self._decoded(found, record, topic)
        if found.sequence is None:
            raise Permanent("header ce_sequence is missing")
        if found.sequence <= entry.last:
            return "double"
        if found.sequence > entry.last + 1:
            metrics.EVENTS_GAP.labels(self.app, record.topic).inc()
            raise Permanent(f"gap: sequence {found.sequence} follows {entry.last} of this key; what is between was lost or is on its way")
        entry.last = found.sequence
        return await self._hand(tx, found, event)

    def _decoded(self, found: Envelope, record: ConsumerRecord, topic: Topic) -> Message | None:
        event = envelope.decode(found, record.value, topic)
        if event is not None and (key := contract.key_of(event)) != text_key(record):
            raise Permanent(f"the record's key is not the event's, {key!r}")
        if event is not None and (broken := broken_rules(event)):
            raise Permanent(f"breaks the contract: {'; '.join(f'{b.path}: {b.message}' for b in broken)}")
        return event

    async def _hand(self, tx: Tx, found: Envelope, event: Message | None) -> str:
        on = self.heard.get(found.type)
        if on is None or event is None:
            return "skipped"
        with (
            because(Cause(correlation=found.correlation, causation=found.id, actor=found.actor)),
            span(f"hear {found.type}", found.traceparent, **{"messaging.system": "kafka", "messaging.message.id": found.id}),
        ):
            await on.handler(event, tx=tx, at=tx.at)
        return "applied"

    def _ordered(self, event_type: str) -> bool:
        on = self.heard.get(event_type)
        return on is None or on.ordered

    def _place(self, record: ConsumerRecord) -> tuple[int | None, bool]:
        """The sequence of a record and whether its handler needs order; what cannot be read, or is not the writer's, has no sequence."""
        try:
            found = envelope.read(record.headers)
        except Permanent:
            return None, True
        ours = found.source == envelope.source(contract.topics()[record.topic].writer)
        return found.sequence if ours else None, self._ordered(found.type)


_COUNTERS = {
    "applied": metrics.EVENTS_APPLIED,
    "double": metrics.EVENTS_DOUBLE,
    "skipped": metrics.EVENTS_SKIPPED,
    "waiting": metrics.EVENTS_WAITING,
}


def text_key(record: ConsumerRecord) -> str:
    """A record's key as text; bytes that are not UTF-8 or hold a NUL are escaped, so that every key can be stored."""
    return (record.key or b"").decode("utf-8", "backslashreplace").replace("\0", "\\x00")


async def lock(tx: Tx, keys: set[tuple[str, str]]) -> dict[tuple[str, str], Entry]:
    """Lock the rows of keys, in order, making those that are missing."""
    ordered = sorted(keys)
    rows = await tx.fetch(LOCK, [topic for topic, _ in ordered], [key for _, key in ordered])
    return {(row["topic"], row["key"]): Entry(row["last"], row["parked"]) for row in rows}


async def store(tx: Tx, entries: Mapping[tuple[str, str], Entry]) -> None:
    """Write the state of keys back."""
    ordered = sorted(entries.items())
    await tx.execute(STORE, [t for (t, _), _ in ordered], [k for (_, k), _ in ordered], [e.last for _, e in ordered], [e.parked for _, e in ordered])
