"""Following: every process reads a compacted topic without a group and keeps the newest message of each key in memory."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from google.protobuf.message import Message
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.readable import read_every_record
from stratapolis.chassis.relay import start_patiently
from stratapolis.chassis.stopping import pause

log = structlog.get_logger(__name__)


class Follower:
    """The newest message of each key of one event's topic. `caught_up` is set once the topic was read to its end."""

    def __init__(self, event: type[Message], bootstrap: str, heard: Callable[[Message], None] | None = None) -> None:
        read_every_record()
        (self._topic,) = (t for t in contract.topics().values() if event.DESCRIPTOR.full_name in t.types)
        self._bootstrap, self._heard = bootstrap, heard
        self._event = event.DESCRIPTOR.full_name
        self.newest: dict[str, Message] = {}
        self._sequences: dict[str, int] = {}
        self.heard_at = time.monotonic()
        self.caught_up = asyncio.Event()
        self.changed = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until `stopping`; a broker that is away is waited for."""
        while not stopping.is_set():
            consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100)
            await start_patiently(consumer, stopping)
            try:
                if not stopping.is_set():
                    await self._read(consumer, stopping)
            except (KafkaError, OSError) as error:
                log.warning("following_again_in_a_moment", topic=self._topic.name, error=repr(error))
                await pause(stopping, 0.5)
            finally:
                with contextlib.suppress(TimeoutError, KafkaError):
                    async with asyncio.timeout(3):
                        await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer, stopping: asyncio.Event) -> None:
        partitions = [TopicPartition(self._topic.name, n) for n in range(self._topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while not stopping.is_set():
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    self._take(record)
            if not self.caught_up.is_set() and all([await consumer.position(tp) >= ends[tp] for tp in partitions]):
                self.caught_up.set()

    def _take(self, record: Any) -> None:
        self.heard_at = time.monotonic()
        key = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            self.newest.pop(key, None)
            return
        try:
            found = envelope.read(record.headers)
            event = envelope.decode(found, record.value, self._topic)
        except Permanent as error:
            log.warning("not_followed", topic=self._topic.name, offset=record.offset, error=str(error))
            return
        if event is not None and found.type == self._event:
            if (found.sequence or 0) < self._sequences.get(key, 0):  # a relay that woke too late has sent it again, or the topic is read again
                return
            self._sequences[key] = found.sequence or 0
            self.newest[key] = event
            if self._heard is not None:
                self._heard(event)
            self.changed += 1

    def silent_for(self) -> float:
        """Seconds since anything was heard."""
        return time.monotonic() - self.heard_at
