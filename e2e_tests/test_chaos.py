"""The short form of `make chaos`: a city of its own under load while it is killed, frozen and cut; and that what decides can say no."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter

import pytest
from stratapolis.cli.local.errors import LocalCityError

from e2e_tests.chaos.options import parsed
from e2e_tests.chaos.pace import AHEAD, Pace
from e2e_tests.chaos.plan import STORES, Harm, plan
from e2e_tests.chaos.previous import checked_out
from e2e_tests.chaos.verdict import Verdict
from e2e_tests.conftest import BASE, LAYERS, ROOT

PROCESSES = [f"{layer}{second}" for layer in LAYERS for second in ("", "-2")]
SHORT = ("--journeys", "10", "--kills", "3", "--observations", "4000", "--minutes", "1", "--seed", "39", "--base", str(BASE + 500))


@pytest.mark.slow
async def test_nothing_is_lost_doubled_or_hung_in_a_short_chaos() -> None:
    """In a process of its own: each city minds its children alone."""
    command = (sys.executable, "-m", "e2e_tests.chaos", *SHORT)
    ran = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        out, said = await ran.communicate()
    finally:
        if ran.returncode is None:
            ran.terminate()
            await ran.wait()
    assert ran.returncode == 0, said.decode()[-4_000:] + out.decode()
    report = json.loads(out)
    assert report["differences"] == {}
    assert report["faults"]["killed"] == 3 and len(report["faults"]) >= 3
    totals = report["totals"]
    assert (totals["journeys"], totals["uses"], totals["observations"]) == (10, 100, 4_000)
    assert totals["charges"] > 0 and totals["events"] > 100 and totals["snapshots of the books"] > 10


def test_a_seed_makes_one_plan_and_every_process_dies_before_one_dies_twice() -> None:
    made = [plan(random.Random(seed), 30, processes=PROCESSES, proxies=["kafka", "policy"], layers=LAYERS) for seed in (5, 5, 6)]
    assert made[0] == made[1] != made[2]
    killed = Counter(fault.target for fault in made[0] if fault.harm is Harm.KILL)
    assert set(killed) == {*PROCESSES, *STORES}
    assert max(killed.values()) <= 2
    assert {fault.harm for fault in made[0]} == set(Harm)


async def test_g13_the_code_of_another_release_is_what_one_replica_of_each_layer_runs() -> None:
    async with checked_out("HEAD") as previous:
        assert {process.partition("-")[0] for process in previous.processes} == set(LAYERS)
        assert len(previous.processes) == len(LAYERS) and 0 < len([p for p in previous.processes if p.endswith("-2")]) < len(LAYERS)
        old, new = min(previous.processes), min(set(PROCESSES) - previous.processes)
        assert str(previous.folder) in previous.retold(old, {"A": "b"})["PYTHONPATH"]
        assert previous.retold(new, {"A": "b"}) == {"A": "b"}
    with pytest.raises(RuntimeError, match="no-such-ref"):
        await checked_out("no-such-ref").__aenter__()


async def test_no_flow_gets_far_ahead_of_another_and_each_has_its_whole() -> None:
    pace, furthest = Pace({"fast": 50, "slow": 20}, seconds=30), 0.0

    async def go(flow: str, turns_off: int) -> None:
        nonlocal furthest
        while await pace.turn(flow):
            furthest = max(furthest, pace.share(flow) - min(pace.share("fast"), pace.share("slow")))
            for _ in range(turns_off):
                await asyncio.sleep(0)

    await asyncio.gather(go("fast", 0), go("slow", 9))
    assert pace.begun == {"fast": 50, "slow": 20}
    assert 0 < furthest <= AHEAD + 1 / 20


async def test_when_the_time_is_over_nothing_begins_any_more() -> None:
    pace = Pace({"journeys": 10, "faults": 10}, seconds=0.05)
    while await pace.turn("journeys"):
        pass
    assert 0 < pace.begun["journeys"] < 10
    assert not await pace.turn("faults")


async def test_what_is_not_equal_or_does_not_come_is_a_difference_by_name() -> None:
    async def in_vain() -> None:
        raise LocalCityError("waited 3 s in vain")

    verdict = Verdict()
    verdict.same("uses", {1, 2}, {2, 3})
    verdict.none("holds", ["j1"])
    await verdict.holds("journeys end", in_vain)
    verdict.same("events", {1}, {1})
    verdict.none("letters", [])
    assert list(verdict.differences) == ["uses: missing", "uses: too many", "holds", "journeys end"]
    assert verdict.differences["uses: missing"] == {"count": 1, "some": ["1"]}


def test_a_run_without_a_seed_gets_one_that_it_can_be_repeated_with() -> None:
    assert parsed(["--seed", "7", "--kills", "3"]).seed == 7
    assert len({parsed([]).seed for _ in range(20)}) > 1
