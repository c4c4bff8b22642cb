"""What all tests have in common: a test's folder says what it needs."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
MARKERS = {"unit": pytest.mark.unit, "integration": pytest.mark.integration, "e2e_tests": pytest.mark.e2e}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder, so that `-m unit` needs no line in any test."""
    for item in items:
        for folder, marker in MARKERS.items():
            if folder in item.path.relative_to(ROOT).parts:
                item.add_marker(marker)
