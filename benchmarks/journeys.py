"""Journeys of free services without software through the whole local city, and what that city costs while nobody uses it."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from city.governance.v1.journey_pb2 import Journey
from stratapolis.cli.local.city import City, wipe
from stratapolis.cli.local.process import descendants

from benchmarks import town
from benchmarks.figure import Figure, at_least, at_most, quantile
from benchmarks.ground import BASE, ROOT

ALONE, RATE, SECONDS, MOST, AT_ONCE = 40, 40, 12, 600, 16
ROUNDS, CROWD = 8, 50
GIGABYTE = 1_000_000  # in kB, as /proc has it


async def run(*, alone: int = ALONE, seconds: float = SECONDS, most: int = MOST) -> list[Figure]:
    """Alone, at 40 a second, and as many as it takes."""
    async with town.town() as where:
        await town.alone(where, min(alone, 5))  # connections and caches
        calm = town.took(await town.alone(where, alone))
        steady = await town.steadily(where, round(RATE * seconds), RATE)
        full = await town.at_most(where, most, AT_ONCE)
    took = town.took(steady)
    return [
        at_most("journey alone, proposed to live, p50", quantile(calm, 0.5), "ms", 200),
        Figure("journey alone, proposed to live, p99", quantile(calm, 0.99), "ms"),
        at_least("journeys at 40/s, live a second", held(steady), "1/s", RATE * 0.95, "counted without the first and the last tenth of the run"),
        Figure("journeys at 40/s, p50", quantile(took, 0.5), "ms"),
        Figure("journeys at 40/s, p99", quantile(took, 0.99), "ms"),
        at_least("journeys at saturation, live a second", most / (max(map(town.went_live, full)) - min(map(town.began, full))), "1/s", 60),
    ]


async def crowd(*, rounds: int = ROUNDS, size: int = CROWD) -> list[Figure]:
    """Fifty value creators who propose at the same moment."""
    async with town.town() as where:
        await town.together(where, 1, size)  # connections and caches
        journeys, waited = await town.together(where, rounds, size)
    took, last = town.took(journeys), [max(waited[first : first + size]) for first in range(0, len(waited), size)]
    return [
        Figure(f"{size} journeys at once, proposed to live, p50", quantile(took, 0.5), "ms", note=f"{rounds} rounds"),
        Figure(f"{size} journeys at once, proposed to live, p99", quantile(took, 0.99), "ms"),
        Figure(f"{size} journeys at once, call to live, p99", quantile(waited, 0.99), "ms", note="as a client waits for it"),
        Figure(f"{size} journeys at once, all live, p50 of the rounds", quantile(last, 0.5), "ms"),
    ]


def held(journeys: list[Journey]) -> float:
    """Journeys that went live a second while they were being proposed: what is not held piles up and comes after."""
    first, last = min(map(town.began, journeys)), max(map(town.began, journeys))
    edge = (last - first) / 10
    return sum(first + edge <= town.went_live(one) < last - edge for one in journeys) / (last - first - 2 * edge)


async def at_rest() -> list[Figure]:
    """How long a city takes to be up, from nothing and with its data there; and what it holds in memory."""
    folder = ROOT / ".city" / "bench-rest"
    await asyncio.to_thread(wipe, folder)
    first, _ = await up(folder)
    again, used = await up(folder)
    await asyncio.to_thread(wipe, folder)
    return [
        at_most("city up, from nothing", first, "s", 20, "jars and environment are there"),
        at_most("city up again, its data there", again, "s", 20),
        at_most("city at rest, memory", sum(used.values()) / GIGABYTE, "GB", 1.3, ", ".join(f"{name} {kb // 1000} MB" for name, kb in used.items())),
    ]


async def up(folder: Path) -> tuple[float, dict[str, int]]:
    """Seconds until a city is up, and its memory then."""
    start = time.monotonic()
    async with City(folder, BASE) as city:
        seconds, used = time.monotonic() - start, memory(city)
    return seconds, used


def memory(city: City) -> dict[str, int]:
    """Proportional set size in kB of everything the city runs, its launcher included: pages that processes share are counted once."""
    found = {"launcher": proportional(os.getpid())}
    for name in city.names:
        pid = city.process(name).pid
        found[name] = sum(proportional(one) for one in (pid, *descendants(pid)))
    return found


def proportional(pid: int) -> int:
    """A process's proportional set size in kB; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
