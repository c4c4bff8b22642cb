"""What runs on a clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from city.connectivity.v1.revocations_pb2 import Revoked
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.times import to_timestamp
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain.audit import seal
from stratapolis.connectivity.keeping import cut_connections

log = structlog.get_logger(__name__)
BATCH = 1_000
SEALS_A_TURN = 10
SLACK = timedelta(minutes=5)
BY = "layer:connectivity"


async def say_heartbeat(*, tx: Tx, at: datetime) -> None:
    """Let every follower of revocations hear that nothing is wrong with the feed."""
    await outbox.append(tx, Revoked(subject=codec.HEARTBEAT, before_time=to_timestamp(at)))


async def end_connections(*, tx: Tx, at: datetime) -> None:
    """Sever connections whose time is over."""
    await cut_connections(tx, await store.connections.ended(tx, at, BATCH), "ended", by=BY, at=at)


async def drop_assertions(*, tx: Tx, at: datetime) -> None:
    """Forget assertions that have expired, with time to spare for clocks that differ."""
    await store.tokens.drop_assertions(tx, at - SLACK)


async def seal_audit(*, tx: Tx, at: datetime) -> None:
    """Seal what is not sealed yet, and publish the seals; the next turn takes what is left of very much."""
    for _ in range(SEALS_A_TURN):
        records = await store.audit.unsealed(tx, BATCH)
        if not records:
            return
        made = seal(await store.audit.newest_seal(tx), records, at=at)
        await store.audit.add_seal(tx, made, [record.number for record in records])
        await outbox.append(tx, codec.sealed(made))
        log.info("audit_sealed", number=made.number, hash=made.hash, records=made.records)
