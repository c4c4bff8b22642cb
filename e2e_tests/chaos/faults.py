"""Doing to a city what is planned, two faults at a time, and seeing that what was hurt is back."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError
from stratapolis.cli.local.errors import LocalCityError

from e2e_tests.chaos.between import Between
from e2e_tests.chaos.pace import Pace
from e2e_tests.chaos.plan import Fault, Harm
from e2e_tests.conftest import Town
from e2e_tests.intruder import an_intruder

AT_ONCE = 2
BACK_WITHIN = 90.0


@dataclass(slots=True)
class Faults:
    """What was done, counted; `say` gets a line for each."""

    town: Town
    between: Between
    rng: random.Random
    say: Callable[[str], None]
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By harm and target."""
    back_after: list[float] = field(default_factory=list)
    """Seconds from a kill until the process said that it is ready."""

    async def all_of(self, planned: Sequence[Fault], pace: Pace) -> None:
        """Do them in order, as the pace lets them."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one(fault: Fault) -> None:
            try:
                await self.do(fault)
            finally:
                free.release()

        async with asyncio.TaskGroup() as group:
            for fault in planned:
                await free.acquire()
                if not await pace.turn("faults"):
                    return
                group.create_task(one(fault))

    async def do(self, fault: Fault) -> None:
        """Do one and wait until it is over."""
        self.say(f"{fault.target}: {fault.harm.value}" + (f" for {fault.seconds:.1f} s" if fault.seconds else ""))
        if fault.harm is Harm.KILL:
            await self._kill(fault.target)
        elif fault.harm is Harm.FREEZE:
            await self._freeze(fault)
        elif fault.harm is Harm.REBALANCE:
            await self._rebalance(fault.target)
        else:
            await self._cut(fault)
        self.done[fault.harm.value, fault.target] += 1

    async def _kill(self, name: str) -> None:
        await self.town.city.until_ready(name, within=BACK_WITHIN)
        began = time.monotonic()
        await self.town.city.kill(name)
        await self.town.city.until_ready(name, within=BACK_WITHIN)
        self.back_after.append(time.monotonic() - began)

    async def _freeze(self, fault: Fault) -> None:
        city = self.town.city
        process = city.process(fault.target)
        process.freeze()
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            process.thaw()

    async def _rebalance(self, layer: str) -> None:
        topic = "city.policy.v1" if layer == "governance" else "city.governance.v1"
        try:
            async with asyncio.timeout(20), an_intruder(self.town, layer, topic):
                pass
        except (KafkaError, LocalCityError, TimeoutError, OSError) as error:  # the broker is away: nothing to join
            self.say(f"{layer}: nobody joined its group, {type(error).__name__}")

    async def _cut(self, fault: Fault) -> None:
        proxy = self.between[fault.target]
        if fault.harm is Harm.RESET:
            proxy.reset(share=fault.amount, rng=self.rng)
        elif fault.harm is Harm.HALF_OPEN:
            proxy.half_open()
        else:
            self._begin(fault)
            await asyncio.sleep(fault.seconds)
            proxy.heal()

    def _begin(self, fault: Fault) -> None:
        proxy = self.between[fault.target]
        if fault.harm is Harm.STALL:
            proxy.stall()
        elif fault.harm is Harm.DELAY:
            proxy.delay = fault.amount
        else:
            proxy.cut_after = int(fault.amount)
