"""Raw streams: big batches to set-based handlers with a natural key. A record that is none becomes a dead letter and parks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import ConsumerRecord
from faststream.kafka import KafkaBroker
from google.protobuf.message import Message
from stratapolis.chassis import contract, dead_letters, envelope, metrics, positions
from stratapolis.chassis.app import OnBatch
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.hearing import Hearing
from stratapolis.chassis.inbox import text_key

AT_MOST = 5_000
EARS = 2


@dataclass(frozen=True, slots=True)
class Raw:
    """One raw stream of an app, ready to be applied."""

    app: str
    on: OnBatch

    async def apply(self, tx: Tx, records: Sequence[ConsumerRecord]) -> frozenset[str]:
        """Hand all that decode, and were not handed before, to the handler at once; bury the others, in this transaction."""
        events: list[Message] = []
        fresh = await positions.take(tx, records)
        metrics.EVENTS_DOUBLE.labels(self.app, records[0].topic).inc(len(records) - len(fresh))
        usual = {name: envelope.stamp_of(self.on.event, contract.topics()[name]) for name in {record.topic for record in records}}
        for record in fresh:
            try:
                if envelope.stamp(record.headers) == usual[record.topic]:
                    events.append(envelope.parse(self.on.event, record.value))
                elif (event := self._read(record)) is not None:
                    events.append(event)
            except Permanent as error:
                await self.bury(tx, record, str(error), 1)
        if events:
            await self.on.handler(events, tx=tx, at=tx.at)
            metrics.RAW_APPLIED.labels(self.app, records[0].topic).inc(len(events))
        return frozenset({records[0].topic} if events else ())

    def _read(self, record: ConsumerRecord) -> Message | None:
        found = envelope.read(record.headers)
        event = envelope.decode(found, record.value, contract.topics()[record.topic])
        return event if isinstance(event, self.on.event) else None

    async def bury(self, tx: Tx, record: ConsumerRecord, error: str, attempts: int) -> bool:
        """Put a record aside; False where it was before."""
        is_new = await dead_letters.put(tx, record, key=text_key(record), sequence=None, error=error, attempts=attempts, state="dead")
        if is_new:
            metrics.DEAD_LETTERS.labels(self.app, record.topic).inc()
        return is_new


def ears(broker: KafkaBroker, db: Database, on: OnBatch, *, app: str, instance: str | None) -> list[Hearing]:
    """What hears a raw stream for an app: two members of one group, so that one decodes while PostgreSQL works on what the other has handed it."""
    raw = Raw(app, on)
    names = [topic.name for topic in contract.topics_of(on.event, reader=app)]
    return [
        Hearing(
            broker, db, names, app=app, group=f"city-{app}-raw", apply=raw.apply, bury=raw.bury, at_most=AT_MOST,
            instance=f"{instance}-{number}" if instance else None,
        )
        for number in range(EARS)
    ]  # fmt: skip
