"""Topics as they are on the broker: read from their first record by a plain consumer, and written to as nobody should."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from stratapolis.chassis import contract
from stratapolis.chassis.readable import read_every_record

Headers = Sequence[tuple[str, bytes]]
OUTBOX_TOPICS = tuple(sorted(name for name, topic in contract.topics().items() if name != "city.connectivity.raw.v1"))
"""Topics whose every record was a row of its writer's outbox before."""
TEST = "x-test"
"""A header of records that tests wrote and that no outbox has."""


async def read(bootstrap: str, *topics: str) -> list[ConsumerRecord]:
    """Every record of these topics, partition by partition, up to where they ended when this began."""
    read_every_record()
    partitions = [TopicPartition(name, number) for name in topics for number in range(contract.topics()[name].partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for tp, start in starts.items():  # aiokafka's seek_to_beginning may lose against its own reset to the end
            consumer.seek(tp, start)
        found: list[ConsumerRecord] = []
        while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
            for tp, records in (await consumer.getmany(*behind, timeout_ms=1_000)).items():
                found += [record for record in records if record.offset < ends[tp]]
        return sorted(found, key=lambda r: (r.topic, r.partition, r.offset))
    finally:
        await consumer.stop()


async def ends(bootstrap: str) -> dict[tuple[str, int], int]:
    """Where every topic's partitions end now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        found = await consumer.end_offsets([TopicPartition(name, number) for name, topic in contract.topics().items() for number in range(topic.partitions)])
        return {(tp.topic, tp.partition): end for tp, end in found.items()}
    finally:
        await consumer.stop()


def header(record: ConsumerRecord, name: str) -> str:
    """A header's text; empty if there is none."""
    return next((value.decode("ascii", "replace") for found, value in record.headers if found == name), "")


class RawName(str):
    """A header name that is no text: each letter stands for one byte."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The bytes, whatever encoding is asked for."""
        return super().encode("latin-1")


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a record that a test wrote lies."""

    topic: str
    partition: int
    offset: int


def is_said(record: ConsumerRecord) -> bool:
    """Whether a layer said it: a test's sound records have a header of their own, and what has no id is no event at all."""
    return bool(header(record, "ce_id")) and not header(record, TEST)


@contextlib.asynccontextmanager
async def writer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A plain producer that takes anything."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=8 << 20)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, topic: str, value: bytes | None, key: str, headers: Headers) -> Sent:
    """Write one record, in a batch of its own; where it lies."""
    at = await producer.send_and_wait(topic, value, key.encode(), headers=list(headers))
    return Sent(at.topic, at.partition, at.offset)


async def send_as_one(producer: AIOKafkaProducer, topic: str, key: str, records: Sequence[tuple[bytes, Headers]]) -> list[Sent]:
    """Write records of one key in one batch; header names may be a RawName, which aiokafka's fast builder does not take."""
    partitions = sorted(await producer.partitions_for(topic))
    partition = DefaultPartitioner()(key.encode(), partitions, partitions)
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(  # noqa: SLF001
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20
    )
    for value, headers in records:
        batch.append(key=key.encode(), value=value, timestamp=None, headers=list(headers))
    batch.close()
    at = await (await producer.send_batch(batch, topic, partition=partition))
    return [Sent(at.topic, at.partition, at.offset + number) for number in range(len(records))]
