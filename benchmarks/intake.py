"""One side of the observations' race, a process of its own: `python -m benchmarks.intake ours|bare DSN BOOTSTRAP COUNT` says how many seconds it took.

Ours is what the data layer runs: its ears, its handler, its tables. The bare loop consumes, decodes and COPYs into a table without an index; it knows no
doubles, no rules, no positions, and would begin anew after a crash. Both commit every batch, on the same server with the same fsync.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from city.connectivity.v1.observations_pb2 import ThingObserved
from faststream.kafka import KafkaBroker
from stratapolis.chassis import collector, contract, raw
from stratapolis.chassis.app import OnBatch
from stratapolis.chassis.db import Database
from stratapolis.data import handlers
from stratapolis.data.taking import Limits

from benchmarks.ground import until

TOPIC = "city.connectivity.raw.v1"
BARE_TABLE = "create table bare (owner text, thing text, property text, value numeric, unit text, observed_at timestamptz)"
COLUMNS = ("owner", "thing", "property", "value", "unit", "observed_at")
BEHIND = "select coalesce(sum(next), 0) from position where topic = $1"
LIMITS = Limits(earliest=datetime(2000, 1, 1, tzinfo=UTC), quiet=timedelta(seconds=1))


async def ours(dsn: str, bootstrap: str, count: int) -> float:
    """Seconds until the positions say that `count` records were taken in."""
    broker, stopping = KafkaBroker(bootstrap, consumer_only=True, logger=None), asyncio.Event()
    async with Database(dsn, name="data") as db:
        on = OnBatch(ThingObserved, partial(handlers.on_things_observed, limits=LIMITS))
        ears = raw.ears(broker, db, on, app="data", instance=None)
        await broker.start()
        await asyncio.gather(*(ear.assigned.wait() for ear in ears))
        began = time.monotonic()
        loops = [asyncio.create_task(ear.run(stopping)) for ear in ears]
        await until(partial(taken_in, db, count), every=0.05)
        seconds = time.monotonic() - began
        stopping.set()
        await asyncio.gather(*loops)
        await broker.stop()
    return seconds


async def taken_in(db: Database, count: int) -> bool:
    """Whether so many records are behind the positions."""
    async with db.transaction(readonly=True) as tx:
        return bool(await tx.value(BEHIND, TOPIC) >= count)


async def bare(dsn: str, bootstrap: str, count: int) -> float:
    """Seconds of getmany, decode, COPY, a commit a batch."""
    connection = await asyncpg.connect(dsn)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    began = time.monotonic()
    consumer.assign([TopicPartition(TOPIC, n) for n in range(contract.topics()[TOPIC].partitions)])
    done = 0
    while done < count:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=raw.AT_MOST)).values():
            rows = [row(ThingObserved.FromString(record.value)) for record in records]
            await connection.copy_records_to_table("bare", records=rows, columns=COLUMNS)
            done += len(rows)
    seconds = time.monotonic() - began
    await consumer.stop()
    await connection.close()
    return seconds


def row(event: ThingObserved) -> tuple[str, str, str, Decimal, str, datetime]:
    """An observation as the bare table has it."""
    return event.owner, event.thing, event.property, Decimal(event.value), event.unit, datetime.fromtimestamp(event.observed_time.seconds, UTC)


if __name__ == "__main__":
    which, at, broker_at, number = sys.argv[1:]
    collector.settle()
    print(uvloop.run({"ours": ours, "bare": bare}[which](at, broker_at, int(number))))
