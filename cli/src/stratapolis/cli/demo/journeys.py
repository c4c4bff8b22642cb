"""Proposing and watching: a journey drawn as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from string import Template
from typing import Any

from city.governance.v1 import journey_pb2
from city.governance.v1.journey_service_pb2 import BatchGetJourneysRequest, GetJourneyRequest, ProposeServiceRequest, WatchJourneyRequest, WatchJourneyResponse
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.journey.v1.holds_service_pb2_grpc import HoldsServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import watch
from stratapolis.cli.demo.story import Story, repository
from stratapolis.cli.founding import settled
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity

TERMINAL = frozenset({shared.JOURNEY_STATE_LIVE, shared.JOURNEY_STATE_REJECTED, shared.JOURNEY_STATE_WITHDRAWN, shared.JOURNEY_STATE_RETIRED})
HOLDERS = ("policy", "data", "connectivity", "infrastructure", "value_catalog", "innovation")
HOLDING = (shared.HOLD_STATE_HELD, shared.HOLD_STATE_ACTIVE, shared.HOLD_STATE_DRAINING)
SECONDS = 90.0


def manifest(name: str, /, **values: str) -> bytes:
    """An example's manifest with the city's ids filled in."""
    text = (repository() / "examples" / "manifests" / f"{name}.yaml").read_text()
    return Template(text).substitute(values).encode()


async def propose(story: Story, text: bytes, *, as_: Identity) -> journey_pb2.Journey:
    """Hand a manifest in; again, with the same request id, while governance is away."""
    stub = story.city.stub(JourneyServiceStub, "governance", as_=as_)
    asked = ProposeServiceRequest(request_id=new_id(), manifest_yaml=text)
    journey: journey_pb2.Journey = (await settled(lambda: stub.ProposeService(asked))).journey
    return journey


async def drawn_to(
    story: Story, journey: journey_pb2.Journey, *, as_: Identity, into: frozenset[Any] = TERMINAL, after: str = ""
) -> tuple[journey_pb2.Journey, str]:
    """Draw a journey's steps as they come, those behind the cursor `after`, until it is in one of these states; the journey and the last cursor."""
    stub = story.city.stub(JourneyServiceStub, "governance", as_=as_)
    begin = journey.proposed_time.ToDatetime()

    def follow(cursor: str) -> Any:
        return stub.WatchJourney(WatchJourneyRequest(journey_id=journey.journey_id, cursor=cursor), timeout=SECONDS)

    async with asyncio.timeout(SECONDS):
        async for item in watch(follow, after, cursor_of=_cursor):
            step, after = item.step, item.cursor
            took = (step.time.ToDatetime() - begin).total_seconds()
            for line in _lines(step):
                story.tell(f"[dim]{took:7.3f} s[/]  {line}")
            if step.state in into:
                break
    return await get(story, journey.journey_id, as_=as_), after


async def get(story: Story, journey_id: str, *, as_: Identity) -> journey_pb2.Journey:
    """A journey as it stands."""
    stub = story.city.stub(JourneyServiceStub, "governance", as_=as_)
    journey: journey_pb2.Journey = (await stub.GetJourney(GetJourneyRequest(journey_id=journey_id))).journey
    return journey


async def ended(story: Story, ids: Sequence[str], *, as_: Identity, seconds: float = SECONDS) -> list[journey_pb2.Journey]:
    """All of these journeys, once each has ended."""
    stub = story.city.stub(JourneyServiceStub, "governance", as_=as_)
    found: list[journey_pb2.Journey] = []

    async def all_ended() -> bool:
        found[:] = (await settled(lambda: stub.BatchGetJourneys(BatchGetJourneysRequest(journey_ids=ids)))).journeys
        return len(found) == len(ids) and all(j.state in TERMINAL for j in found)

    await until(all_ended, f"{len(ids)} journeys to end", within=seconds)
    return found


async def holds(story: Story, **only: str) -> dict[str, list[tuple[str, ...]]]:
    """Every layer's holds in words, row by row; of one journey or service if named."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for layer in HOLDERS:
        stub = story.city.stub(HoldsServiceStub, layer)
        rows, token = [], ""
        while True:
            page = await stub.ListHolds(ListHoldsRequest(states=HOLDING, page_size=500, page_token=token, **only))
            rows += [(h.service_id, shared.HoldState.Name(h.state), held.kind, held.reference, held.amount) for h in page.holds for held in h.held]
            token = page.next_page_token
            if not token:
                break
        found[layer] = sorted(rows)
    return found


async def nothing_held(story: Story, journey_id: str) -> None:
    """Wait until no layer holds anything for a journey that has ended."""

    async def free() -> bool:
        return not any((await holds(story, journey_id=journey_id)).values())

    await until(free, "every layer to let go", within=30)


def _cursor(item: WatchJourneyResponse) -> str:
    return item.cursor


def _lines(step: Any) -> list[str]:
    kind, stage = journey_pb2.StepKind.Name(step.kind).removeprefix("STEP_KIND_"), shared.Stage.Name(step.stage).removeprefix("STAGE_").lower()
    if kind == "ASKED":
        return [f"[cyan]{stage}[/] → {', '.join(step.parties)}"]
    if kind in ("ANSWERED", "ANSWERED_LATE", "REFUSED"):
        word = "[green]cleared[/]" if step.outcome == shared.OUTCOME_CLEARED else "[red]refused[/]"
        held = "; ".join(f"{h.kind} {h.amount or h.reference}" for h in step.held)
        obliged = "".join(f"; obliges {o.code}" for o in step.obligations)
        return [f"  {step.parties[0]} {word}{f', holds {held}' if held else ''}{obliged}", *(f"    [red]{r.code}[/] {r.message}" for r in step.reasons)]
    if kind == "SKIPPED":
        return [f"[cyan]{stage}[/] skipped: {step.message}"]
    if kind == "DECIDED":
        return [f"  an officer decided: {step.message}"]
    if kind == "RETIREMENT":
        return [f"to be retired: {step.message}"]
    if kind == "ENDED":
        return [f"[bold]{shared.JourneyState.Name(step.state).removeprefix('JOURNEY_STATE_').lower()}[/]"]
    return ["proposed"]
