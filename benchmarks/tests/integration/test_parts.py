"""Every part of the benchmarks that needs no whole city runs, on sizes that say nothing about speed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from stratapolis.cli.local.ports import CityPorts

from benchmarks import events, observations
from benchmarks.figure import Figure
from benchmarks.ground import Ground, stores


@pytest.fixture(scope="module")
async def ground(ports: CityPorts) -> AsyncIterator[Ground]:
    """Stores of its own, since figures count what is on a topic."""
    async with stores(ports.base + 40) as running:
        yield running


def values(figures: list[Figure]) -> dict[str, float]:
    """Figures by name."""
    return {figure.what: figure.value for figure in figures}


async def test_relay_backlog_and_hop_are_measured(ground: Ground) -> None:
    found = [*await events.relay(ground, events=500, rounds=1), *await events.backlog(ground, events=500, rounds=1), *await events.hop(ground, events=20)]
    assert len(values(found)) == len(found) == 8
    assert all(figure.value > 0 for figure in found)


async def test_observations_are_measured_and_exact_after_a_kill(ground: Ground) -> None:
    found = values(await observations.measure(ground, 9_000, 100, rounds=1))
    assert found["observations after kill -9 in the middle"] == 9_000
