"""A run of chaos: a city of two replicas of every layer, load and faults side by side, the books looked at all the time, and the verdict."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import asyncpg
from stratapolis.cli.local.city import City

from e2e_tests import books
from e2e_tests.chaos.between import Between
from e2e_tests.chaos.faults import Faults
from e2e_tests.chaos.load import Load
from e2e_tests.chaos.options import Options
from e2e_tests.chaos.pace import Pace
from e2e_tests.chaos.plan import plan
from e2e_tests.chaos.previous import checked_out
from e2e_tests.chaos.steady import Steady, steady
from e2e_tests.chaos.verdict import Verdict, judge
from e2e_tests.conftest import LAYERS, ROOT, Creator, Town

SECOND = tuple(f"{layer}-2" for layer in LAYERS)
PROCESSES = (*LAYERS, *SECOND)
STAGES = ("CLEARING", "DECIDING", "DEPLOYING", "CONNECTING", "LISTING", "RETIRING")
SETTINGS = {f"CITY_GOVERNANCE_{stage}_SECONDS": "600" for stage in STAGES} | {"CITY_CONNECTIVITY_OBSERVATIONS_PER_SECOND": "100000"}
"""A stage waits longer than a layer is away: how a journey ends is then its kind's to say."""
HEALED_WITHIN = 120.0
TOLD_EVERY, LOOKED_EVERY, LOOKED_WITHIN = 5.0, 0.2, 10.0
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


@dataclass(slots=True)
class Running:
    """A city under chaos, and what is seen of it meanwhile."""

    town: Town
    load: Load
    faults: Faults
    pace: Pace
    say: Callable[[str], None]
    snapshots: int = 0
    unbalanced: list[str] = field(default_factory=list)
    clients: Steady = field(default_factory=Steady)

    async def until_over(self, options: Options, between: Between) -> None:
        """Load and faults until both are through; the books are looked at all the while."""
        planned = plan(self.faults.rng, options.kills, processes=PROCESSES, proxies=sorted(between.proxies), layers=LAYERS)
        beside = [asyncio.create_task(self._look()), asyncio.create_task(self._tell())]
        try:
            async with steady(self.town) as self.clients, asyncio.TaskGroup() as group:
                group.create_task(self.load.flow(self.pace))
                group.create_task(self.faults.all_of(planned, self.pace))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _look(self) -> None:
        """Snapshot upon snapshot of the ledger, past the proxies; while the database is away there is none."""
        while True:
            try:
                connection = await asyncpg.connect(self.town.city.stores.postgres.dsn("governance"), timeout=5)
                try:
                    while True:
                        async with asyncio.timeout(LOOKED_WITHIN):
                            await books.a_snapshot(connection)
                        self.snapshots += 1
                        await asyncio.sleep(LOOKED_EVERY)
                finally:
                    connection.terminate()
            except AssertionError as error:
                self.unbalanced.append(str(error))
            except AWAY:
                pass
            await asyncio.sleep(LOOKED_EVERY)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TOLD_EVERY)
            self.say(", ".join(f"{flow} {self.pace.share(flow):.0%}" for flow in self.pace.begun))


async def chaos(options: Options, say: Callable[[str], None]) -> dict[str, Any] | None:
    """Run it; the report, whose `differences` are empty when nothing was lost, doubled or hung. None when a signal stopped it."""
    reports: list[dict[str, Any]] = []
    rng, began = random.Random(options.seed), time.monotonic()
    say(f"seed {options.seed}: {options.journeys} journeys, {options.kills} kills, {options.observations} observations, at most {options.minutes:g} min")
    async with _city(options, say) as (town, between):
        load = await Load.made(town, rng)
        faults = Faults(town, between, rng, say)
        pace = Pace({**load.wholes(options), "faults": _number(options.kills, between)}, seconds=60 * options.minutes)
        running, verdict = Running(town, load, faults, pace, say), Verdict()
        under_load = time.monotonic()
        try:
            await running.until_over(options, between)
        except* Exception as failed:  # noqa: BLE001 - whatever a client met is what this run is for
            verdict.none("under load", [repr(error) for error in _leaves(failed)])
        healing = time.monotonic()
        say("all faults are over: waiting until everything has ended, then counting")
        await _healed(town, between, verdict)
        if not verdict.differences:
            verdict = await judge(town, load)
        if not options.kills:
            verdict.none("calls that failed though nothing was hurt", dict(running.clients.failed))
        verdict.none("money that did not balance", running.unbalanced)
        seconds = {"before": under_load - began, "under load": healing - under_load, "after": time.monotonic() - healing}
        reports.append(_report(options, running, verdict, seconds))
    return reports[0] if reports else None


@asynccontextmanager
async def _city(options: Options, say: Callable[[str], None]) -> AsyncIterator[tuple[Town, Between]]:
    between = Between(options.base, PROCESSES)
    async with AsyncExitStack() as stack:
        ways = [between.retold]
        if options.mixed:
            previous = await stack.enter_async_context(checked_out(options.mixed))
            say(f"code of {options.mixed} runs {', '.join(sorted(previous.processes))}")
            ways.append(previous.retold)

        def retold(process: str, told: dict[str, str]) -> dict[str, str]:
            return reduce(lambda known, way: way(process, known), ways, told)

        crash_folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-"))
        city = City(
            ROOT / ".city" / f"chaos-{options.base}", options.base, keep=False, settings=SETTINGS, retold=retold, say=say,
            artefacts=[ROOT / "examples", ROOT / "e2e_tests" / "programs"], replicas=dict.fromkeys(LAYERS, 2),
            only={name: {"CITY_INSTANCE": ""} for name in SECOND},
        )  # fmt: skip
        between.join(city)
        async with between, city:
            founder = await city.enrol("Ada")
            creator = Creator(await city.creator("Lantern Works", founder), founder)
            yield Town(city, creator, Path(crash_folder), ROOT), between


async def _healed(town: Town, between: Between, verdict: Verdict) -> None:
    """Nothing is in the way any more, and every process is there."""
    between.heal()
    for name in town.city.names:
        await verdict.holds(f"{name} comes back", lambda name=name: town.city.until_ready(name, within=HEALED_WITHIN))  # type: ignore[misc]


def _number(kills: int, between: Between) -> int:
    return len(plan(random.Random(0), kills, processes=PROCESSES, proxies=sorted(between.proxies), layers=LAYERS))


def _leaves(failed: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [leaf for error in failed.exceptions for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])]


def _report(options: Options, running: Running, verdict: Verdict, seconds: dict[str, float]) -> dict[str, Any]:
    harms: Counter[str] = Counter()
    for (harm, _), number in running.faults.done.items():
        harms[harm] += number
    back = sorted(running.faults.back_after)
    return {
        "seed": options.seed,
        "asked": {what: getattr(options, what) for what in ("journeys", "kills", "observations", "minutes", "mixed")},
        "totals": verdict.totals | {"posts made again": running.load.posted_again, "snapshots of the books": running.snapshots},
        "calls without a second try": {"answered": running.clients.answered.total(), "failed": running.clients.failed.total()},
        "kinds": dict(Counter(one.kind.value for one in running.load.proposed)),
        "faults": dict(harms),
        "killed": {target: number for (harm, target), number in sorted(running.faults.done.items()) if harm == "killed"},
        "seconds until back after a kill": {"median": round(back[len(back) // 2], 1), "most": round(back[-1], 1)} if back else {},
        "seconds": {part: round(value, 1) for part, value in seconds.items()},
        "differences": verdict.differences,
    }
