"""Raw streams on a real database: what a reading from an earlier position brings again is taken once."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from city.connectivity.v1.observations_pb2 import ThingObserved
from stratapolis.chassis import envelope, positions
from stratapolis.chassis.app import OnBatch
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.raw import Raw
from stratapolis.chassis.testing.under_test import record

TOPIC = "city.connectivity.raw.v1"
PLACE = TopicPartition(TOPIC, 0)


class Stream:
    """A raw stream whose handler notes the values that it is handed."""

    def __init__(self, db: Database) -> None:
        self.db, self.handed = db, list[str]()
        self.raw = Raw("data", OnBatch(ThingObserved, self.note))

    async def note(self, events: Sequence[ThingObserved], *, tx: Tx, at: datetime) -> None:
        self.handed += [event.value for event in events]

    async def read(self, seen: int, *records: ConsumerRecord) -> None:
        """Apply records as the consumer does that stands at `seen`."""
        async with self.db.transaction() as tx:
            await positions.move(tx, {PLACE: (seen, records[-1].offset + 1)})
            await self.raw.apply(tx, records)


@pytest.fixture
async def stream(make_database: Any) -> Stream:
    db = await make_database("data")
    await positions.load(db, [PLACE])
    return Stream(db)


def a_reading(offset: int, value: str) -> ConsumerRecord:
    heads = envelope.headers(
        event_id=f"e{offset}", event_type=ThingObserved.DESCRIPTOR.full_name, writer="connectivity", at=datetime(2026, 1, 1, tzinfo=UTC), sequence=1,
        cause=Cause(), correlation="", traceparent="",
    )  # fmt: skip
    del heads["ce_sequence"]
    return record(TOPIC, "t", ThingObserved(thing="t", owner="o", property="pm25", value=value).SerializeToString(), heads, offset=offset)


async def test_g3_a_replay_of_a_raw_stream_hands_nothing_over_again(stream: Stream) -> None:
    first, correction, third = a_reading(0, "1"), a_reading(1, "2"), a_reading(2, "3")
    await stream.read(0, first, correction)
    async with stream.db.transaction() as tx:
        await tx.execute("update position set next = 0")
    await stream.read(0, first)
    await stream.read(1, correction, third)
    assert stream.handed == ["1", "2", "3"]


async def test_what_was_rolled_back_is_handed_over_again(stream: Stream) -> None:
    with pytest.raises(positions.Lost):
        await stream.read(7, a_reading(0, "1"))
    with contextlib.suppress(ZeroDivisionError):
        async with stream.db.transaction() as tx:
            await stream.raw.apply(tx, [a_reading(0, "1")])
            raise ZeroDivisionError
    await stream.read(0, a_reading(0, "1"))
    assert stream.handed == ["1", "1"]
