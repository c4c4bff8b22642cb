"""Policy on a real database."""

import pytest

from conftest import MakeDatabase
from services.policy.tests.builders import Layer


@pytest.fixture
async def layer(make_database: MakeDatabase) -> Layer:
    """The layer, founded by nobody yet; funding above 1000 is large."""
    return Layer(await make_database("policy"))
