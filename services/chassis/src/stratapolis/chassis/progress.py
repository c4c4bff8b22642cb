"""How far an ear has come: what its metrics say of batches that were committed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from stratapolis.chassis import envelope, metrics
from stratapolis.chassis.errors import Permanent


def hop(app: str, record: ConsumerRecord) -> None:
    """How long the newest of a batch was on its way; what has no time of its own is not counted."""
    with contextlib.suppress(Permanent, ValueError):
        said_at = datetime.fromisoformat(envelope.read(record.headers).time)
        metrics.HOP_SECONDS.labels(app).observe(max(0.0, (datetime.now(UTC) - said_at).total_seconds()))


def lag(app: str, consumer: Any, offsets: Mapping[TopicPartition, int]) -> None:
    """What is still to be applied of the partitions in hand, by topic."""
    behind: dict[str, int] = {}
    for tp, offset in offsets.items():
        behind[tp.topic] = behind.get(tp.topic, 0) + max(0, (consumer.highwater(tp) or offset) - offset)
    for topic, count in behind.items():
        metrics.LAG.labels(app, topic).set(count)
