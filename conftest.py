"""What all tests have in common: a test's folder says what it needs, and the stores it stands on are real."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from stratapolis.chassis.db import Database
from stratapolis.chassis.migrate import migrate
from stratapolis.cli.local.kafka import Kafka
from stratapolis.cli.local.ports import CityPorts
from stratapolis.cli.local.postgres import Postgres
from stratapolis.cli.local.stores import wipe
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent
TOGETHER = ("e2e_tests/", "cli/tests/integration/")
"""Folders whose tests share one city, or ports: they run in one process, one after the other."""
MARKERS = {"unit": pytest.mark.unit, "integration": pytest.mark.integration, "e2e_tests": pytest.mark.e2e}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder, so that `-m unit` needs no line in any test."""
    for item in items:
        for folder, marker in MARKERS.items():
            if folder in item.path.relative_to(ROOT).parts:
                item.add_marker(marker)


class Together(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """Tests beside each other: a file's in one process, and those of the folders above."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """How tests are handed to processes when there are several."""
    return Together(config, log)


MakeDatabase = Callable[[str], Awaitable[Database]]


@pytest.fixture(scope="session")
def ports() -> CityPorts:
    """The ports of this test process: STRATAPOLIS_TEST_BASE, and 500 further for each worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return CityPorts(int(os.environ.get("STRATAPOLIS_TEST_BASE", "20000")) + 500 * worker)


@pytest.fixture(scope="session")
async def postgres(ports: CityPorts) -> AsyncIterator[Postgres]:
    """A real PostgreSQL for the whole session."""
    folder = ROOT / ".city" / f"test-postgres-{ports.postgres}"
    wipe(folder)
    async with Postgres(folder / "postgres", ports.postgres, log=folder / "log" / "postgres.log") as running:
        yield running
    wipe(folder)


@pytest.fixture(scope="session")
async def kafka(ports: CityPorts) -> AsyncIterator[Kafka]:
    """A real Apache Kafka for the whole session."""
    folder = ROOT / ".city" / f"test-kafka-{ports.kafka}"
    wipe(folder)
    async with Kafka(folder / "kafka", ports.kafka, ports.kafka_controller, log=folder / "log" / "kafka.log") as running:
        yield running
    wipe(folder)


_NUMBERS = count(1)


@pytest.fixture
async def make_database(postgres: Postgres) -> AsyncIterator[MakeDatabase]:
    """`await make_database("governance")`: a fresh database with the layer's migrations, dropped after the test."""
    async with AsyncExitStack() as stack:

        async def make(layer: str) -> Database:
            name = f"test_{layer}_{next(_NUMBERS)}"
            dsn = await postgres.create_database(name)
            stack.push_async_callback(postgres.drop_database, name)
            db = await stack.enter_async_context(Database(dsn, name=layer))
            await migrate(db, ROOT / "services" / layer / "migrations")
            return db

        yield make
