"""Governance on a migrated database of its own."""

from datetime import timedelta
from typing import Any

import pytest
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.governance.domain.journey import Course
from stratapolis.governance.domain.step import Stage
from stratapolis.governance.wiring import app

from services.governance.tests.integration.asking import Asking

LAYERS = frozenset({"policy", "data", "connectivity", "infrastructure", "value_catalog"})


@pytest.fixture
async def asking(make_database: Any) -> Asking:
    """Governance with stages of an hour."""
    course = Course(layers=LAYERS, limits=dict.fromkeys(Stage, timedelta(hours=1)))
    return Asking(AppUnderTest(app(course, timedelta(hours=48)), await make_database("governance")))
