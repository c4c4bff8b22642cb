"""Innovation on a real database."""

import pytest

from conftest import MakeDatabase
from services.innovation.tests.builders import Layer


@pytest.fixture
async def layer(make_database: MakeDatabase) -> Layer:
    """The layer, empty."""
    return Layer(await make_database("innovation"))
