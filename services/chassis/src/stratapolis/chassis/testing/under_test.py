"""An app on a real, migrated database: events are delivered through its inbox, what it says is read from its outbox."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from aiokafka import ConsumerRecord
from google.protobuf.message import Message
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.app import App, Every, On, OnBatch
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.db import Database
from stratapolis.chassis.hearing import AtRecord, Waits
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.inbox import Inbox
from stratapolis.chassis.jobs import job_name

SAID = "select id, topic, payload, headers from outbox where id > $1 order by id"


def record(topic: str, key: str, payload: bytes | None, headers: dict[str, str], *, partition: int = 0, offset: int = 0) -> ConsumerRecord:
    """A record as the broker would give it."""
    return ConsumerRecord(topic, partition, offset, 0, 0, key.encode(), payload, None, len(key), len(payload or b""), tuple(envelope.wire(headers)))


@dataclass(slots=True)
class AppUnderTest:
    """`deliver` events, `run` jobs by name, read what was `published` since the last time."""

    app: App
    db: Database
    _inbox: Inbox = field(init=False)
    _sequences: dict[tuple[str, str], count[int]] = field(default_factory=lambda: defaultdict(lambda: count(1)))
    _offsets: count[int] = field(default_factory=count)
    _seen: int = 0

    def __post_init__(self) -> None:
        self._inbox = Inbox(self.app.name, {on.event.DESCRIPTOR.full_name: on for on in self.app.hears if isinstance(on, On)})

    def as_record(self, event: Message, *, writer: str = "", sequence: int | None = None) -> ConsumerRecord:
        """The record of an event from `writer` (needed where several layers say it), with its key's next sequence."""
        name = event.DESCRIPTOR.full_name
        topic = next(t for t in contract.topics().values() if name in t.types and writer in ("", t.writer) and t.writer != self.app.name)
        key = contract.key_of(event)
        number = next(self._sequences[topic.name, key]) if sequence is None else sequence
        heads = envelope.headers(
            event_id=new_id(), event_type=name, writer=topic.writer, at=datetime.now(UTC), sequence=number, cause=Cause(), correlation="", traceparent=""
        )
        return record(topic.name, key, event.SerializeToString(), heads, offset=next(self._offsets))

    async def deliver(self, *events: Message, writer: str = "") -> None:
        """Apply events as the consumer would, all in one transaction; raises what a handler raised."""
        await self.apply(*(self.as_record(event, writer=writer) for event in events))

    async def apply(self, *records: ConsumerRecord) -> None:
        """Apply records in one transaction; raises what a handler raised."""
        try:
            async with self.db.transaction() as tx:
                await self._inbox.apply(tx, records)
        except (AtRecord, Waits) as failed:
            raise (failed.__cause__ or failed) from None

    async def deliver_raw(self, *events: Message) -> None:
        """Hand events of a raw stream to their handler, in one transaction."""
        (on,) = (on for on in self.app.hears if isinstance(on, OnBatch) and isinstance(events[0], on.event))
        async with self.db.transaction() as tx:
            await on.handler(list(events), tx=tx, at=tx.at)

    async def run(self, name: str) -> None:
        """Run the job whose name ends so, once."""
        (every,) = (every for every in self.app.every if job_name(every).rpartition(".")[2] == name)
        if isinstance(every, Every):
            async with self.db.transaction() as tx:
                await every.job(tx=tx, at=tx.at)
        else:
            await every.work(self.db)

    async def published(self) -> list[Message]:
        """What the app has said since the last time, in order."""
        async with self.db.transaction() as tx:
            rows = await tx.fetch(SAID, self._seen)
        if rows:
            self._seen = rows[-1]["id"]
        return [contract.topics()[r["topic"]].types[r["headers"]["ce_type"]].FromString(r["payload"]) for r in rows]
