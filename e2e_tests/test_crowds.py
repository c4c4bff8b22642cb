"""Crowds: what is scarce is given out to the last bit, and never twice."""

from __future__ import annotations

import asyncio

import pytest
from city.governance.v1 import journey_pb2
from city.infrastructure.v1.pool_pb2 import Amount
from city.infrastructure.v1.pool_service_pb2 import RegisterPoolRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from city.journey.v1 import journey_pb2 as shared
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import until

from e2e_tests import records
from e2e_tests.conftest import Town, patiently
from e2e_tests.mixture import AMOUNT, DECIDED_OR_OVER, Mixture, granted

CROWD, ROOM = 50, 12
"""So many ask at once, and so many of them fit."""
CPU = 10


@pytest.mark.slow
async def test_of_fifty_that_reserve_at_once_as_many_go_on_as_fit_and_the_sum_is_the_capacity(town: Town) -> None:
    mixture = await Mixture.made(town, "Crowded House")
    pool = f"pool-{new_id()[-8:]}"
    stub = town.city.stub(PoolServiceStub, "infrastructure")
    asked = RegisterPoolRequest(request_id=new_id(), name=pool, capacity=Amount(cpu_millis=ROOM * CPU, memory_mib=ROOM * 64))
    await patiently(lambda: stub.RegisterPool(asked))
    source = await granted(town, ROOM * AMOUNT)
    software = f"{{process: {{artefact: quiet, health: /, pool: {pool}, cpuMillis: {CPU}, memoryMib: 64}}}}"
    for_room = [mixture.manifest(runtime=software) for _ in range(CROWD)]
    for_money = [mixture.manifest(source=source) for _ in range(CROWD)]
    journeys = await asyncio.gather(*(town.propose(text, as_=mixture.creator.founder) for pair in zip(for_room, for_money, strict=True) for text in pair))
    ids = {"room": [j.journey_id for j in journeys[::2]], "money": [j.journey_id for j in journeys[1::2]]}
    for what, code in (("room", "NO_CAPACITY"), ("money", "FUNDING_EXHAUSTED")):
        found = await _decided(town, ids[what])
        winners = [j.journey_id for j in found if j.state == shared.JOURNEY_STATE_DECIDING]
        assert len(winners) == ROOM, (what, [r.code for j in found for r in j.reasons])
        assert {r.code for j in found for r in j.reasons} == {code}
        ids[what] = winners
    used = await town.rows("infrastructure", "select used_cpu_millis, used_memory_mib from pool where name = $1", pool)
    assert tuple(used[0]) == (ROOM * CPU, ROOM * 64)
    money = await town.rows("policy", "select reserved, committed from funding_source where source_id = $1", source)
    assert tuple(money[0]) == (ROOM * AMOUNT, 0)
    assert await records.sums_wrong(town) == []
    await asyncio.gather(*(mixture.withdraw(journey) for winners in ids.values() for journey in winners))

    async def free_again() -> bool:
        room = await town.rows("infrastructure", "select used_cpu_millis, used_memory_mib from pool where name = $1", pool)
        money = await town.rows("policy", "select reserved, committed from funding_source where source_id = $1", source)
        return {tuple(room[0]), tuple(money[0])} == {(0, 0)}

    await until(free_again, "everything to be free again", within=30)
    assert await records.open_dead_letters(town, [journey.service_id for journey in journeys]) == []


async def _decided(town: Town, ids: list[str]) -> list[journey_pb2.Journey]:
    """These journeys, once each has ended or waits for an officer."""
    found: list[journey_pb2.Journey] = []

    async def all_decided() -> bool:
        found[:] = await town.journeys(ids)
        return len(found) == len(ids) and all(j.state in DECIDED_OR_OVER for j in found)

    await until(all_decided, f"{len(ids)} journeys to be cleared or refused", within=60)
    return found
