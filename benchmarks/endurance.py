"""Whether a city under load keeps its memory: each process's, while journeys and searches go on for minutes."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence

from city.value_catalog.v1.catalog_service_pb2 import SearchServicesRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub

from benchmarks import journeys, town
from benchmarks.figure import Figure, at_most
from benchmarks.town import Town

MINUTES = 2.0
RATE, SECONDS = 10, 5.0
"""Journeys a second, in spurts of so many seconds. Between two spurts all have ended, and memory is read."""
STORES = ("launcher", "kafka", "postgres")
"""What holds caches of a bounded size, which fill as they are used: shown, and not judged."""
PERCENT = 5.0
QUARTERS = 4


async def run(*, minutes: float = MINUTES, seconds: float = SECONDS) -> list[Figure]:
    """What each process holds on average in the last quarter of the time, beside the third quarter."""
    async with town.town() as where:
        live = await spurt(where, seconds)  # connections, caches, code that is loaded when it is used first
        seen: list[dict[str, int]] = []
        began = time.monotonic()
        while time.monotonic() < began + 60 * minutes or len(seen) < QUARTERS:
            live += await spurt(where, seconds)
            seen.append(await asyncio.to_thread(journeys.memory, where.city))
        took = (time.monotonic() - began) / 60
    return figures(seen, f"{live:,} journeys in {took:.1f} min")


async def spurt(where: Town, seconds: float) -> int:
    """Journeys at the rate, each followed by a search for what it offers; how many went live."""
    stub = where.city.stub(CatalogServiceStub, "value_catalog", as_=where.founder)
    ended = await town.steadily(where, round(RATE * seconds), RATE)
    for _ in ended:
        await stub.SearchServices(SearchServicesRequest(query="street party", page_size=20))
    return len(ended)


def figures(seen: Sequence[Mapping[str, int]], told: str) -> list[Figure]:
    """From readings in kB by process, one after another: the layers' growth, judged, and each process's."""
    layers = [sum(kb for name, kb in each.items() if name not in STORES) for each in seen]
    before, after = quarters(layers)
    found = [
        at_most("memory of the layers, growth from the third to the last quarter", growth(before, after), "%", PERCENT, told),
        Figure("memory of the layers, last quarter", after / 1000, "MB", note=f"{layers[0] / 1000:.0f} MB at the first reading; {told}"),
    ]
    for name in seen[0]:
        before, after = quarters([each[name] for each in seen])
        found.append(Figure(f"memory of {name}, growth", growth(before, after), "%", note=f"{before / 1000:.1f} to {after / 1000:.1f} MB"))
    return found


def quarters(readings: Sequence[int]) -> tuple[float, float]:
    """What was held in the third and in the last quarter, on average."""
    size = len(readings) // QUARTERS
    return statistics.mean(readings[-2 * size : -size]), statistics.mean(readings[-size:])


def growth(before: float, after: float) -> float:
    """In per cent."""
    return 100 * (after / before - 1)
