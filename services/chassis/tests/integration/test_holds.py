"""Holds through a service's life: reserved, active, draining, let go; once each, whatever comes late, twice or fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis.app import App
from stratapolis.chassis.db import Tx
from stratapolis.chassis.holds import Answer, Cleared, Holder, Version
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.times import to_timestamp

LIVE, REJECTED, WITHDRAWN, RETIRED = pb.JOURNEY_STATE_LIVE, pb.JOURNEY_STATE_REJECTED, pb.JOURNEY_STATE_WITHDRAWN, pb.JOURNEY_STATE_RETIRED


@dataclass(slots=True)
class Layer:
    """A layer that notes what it is asked to do; `slow` retirements take so many looks, letting go of `stuck` versions fails."""

    active: list[int] = field(default_factory=list)
    gone: list[tuple[int, str]] = field(default_factory=list)
    slow: int = 0
    stuck: set[int] = field(default_factory=set)

    def holder(self) -> Holder:
        return Holder("policy", {pb.STAGE_CLEARING: self.clear, pb.STAGE_RETIRING: self.retire}, self.let_go, self.went_live)

    async def clear(self, request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
        return Cleared(held=[pb.Held(kind="funding", reference="grant", amount="EUR 5.00")])

    async def went_live(self, event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
        self.active.append(event.version)

    async def let_go(self, version: Version, *, tx: Tx, at: datetime) -> None:
        if version.version in self.stuck:
            raise RuntimeError("cannot let go")
        self.gone.append((version.version, version.why.value))

    async def retire(self, request: StageRequested, *, tx: Tx, at: datetime) -> Answer | None:
        self.slow -= 1
        return None if self.slow >= 0 else Cleared()


@dataclass(slots=True)
class Town:
    """The layer on a real database."""

    layer: Layer
    under: AppUnderTest

    async def holds(self) -> list[tuple[int, str]]:
        async with self.under.db.transaction() as tx:
            return [(row["version"], row["state"]) for row in await tx.fetch("select version, state from hold order by version, journey_id")]

    async def answers(self) -> list[pb.Stage.ValueType]:
        return [event.stage for event in await self.under.published() if isinstance(event, pb.StageAnswered)]

    async def go_live(self, version: int, *, drain: timedelta = timedelta(seconds=30)) -> None:
        await self.under.deliver(a_request(version), an_end(version, LIVE, drain=drain))


@pytest.fixture
async def town(make_database: Any) -> Town:
    layer = Layer()
    holder = layer.holder()
    return Town(layer, AppUnderTest(App(name="policy", hears=holder.hears, every=holder.every), await make_database("policy")))


def a_request(version: int, stage: pb.Stage.ValueType = pb.STAGE_CLEARING, *, layers: Sequence[str] = ("policy",), attempt: int = 1) -> StageRequested:
    retires = stage == pb.STAGE_RETIRING
    return StageRequested(
        journey_id="retirement" if retires else f"journey-{version}", service_id="service", version=version, stage=stage, attempt=attempt, layers=layers,
        creator_id="acme", until_time=to_timestamp(datetime.now(UTC) + timedelta(hours=1)),
    )  # fmt: skip


def an_end(version: int, state: pb.JourneyState.ValueType, *, drain: timedelta = timedelta(seconds=30)) -> JourneyEnded:
    ended = JourneyEnded(
        journey_id="retirement" if state == RETIRED else f"journey-{version}", service_id="service", version=version, state=state, creator_id="acme",
        ended_time=to_timestamp(datetime.now(UTC)),
    )  # fmt: skip
    if version > 1:
        ended.replaces.CopyFrom(pb.Replaced(version=version - 1, journey_id=f"journey-{version - 1}"))
    if version > 1 and state == LIVE:
        ended.drain_until_time.CopyFrom(to_timestamp(datetime.now(UTC) + drain))
    return ended


async def test_a_replaced_version_drains_and_is_let_go_when_its_time_is_over(town: Town) -> None:
    await town.go_live(1)
    await town.go_live(2)
    assert await town.holds() == [(1, "draining"), (2, "active")]
    await town.under.run("let_go_drained")
    assert town.layer.gone == []
    async with town.under.db.transaction() as tx:
        await tx.execute("update hold set until_at = now() - interval '1 second' where state = 'draining'")
    for _ in range(2):
        await town.under.run("let_go_drained")
    assert (town.layer.active, town.layer.gone) == ([1, 2], [(1, "replaced")])
    assert await town.holds() == [(1, "released"), (2, "active")]


@pytest.mark.parametrize(("state", "why"), [(REJECTED, "rejected"), (WITHDRAWN, "withdrawn")])
async def test_an_upgrade_that_fails_is_let_go_and_the_live_version_is_not_touched(town: Town, state: pb.JourneyState.ValueType, why: str) -> None:
    await town.go_live(1)
    await town.under.deliver(a_request(2), an_end(2, state))
    assert town.layer.gone == [(2, why)]
    assert await town.holds() == [(1, "active"), (2, "released")]


@pytest.mark.parametrize("state", [LIVE, REJECTED, WITHDRAWN])
async def test_a_request_that_comes_after_its_journeys_end_holds_nothing(town: Town, state: pb.JourneyState.ValueType) -> None:
    await town.under.deliver(an_end(1, state), a_request(1), a_request(1, attempt=2))
    assert (await town.holds(), town.layer.active, town.layer.gone) == ([(1, "released")], [], [])


async def test_the_end_said_twice_has_its_effect_once(town: Town) -> None:
    await town.go_live(1)
    await town.under.deliver(an_end(1, LIVE), a_request(2), an_end(2, REJECTED), an_end(2, REJECTED))
    assert (town.layer.active, town.layer.gone) == ([1], [(2, "rejected")])


async def test_a_version_that_cannot_be_let_go_does_not_keep_others(town: Town) -> None:
    for version in (1, 2, 3):
        await town.go_live(version, drain=timedelta(seconds=-1))
    town.layer.stuck = {1}
    await town.under.run("let_go_drained")
    assert town.layer.gone == [(2, "replaced")]
    assert await town.holds() == [(1, "draining"), (2, "released"), (3, "active")]
    town.layer.stuck = set()
    await town.under.run("let_go_drained")
    assert town.layer.gone == [(2, "replaced"), (1, "replaced")]


async def test_a_retirement_lets_go_of_all_versions_and_is_answered_once(town: Town) -> None:
    await town.go_live(1)
    await town.go_live(2)
    await town.answers()
    await town.under.deliver(a_request(2, pb.STAGE_RETIRING))
    assert town.layer.gone == [(1, "retired"), (2, "retired")]
    assert await town.answers() == [pb.STAGE_RETIRING]
    await town.under.deliver(an_end(2, RETIRED))
    await town.under.run("finish_retiring")
    assert await town.answers() == []
    assert await town.holds() == [(1, "released"), (2, "released")]


async def test_a_retirement_that_takes_a_while_is_answered_when_it_is_done(town: Town) -> None:
    await town.go_live(1)
    town.layer.slow = 2
    await town.answers()
    await town.under.deliver(a_request(1, pb.STAGE_RETIRING))
    await town.under.run("finish_retiring")
    assert await town.answers() == []
    for _ in range(2):
        await town.under.run("finish_retiring")
    assert await town.answers() == [pb.STAGE_RETIRING]
    assert town.layer.gone == [(1, "retired")]


async def test_the_end_of_a_retirement_asks_once_more_who_could_not_take_the_question(town: Town) -> None:
    await town.go_live(1)
    await town.answers()
    await town.under.deliver(an_end(1, RETIRED))
    assert (town.layer.gone, await town.answers()) == ([(1, "retired")], [pb.STAGE_RETIRING])


async def test_what_comes_after_a_retirement_holds_nothing_and_a_later_launch_does(town: Town) -> None:
    await town.go_live(1)
    await town.under.deliver(a_request(1, pb.STAGE_RETIRING), an_end(1, RETIRED), a_request(1), an_end(1, LIVE))
    assert await town.holds() == [(1, "released")]
    await town.under.deliver(a_request(2))
    assert await town.holds() == [(1, "released"), (2, "held")]


async def test_a_retirement_that_other_layers_are_asked_for_is_not_answered(town: Town) -> None:
    await town.go_live(1)
    await town.under.deliver(a_request(1, pb.STAGE_RETIRING, layers=["data"]))
    assert (await town.holds(), town.layer.gone) == ([(1, "active")], [])
