"""Infrastructure on a real database, with real processes that are all gone after the test."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stratapolis.cli.local.ports import CityPorts

from conftest import MakeDatabase
from services.infrastructure.tests.builders import Layer


@pytest.fixture
async def layer(make_database: MakeDatabase, tmp_path: Path, ports: CityPorts) -> AsyncIterator[Layer]:
    """The layer with a pool `city` of 4 cores and 8 GiB."""
    made = Layer(await make_database("infrastructure"), tmp_path, ports.creators)
    await made.pool()
    yield made
    await made.sweep()
    shutil.rmtree(made.provider._ground.folder)
