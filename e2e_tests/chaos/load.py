"""What goes on in the city meanwhile: journeys of every kind, uses that are charged, observations. It keeps what was acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

import httpx
from stratapolis.cli.people import Identity

from e2e_tests.chaos.options import Options
from e2e_tests.chaos.pace import Pace
from e2e_tests.conftest import Town
from e2e_tests.mixture import KINDS, Kind, Mixture, Proposed
from e2e_tests.observing import BATCH, a_counter, post, readings
from e2e_tests.paying import Paid, a_paid_service, report, subscribed

PROPOSERS, REPORTERS, THINGS = 6, 2, 3
"""How many of each go on beside each other."""
USES = 10
"""Of each report."""
DEPLOYED_EVERY, MOST_DEPLOYED = 20, 40
PLANS = ("per-lock", "capped", "monthly")
PATIENCE = 180.0
"""Seconds that a client goes on asking; after that the city hangs."""


@dataclass(slots=True)
class Load:
    """The flows, and what they were told is done."""

    town: Town
    mixture: Mixture
    paid: Paid
    subscriptions: Sequence[str]
    things: Sequence[Identity]
    rng: random.Random
    proposed: list[Proposed] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    posts: int = 0
    posted_again: int = 0
    """Posts whose answer did not come, and that were made again."""

    @classmethod
    async def made(cls, town: Town, rng: random.Random) -> Self:
        """A value creator, a live paid service with subscribers, and things; nothing flows yet."""
        mixture, paid = await Mixture.made(town, "Mixed Works", within=PATIENCE), await a_paid_service(town)
        people = [await town.city.enrol(f"cyclist {plan}") for plan in PLANS]
        subscriptions = [await subscribed(town, paid, who, plan) for who, plan in zip(people, PLANS, strict=True)]
        return cls(town, mixture, paid, subscriptions, [await a_counter(town, f"counter {number}") for number in range(THINGS)], rng)

    @staticmethod
    def wholes(options: Options) -> dict[str, int]:
        """How much of each flow a run has."""
        return {"journeys": options.journeys, "reports": options.journeys, "posts": -(-options.observations // BATCH)}

    async def flow(self, pace: Pace) -> None:
        """Everything, until each flow has its whole or the time is over."""
        first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client, asyncio.TaskGroup() as group:
            for _ in range(PROPOSERS):
                group.create_task(self._propose(pace))
            for _ in range(REPORTERS):
                group.create_task(self._report(pace))
            for thing in self.things:
                group.create_task(self._observe(pace, client, thing, first))

    async def _propose(self, pace: Pace) -> None:
        while await pace.turn("journeys"):
            number = pace.begun["journeys"]
            deployed = number % DEPLOYED_EVERY == 0 and number // DEPLOYED_EVERY <= MOST_DEPLOYED
            self.proposed.append(await self.mixture.run(Kind.DEPLOYED if deployed else self.rng.choice(KINDS)))

    async def _report(self, pace: Pace) -> None:
        while await pace.turn("reports"):
            quantities = [self.rng.randint(1, 3) for _ in range(USES)]
            self.uses += await report(self.town, self.paid, self.rng.choice(self.subscriptions), quantities, within=PATIENCE)

    async def _observe(self, pace: Pace, client: httpx.AsyncClient, thing: Identity, first: datetime) -> None:
        number = 0
        while await pace.turn("posts"):
            async with asyncio.timeout(PATIENCE):
                while not await post(self.town, client, thing, readings(first, number), replica=self.rng.randrange(2)):
                    self.posted_again += 1
                    await asyncio.sleep(0.2)
            self.posts += 1
            number += 1
