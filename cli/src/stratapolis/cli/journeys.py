"""Proposals and their journeys: `city propose`, `journey`, `journeys`, `decide`, `withdraw`."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.journey_service_pb2 import (
    DecideProposalRequest,
    Decision,
    GetJourneyRequest,
    ListJourneysRequest,
    WatchJourneyRequest,
    WatchJourneyResponse,
    WithdrawProposalRequest,
)
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.journey.v1.journey_pb2 import JourneyKind, JourneyState
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import watch
from stratapolis.cli import timeline
from stratapolis.cli.client import Client
from stratapolis.cli.manifests import read_bytes
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.proposing import Proposed, propose_all, until_ended
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the journey.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for people.")]


@told
async def propose(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Manifests; as many as you like.", allow_dash=True)],
    wait: Annotated[bool, typer.Option("--wait", help="Until every journey has ended.")] = False,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Propose services: each manifest starts a journey through the layers. One that is live already is upgraded; an older manifest rolls it back."""
    screen = Screen(as_json)
    texts = {str(file): read_bytes(file) for file in files}
    async with session(folder, as_) as client:
        stub = client.stub(JourneyServiceStub, "governance")
        done = await propose_all(stub, texts, screen)
        if wait:
            done = await until_ended(stub, done, screen)
    screen.data({"proposed": [each.data() for each in done]})
    _show(screen, done)
    is_refused = any(each.said or each.state not in {"live", *(() if wait else ("clearing", "deciding"))} for each in done if each.said or wait)
    if is_refused:
        raise typer.Exit(1)


def _show(screen: Screen, done: list[Proposed]) -> None:
    rows = [(each.file, each.journey.name, each.journey.journey_id, each.state) for each in done if each.journey is not None]
    if rows:
        screen.table(("FILE", "SERVICE", "JOURNEY", "STATE"), rows)
    for each in done:
        if each.said is not None:
            first, *others = each.said.lines()
            screen.line(f"{each.file}: {first}", style="red")
            for line in others:
                screen.line(line)
    for upgraded in (each.journey for each in done if each.journey is not None and each.journey.kind == JourneyKind.JOURNEY_KIND_UPGRADE):
        old, new = upgraded.replaces.version, upgraded.version
        screen.line(f"{upgraded.name} is live: version {new} is an upgrade, version {old} serves until it takes its place")
    if len(rows) == 1 and rows[0][3] not in {"live", "rejected"}:
        screen.line(f"follow it: city journey {rows[0][2]} --watch")


@told
async def journey(
    journey_id: Id,
    watching: Annotated[
        bool, typer.Option("--watch", "-w", help="Draw it until it ends; the exit code is 0 only if it ended as it was to: live, or retired.")
    ] = False,
    why: Annotated[bool, typer.Option("--why", help="Only why it stands where it stands.")] = False,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Show a journey: what it waits for, what is held, what was decided and why."""
    screen = Screen(as_json)
    async with session(folder, as_) as client:
        stub = client.stub(JourneyServiceStub, "governance")
        if watching:
            await _watch(client, journey_id, screen)
        shown = await stub.GetJourney(GetJourneyRequest(journey_id=journey_id))
    if watching:
        if shown.journey.state not in timeline.SUCCEEDED:
            raise typer.Exit(1)
        return
    screen.data(as_data(shown))
    _describe(screen, shown.journey)
    if not why:
        drawn = timeline.Timeline()
        for step in shown.steps:
            for line in drawn.lines(step):
                screen.line(line)
    for line in timeline.why(shown.journey):
        screen.line(line, style="bold" if not line.startswith(" ") else "")


async def _watch(client: Client, journey_id: str, screen: Screen) -> None:
    stub, drawn = client.stub(JourneyServiceStub, "governance"), timeline.Timeline()
    steps: AsyncIterator[WatchJourneyResponse] = watch(
        lambda at: stub.WatchJourney(WatchJourneyRequest(journey_id=journey_id, cursor=at)), cursor_of=lambda item: item.cursor
    )
    async for item in steps:
        if screen.as_json:
            sys.stdout.write(json.dumps(as_data(item.step)) + "\n")
            sys.stdout.flush()
        for line in drawn.lines(item.step):
            screen.line(line)


def _describe(screen: Screen, journey: Journey) -> None:
    screen.facts(
        {
            "service": f"{journey.name}, version {journey.version} ({journey.service_id})",
            "kind": word(JourneyKind, journey.kind),
            "by": f"{journey.creator_name} ({journey.creator_id})",
            "proposed": clock(journey.proposed_time),
            "endpoint": journey.endpoint,
        }
    )


@told
async def journeys(
    state: Annotated[list[str] | None, typer.Option("--state", help="Only those in a state, such as clearing or live; repeatable.")] = None,
    service: Annotated[str, typer.Option("--service", help="Only those of one service.")] = "",
    limit: Limit = 50,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List journeys, newest first: all of them for an officer, else one's own."""
    request = ListJourneysRequest(service_id=service, states=[_state(each) for each in state or ()])
    async with session(folder, as_) as client:
        found = await pages(client.stub(JourneyServiceStub, "governance").ListJourneys, request, "journeys", limit)
    screen = Screen(as_json)
    screen.data({"journeys": [as_data(each) for each in found]})
    rows = [
        (
            j.journey_id,
            j.name,
            j.creator_name,
            word(JourneyState, j.state),
            ", ".join(a.party for a in j.awaited) or str(len(j.reasons) or ""),
            clock(j.update_time),
        )
        for j in found
    ]
    screen.table(("JOURNEY", "SERVICE", "BY", "STATE", "WAITS FOR / REASONS", "SINCE"), rows, empty="no journey: city propose FILE")


def _state(text: str) -> JourneyState.ValueType:
    known = {word(JourneyState, number): number for number in JourneyState.values() if number}
    if text.lower() not in known:
        raise typer.BadParameter(f"a state is one of {', '.join(known)}", param_hint="--state")
    return known[text.lower()]


@told
async def decide(
    journey_id: Id,
    decision: Annotated[str, typer.Argument(metavar="approve|reject")],
    reason: Reason,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Decide on a journey that waits for an officer."""
    if decision not in {"approve", "reject"}:
        raise typer.BadParameter("write approve or reject", param_hint="decision")
    verdict = Decision.DECISION_APPROVE if decision == "approve" else Decision.DECISION_REJECT
    async with session(folder, as_) as client:
        stub = client.stub(JourneyServiceStub, "governance")
        done = await stub.DecideProposal(DecideProposalRequest(request_id=new_id(), journey_id=journey_id, decision=verdict, reason=reason))
    _stands(Screen(as_json), done.journey)


@told
async def withdraw(journey_id: Id, reason: Reason = "", as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Take a proposal back; everything held for it is let go."""
    async with session(folder, as_) as client:
        stub = client.stub(JourneyServiceStub, "governance")
        done = await stub.WithdrawProposal(WithdrawProposalRequest(request_id=new_id(), journey_id=journey_id, reason=reason))
    _stands(Screen(as_json), done.journey)


def _stands(screen: Screen, journey: Journey) -> None:
    screen.data(as_data(journey))
    for line in timeline.why(journey):
        screen.line(line)
