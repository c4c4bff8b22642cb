"""The ground of the benchmarks: real stores on ports of their own, databases with the chassis's tables."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

from stratapolis.chassis import topics
from stratapolis.chassis.db import Database
from stratapolis.chassis.migrate import migrate
from stratapolis.cli.local.kafka import Kafka
from stratapolis.cli.local.postgres import Postgres
from stratapolis.cli.local.stores import Stores

ROOT = Path(__file__).parents[1]
BASE = 14_000


class Ground(Protocol):
    """Both stores, running."""

    kafka: Kafka
    postgres: Postgres


@contextlib.asynccontextmanager
async def stores(base: int = BASE) -> AsyncIterator[Ground]:
    """Kafka with the contract's topics and PostgreSQL, from nothing."""
    async with Stores(ROOT / ".city" / f"bench-{base}", base, keep=False) as running:
        await topics.make(running.kafka.bootstrap)
        yield running


@contextlib.asynccontextmanager
async def database(running: Ground, layer: str, *, size: int = 8) -> AsyncIterator[Database]:
    """A fresh, migrated database of a layer."""
    name = f"bench_{layer}"
    await running.postgres.drop_database(name)
    dsn = await running.postgres.create_database(name)
    async with Database(dsn, name=layer, size=size) as db:
        await migrate(db, ROOT / "services" / layer / "migrations")
        yield db


async def until(condition: Callable[[], Any], seconds: float = 300, *, every: float = 0.005) -> None:
    """Wait for an async condition, looking every 5 ms unless said."""
    ends = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"waited {seconds:g} s in vain")
        await asyncio.sleep(every)
