"""A whole local city to measure: its real processes on real stores, one value creator, and the smallest service there is, proposed again and again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from string import Template
from typing import Any

import asyncpg
import grpc
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.journey_service_pb2 import BatchGetJourneysRequest, ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1.journey_pb2 import JOURNEY_STATE_LIVE
from stratapolis.chassis.ids import new_id
from stratapolis.cli.founding import settled
from stratapolis.cli.local.city import City
from stratapolis.cli.people import Identity

from benchmarks.ground import BASE, ROOT, until

MANIFEST = ROOT / "examples" / "manifests" / "street-party.yaml"
AT_ONCE = 200
BUSY = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
"""How a city says that it does not come round to it now."""


@dataclass(frozen=True, slots=True)
class Town:
    """A running city and who proposes in it."""

    city: City
    founder: Identity

    @property
    def journeys(self) -> JourneyServiceStub:
        """Governance, as the value creator meets it."""
        stub: JourneyServiceStub = self.city.stub(JourneyServiceStub, "governance", as_=self.founder)
        return stub

    async def propose(self) -> Journey:
        """Propose a free service of `runtime: none` under a name of its own; where the city is too busy it is proposed again, as clients do."""
        text = Template(MANIFEST.read_text()).substitute(name=f"s{new_id()[-12:]}")
        asked = ProposeServiceRequest(request_id=new_id(), manifest_yaml=text.encode())
        while True:
            try:
                proposed: Journey = (await settled(partial(self.journeys.ProposeService, asked))).journey
            except grpc.aio.AioRpcError as error:
                if error.code() not in BUSY:
                    raise
                await asyncio.sleep(0.1)
            else:
                return proposed

    async def ended(self, ids: Sequence[str], *, within: float = 120) -> list[Journey]:
        """These journeys once all have ended, every one of them live. The database says when: asking governance would take from what is measured."""
        connection = await asyncpg.connect(self.city.stores.postgres.dsn("governance"))
        try:
            await until(partial(all_ended, connection, list(ids)), within, every=0.02)
        finally:
            await connection.close()
        found: list[Journey] = []
        for first in range(0, len(ids), AT_ONCE):
            asked = BatchGetJourneysRequest(journey_ids=ids[first : first + AT_ONCE])
            found += (await settled(partial(self.journeys.BatchGetJourneys, asked))).journeys
        if failed := [j.journey_id for j in found if j.state != JOURNEY_STATE_LIVE]:
            raise RuntimeError(f"{len(failed)} journeys did not go live, {failed[0]} is one")
        return found


async def all_ended(connection: Any, ids: list[str]) -> bool:
    """Whether none of these is under way."""
    return not await connection.fetchval("select exists (select from journey where ended_at is null and journey_id = any($1))", ids)


@contextlib.asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """A city from nothing, with one value creator."""
    async with City(ROOT / ".city" / "bench-city", BASE, keep=False) as city:
        founder = await city.enrol("Ada")
        await city.creator("Lantern Works", founder)
        yield Town(city, founder)


def began(journey: Journey) -> float:
    """When it was proposed, by governance's clock, in seconds."""
    return float(journey.proposed_time.ToNanoseconds()) / 1e9


def went_live(journey: Journey) -> float:
    """When it ended, by governance's clock, in seconds."""
    return float(journey.ended_time.ToNanoseconds()) / 1e9


def took(journeys: Sequence[Journey]) -> list[float]:
    """Milliseconds from proposed to live."""
    return [1000 * (went_live(one) - began(one)) for one in journeys]


async def alone(where: Town, count: int) -> list[Journey]:
    """Journeys one after another, nothing else going on."""
    done = []
    for _ in range(count):
        done += await where.ended([(await where.propose()).journey_id])
    return done


async def steadily(where: Town, count: int, a_second: float) -> list[Journey]:
    """Journeys proposed at a rate, whatever becomes of those before them."""
    start = time.monotonic()
    proposing = []
    for n in range(count):
        await asyncio.sleep(max(0.0, start + n / a_second - time.monotonic()))
        proposing.append(asyncio.create_task(where.propose()))
    return await where.ended([(await one).journey_id for one in proposing])


async def together(where: Town, rounds: int, size: int) -> tuple[list[Journey], list[float]]:
    """Rounds of so many journeys proposed at the same moment, each round when the one before has ended; and the milliseconds of each from the call to live."""
    done, waited = [], []
    for _ in range(rounds):
        called = time.time()
        proposed = await asyncio.gather(*(where.propose() for _ in range(size)))
        ended = await where.ended([one.journey_id for one in proposed])
        waited += [1000 * (went_live(one) - called) for one in ended]
        done += ended
    return done, waited


async def at_most(where: Town, count: int, at_once: int) -> list[Journey]:
    """As many journeys as the city takes, so many proposals in flight."""
    free = asyncio.Semaphore(at_once)

    async def one() -> Journey:
        async with free:
            return await where.propose()

    return await where.ended([j.journey_id for j in await asyncio.gather(*(one() for _ in range(count)))])
