"""Clients that read from every process of every layer, and propose, without a pause and without a second try: what a mixed fleet must not fail."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from e2e_tests.conftest import Town
from e2e_tests.reads import Call, a_proposal, reads

EVERY, PROPOSED_EVERY = 0.4, 3.0
"""Seconds between two calls of one client."""


@dataclass(slots=True)
class Steady:
    """What these clients got, by process."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    """By process and what it said."""

    async def call(self, name: str, call: Call, every: float) -> None:
        """Again and again."""
        while True:
            try:
                await call()
            except grpc.aio.AioRpcError as error:
                self.failed[f"{name}: {error.code().name} {error.details()}"] += 1
            else:
                self.answered[name] += 1
            await asyncio.sleep(every)


@asynccontextmanager
async def steady(town: Town, replicas: int = 2) -> AsyncIterator[Steady]:
    """Clients of every process, until the end of the block."""
    seen = Steady()
    clients = {f"{layer}-{replica + 1}": (call, EVERY) for replica in range(replicas) for layer, call in reads(town, replica).items()}
    clients |= {f"a proposal to governance-{replica + 1}": (a_proposal(town, replica), PROPOSED_EVERY) for replica in range(replicas)}
    running = [asyncio.create_task(seen.call(name, call, every)) for name, (call, every) in clients.items()]
    try:
        yield seen
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
