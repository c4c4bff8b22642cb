"""Governance on a migrated database of its own."""

from datetime import timedelta
from typing import Any

import pytest
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.governance.wiring import app

from services.governance.tests.integration.asking import Asking
from services.governance.tests.integration.paying import COURSE


@pytest.fixture
async def asking(make_database: Any) -> Asking:
    """Governance with stages of an hour."""
    return Asking(AppUnderTest(app(COURSE, timedelta(hours=48)), await make_database("governance")))
