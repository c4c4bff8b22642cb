"""Raw streams: big batches to set-based handlers with a natural key. A record that is none becomes a dead letter and parks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import ConsumerRecord
from google.protobuf.message import Message
from stratapolis.chassis import contract, dead_letters, envelope, metrics
from stratapolis.chassis.app import OnBatch
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.inbox import text_key


@dataclass(frozen=True, slots=True)
class Raw:
    """One raw stream of an app, ready to be applied."""

    app: str
    on: OnBatch

    async def apply(self, tx: Tx, records: Sequence[ConsumerRecord]) -> frozenset[str]:
        """Hand all that decode to the handler at once; bury the others, in this transaction."""
        events: list[Message] = []
        wanted = self.on.event.DESCRIPTOR.full_name
        for record in records:
            try:
                found = envelope.read(record.headers)
                event = envelope.decode(found, record.value, contract.topics()[record.topic])
            except Permanent as error:
                await self.bury(tx, record, str(error), 1)
                continue
            if event is not None and found.type == wanted:
                events.append(event)
        if events:
            await self.on.handler(events, tx=tx, at=tx.at)
            metrics.RAW_APPLIED.labels(self.app, records[0].topic).inc(len(events))
        return frozenset({records[0].topic} if events else ())

    async def bury(self, tx: Tx, record: ConsumerRecord, error: str, attempts: int) -> bool:
        """Put a record aside; False where it was before."""
        is_new = await dead_letters.put(tx, record, key=text_key(record), sequence=None, error=error, attempts=attempts, state="dead")
        if is_new:
            metrics.DEAD_LETTERS.labels(self.app, record.topic).inc()
        return is_new
