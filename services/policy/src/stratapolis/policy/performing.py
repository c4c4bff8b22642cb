"""Judges agreed metrics by the newest values of periods that are over, and says what was missed."""

from datetime import datetime

from google.protobuf.message import Message
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.ids import new_id
from stratapolis.policy.codec import performance as codec
from stratapolis.policy.domain.performance import Failure, Reading, judge
from stratapolis.policy.store import performance

AT_ONCE = 200
"""Values that one run judges; what is left waits for the next."""


async def judge_due(*, tx: Tx, at: datetime) -> None:
    """Judge values that have changed since they were judged last, where their period is over."""
    readings = await performance.to_judge(tx, at, AT_ONCE)
    found: list[tuple[Reading, bool]] = [(reading, verdict) for reading in readings if (verdict := judge(reading)) is not None]
    failures = [Failure(failure_id=new_id(), reading=reading, raised_at=at) for reading, missed in found if missed]
    kept = [reading for reading, missed in found if not missed]
    await performance.put(tx, failures)
    await performance.withdraw(tx, [reading.failure_id or "" for reading in kept], at)
    facts: list[Message] = [*map(codec.raised, failures), *map(codec.withdrawn, kept)]
    await outbox.append(tx, *facts)
    if readings:
        await performance.judged(tx, readings)
