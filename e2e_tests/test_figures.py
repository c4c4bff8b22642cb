"""The parts of `make bench` that need a whole city run, on sizes that say nothing about speed."""

from __future__ import annotations

from benchmarks import journeys
from benchmarks import town as benchmark
from e2e_tests.conftest import Town


async def test_journeys_are_measured_from_proposed_to_live(town: Town) -> None:
    where = benchmark.Town(town.city, town.creator.founder)
    done = [*await benchmark.alone(where, 1), *await benchmark.steadily(where, 4, 10), *await benchmark.at_most(where, 3, 2)]
    assert len({one.journey_id for one in done}) == len(done) == 8
    assert all(0 < took < 60_000 for took in benchmark.took(done))
    assert journeys.held(done) >= 0


async def test_memory_counts_every_process_of_the_city(town: Town) -> None:
    used = journeys.memory(town.city)
    assert set(used) == {"launcher", *town.city.names}
    assert all(kb > 1_000 for kb in used.values())
