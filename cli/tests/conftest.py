"""What the tests of the local city share: one real Kafka and PostgreSQL for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from stratapolis.cli.local.stores import Stores

STORES = 21000
OWN = 21500
"""For tests that bring up a city or a store of their own."""


@pytest.fixture(scope="session")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stores]:
    async with Stores(tmp_path_factory.mktemp("city"), STORES, keep=False) as stores:
        yield stores
