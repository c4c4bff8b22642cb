"""G1: every accepted proposal ends exactly once, whatever dies on its way."""

from __future__ import annotations

import asyncio
import os
from itertools import product

import pytest
from city.journey.v1 import journey_pb2 as shared
from stratapolis.chassis.crash import POINTS

from e2e_tests import records
from e2e_tests.conftest import IN_JOURNEYS, PROCESSES, Town
from e2e_tests.kills import ANYWHERE, Kills
from e2e_tests.mixture import AMOUNT, ENDS, KINDS, Kind, Mixture, Proposed

JOURNEYS = 200
SEED = int(os.environ.get("STRATAPOLIS_E2E_SEED", "20261124"))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_g1_every_journey_ends_once_though_every_layer_is_killed_at_every_point_and_anywhere(town: Town) -> None:
    mixture, kills = await Mixture.made(town, "Mixed Works"), Kills(town, SEED)
    plan = list(product(IN_JOURNEYS, POINTS))
    kills.rng.shuffle(plan)
    aimed = [process for process in PROCESSES if process.partition("-")[0] in IN_JOURNEYS]
    kills.rng.shuffle(aimed)
    proposed: list[Proposed] = []
    while plan or aimed:
        at = plan.pop() if plan else None
        anywhere = next((process for process in aimed if at is None or process.partition("-")[0] != at[0]), None) if len(plan) % 3 == 0 else None
        wave, hit = await _one_wave(town, mixture, kills, at, anywhere)
        proposed += wave
        if anywhere and hit:
            aimed.remove(anywhere)
    ended = await town.ended([one.journey_id for one in proposed], within=120)
    print(f"\n{kills.report()}")
    assert len(proposed) >= JOURNEYS
    assert set(+kills.counted) == {(layer, place) for layer in IN_JOURNEYS for place in (*POINTS, ANYWHERE)}
    kinds = {one.journey_id: one.kind for one in proposed}
    assert [(kinds[j.journey_id], j.state, list(j.reasons)) for j in ended.values() if j.state != ENDS[kinds[j.journey_id]]] == []
    assert all(len({r.layer for r in j.reasons}) >= 3 for j in ended.values() if kinds[j.journey_id] is Kind.REFUSED)
    assert await records.not_ended_once(town, list(kinds)) == {}
    await _left_right(town, proposed)


async def _one_wave(town: Town, mixture: Mixture, kills: Kills, at: tuple[str, str] | None, anywhere: str | None) -> tuple[list[Proposed], bool]:
    """Journeys of all kinds, a kill at a named point, and now and then one anywhere, which may miss; all is back at the end."""
    if at:
        town.arm(*at)
    async with asyncio.TaskGroup() as group:
        wave = group.create_task(mixture.wave([*KINDS, *([Kind.DEPLOYED] if anywhere else [])]))
        if at:
            group.create_task(kills.at_point(*at))
        hit = group.create_task(kills.anywhere(anywhere)) if anywhere else None
    await town.healthy()
    return wave.result(), bool(hit and hit.result())


async def _left_right(town: Town, proposed: list[Proposed]) -> None:
    """What did not go live holds nothing anywhere, what did has its record everywhere, sums are right, nothing is parked."""
    live = {one.service_id for one in proposed if ENDS[one.kind] == shared.JOURNEY_STATE_LIVE}
    gone = {one.service_id for one in proposed} - live
    await records.until_right(town, live, gone)
    held = await town.holds(shared.HOLD_STATE_HELD, shared.HOLD_STATE_ACTIVE)
    assert not {hold.service_id for found in held.values() for hold in found} & gone
    assert await records.open_dead_letters(town, live | gone) == []
    money = await town.rows("policy", "select service_id, amount from reservation where committed and service_id = any($1)", sorted(live))
    assert {row["service_id"] for row in money} == {one.service_id for one in proposed if one.kind in (Kind.APPROVED, Kind.DEPLOYED)}
    assert {row["amount"] for row in money} == {AMOUNT}
