"""Kills: at named points, and at random processes that have work of an open journey in hand."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import asyncpg
from stratapolis.chassis.crash import POINTS
from stratapolis.cli.local.city import until

from e2e_tests.conftest import LAYERS, Town

ANYWHERE = "anywhere"
OPEN = "select journey_id from journey where ended_at is null limit 1"
AWAITED = """
    select 1 from journey j, jsonb_array_elements(j.asks) a
    where j.ended_at is null and a->>'stage' = j.stage and a->>'party' = $1 and not a ? 'answer' limit 1"""
HELD = "select journey_id from hold where state = 'held'"
HELD_FOR = "select 1 from journey where ended_at is null and journey_id = any($1) limit 1"


@dataclass(slots=True)
class Kills:
    """Kills of a seed, counted by layer and place."""

    town: Town
    seed: int
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    async def at_point(self, layer: str, point: str, *, within: float = 30) -> None:
        """Wait until a process of the layer has died at an armed point; count it."""
        await self.town.died(self.town.crash_folder / f"{layer}.{point}", within=within)
        self.counted[layer, point] += 1

    async def anywhere(self, process: str, *, within: float = 30) -> bool:
        """kill -9 a process at a random moment of its work on open journeys. It counts, and is True, if such work was in hand when it was dead."""
        layer = process.partition("-")[0]
        async with _Eye(self.town, layer) as eye:
            for _ in range(self.rng.randrange(1, 4)):
                await until(eye.in_hand, f"{process} to have work in hand", within=within, every=0.003)
            await self.town.city.kill(process)
            hit = await eye.in_hand()
        self.counted[layer, ANYWHERE] += hit
        return hit

    def report(self) -> str:
        """The counts, a line a layer."""
        width = max(map(len, LAYERS))
        lines = [f"{layer:<{width}}  " + "  ".join(f"{point} {self.counted[layer, point]}" for point in (*POINTS, ANYWHERE)) for layer in LAYERS]
        return f"kills, seed {self.seed}:\n" + "\n".join(lines)


class _Eye:
    """Looks, fast, whether a layer has work of open journeys in hand: a question that it has not answered, or something that it holds."""

    def __init__(self, town: Town, layer: str) -> None:
        self._town, self._layer = town, layer
        self._connections: list[asyncpg.Connection] = []

    async def __aenter__(self) -> Self:
        for layer in ("governance", self._layer):
            self._connections.append(await asyncpg.connect(self._town.city.stores.postgres.dsn(layer)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections:
            await connection.close()

    async def in_hand(self) -> bool:
        """Whether it has."""
        governance, own = self._connections
        if self._layer == "governance":
            return bool(await governance.fetch(OPEN))
        if await governance.fetch(AWAITED, self._layer):
            return True
        held = [row["journey_id"] for row in await own.fetch(HELD)]
        return bool(held and await governance.fetch(HELD_FOR, held))
