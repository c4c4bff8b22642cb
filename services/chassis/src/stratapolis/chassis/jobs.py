"""What runs on a clock: each run on one replica only, bounded, in its own transaction or, for effects on the world, under a session's lock."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable

import structlog
from stratapolis.chassis import metrics
from stratapolis.chassis.app import Every, Tends
from stratapolis.chassis.db import TRANSIENT, Database
from stratapolis.chassis.stopping import pause

log = structlog.get_logger(__name__)
WAIT_AT_MOST = 30.0


def job_name(every: Every | Tends) -> str:
    """The name of a job in locks, metrics and logs."""
    work = every.job if isinstance(every, Every) else every.work
    return str(getattr(getattr(work, "func", work), "__qualname__", type(work).__name__))


async def run(every: Every | Tends, db: Database, app: str, stopping: asyncio.Event) -> None:
    """Run it until `stopping`; a failure is logged, counted and tried again at the next turn, later and later."""
    name, failures = job_name(every), 0
    while not stopping.is_set():
        try:
            if isinstance(every, Every):
                await _turn(_in_transaction(every, db, name), app, name)
            else:
                await _lead(every, db, app, name, stopping)
            failures = 0
        except Exception as error:
            failures += 1
            metrics.JOB_FAILED.labels(app, name).inc()
            if isinstance(error, TRANSIENT):
                log.warning("job_again", job=name, error=repr(error))
            else:
                log.exception("job_failed", job=name)
        await pause(stopping, min(every.period.total_seconds() * 2 ** min(failures, 6), max(WAIT_AT_MOST, every.period.total_seconds())))


async def _turn(work: Awaitable[None], app: str, name: str) -> None:
    began = time.monotonic()
    await work
    metrics.JOB_SECONDS.labels(app, name).observe(time.monotonic() - began)


async def _in_transaction(every: Every, db: Database, name: str) -> None:
    async with db.transaction() as tx:
        if await tx.value("select pg_try_advisory_xact_lock($1)", _lock(name)):
            await every.job(tx=tx, at=tx.at)


async def _lead(tends: Tends, db: Database, app: str, name: str, stopping: asyncio.Event) -> None:
    """Hold the job's session lock, if it is free, and work again and again; losing the connection loses the lock."""
    async with db.direct() as connection:
        while not stopping.is_set() and await connection.fetchval("select pg_try_advisory_lock($1)", _lock(name)):
            await _turn(tends.work(db), app, name)
            await connection.fetchval("select pg_advisory_unlock($1)", _lock(name))
            await pause(stopping, tends.period.total_seconds())


def _lock(name: str) -> int:
    return 0x5741_0000_0000 + zlib.crc32(name.encode())
