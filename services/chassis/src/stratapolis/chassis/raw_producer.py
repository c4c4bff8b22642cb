"""The one way around the outbox: a raw stream, whose writer awaits the broker before it answers. Only an app that the contract names writes one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from google.protobuf.message import Message
from stratapolis.chassis import cause as causes
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.relay import make_producer
from stratapolis.chassis.telemetry import traceparent

log = structlog.get_logger(__name__)
SEND_SECONDS = 5.0
STOP_SECONDS = 3.0


class BrokerAway(Refused):
    """The broker does not take events now. What was sent may still arrive: send it again, doubles are known by their natural key."""

    reason = "BROKER_AWAY"
    kind = Kind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("the broker does not take events now; send them again")


class RawProducer:
    """Writes events of raw topics for `app`. Started by the first `send`, so that a broker that is away keeps nobody from starting."""

    def __init__(self, app: str, bootstrap: str) -> None:
        self._app, self._bootstrap = app, bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._producer.stop()

    async def send(self, events: Sequence[Message]) -> None:
        """Return when the broker has all of them on disk; raises BrokerAway after a bounded wait, NotInContract for what the app may not say."""
        records = [self._record(event) for event in events]
        try:
            async with asyncio.timeout(SEND_SECONDS):
                producer = await self._started()
                sent = [await producer.send(topic, value, key, headers=heads) for topic, key, value, heads in records]
                # All are looked at, so that no failure goes unheard; shielded, since a cancelled acknowledgement would cancel the batch of others.
                found = await asyncio.shield(asyncio.gather(*sent, return_exceptions=True))
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning("raw_not_sent", error=repr(error), events=len(records))
            raise BrokerAway from error
        if failed := [one for one in found if isinstance(one, BaseException)]:
            log.warning("raw_not_sent", error=repr(failed[0]), events=len(failed))
            raise BrokerAway from failed[0]

    def _record(self, event: Message) -> tuple[str, bytes, bytes, list[tuple[str, bytes]]]:
        name = event.DESCRIPTOR.full_name
        heads = envelope.headers(
            event_id=new_id(), event_type=name, writer=self._app, at=datetime.now(UTC), sequence=1, cause=causes.current(), correlation="",
            traceparent=traceparent(),
        )  # fmt: skip
        del heads["ce_sequence"]  # a raw stream has a natural key instead
        key = contract.key_of(event).encode()
        return contract.topic_said(name, self._app).name, key, event.SerializeToString(deterministic=True), envelope.wire(heads)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = make_producer(self._bootstrap, f"{self._app}-raw")
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
        return self._producer
