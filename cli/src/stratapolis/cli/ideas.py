"""`city ideas`: the board, from submission to graduation."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
from city.innovation.v1.idea_pb2 import Idea, IdeaState, IdeaStep, IdeaStepKind
from city.innovation.v1.idea_service_pb2 import (
    DropIdeaRequest,
    GetIdeaRequest,
    GraduateIdeaRequest,
    ListIdeasRequest,
    ListNewsRequest,
    ShortlistIdeaRequest,
    SubmitIdeaRequest,
    SupportIdeaRequest,
    WatchBoardRequest,
    WatchBoardResponse,
    WithdrawIdeaRequest,
)
from city.innovation.v1.idea_service_pb2_grpc import IdeaServiceStub
from google.protobuf.message import Message
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import watch as watching
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session

app = typer.Typer(help="Ideas on the city's board; officers shortlist, graduate and drop them.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the idea.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for people.")]
Mine = Annotated[bool, typer.Option("--mine", help="Only one's own.")]


@app.command("list")
@told
async def list_(
    mine: Mine = False,
    challenge: Annotated[str, typer.Option("--challenge", metavar="ID", help="Only ideas of one challenge.")] = "",
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List ideas, the most supported first."""
    async with session(folder, as_) as client:
        query = ListIdeasRequest(mine=mine, challenge_id=challenge)
        found = await pages(client.stub(IdeaServiceStub, "innovation").ListIdeas, query, "ideas", limit)
    screen = Screen(as_json)
    screen.data({"ideas": [as_data(each) for each in found]})
    rows = [(i.idea_id, i.title, word(IdeaState, i.state), str(i.supporters), i.lead, clock(i.update_time)) for i in found]
    screen.table(("ID", "IDEA", "STATE", "SUPPORTERS", "LEAD", "LAST STEP"), rows, empty="no idea yet: city ideas submit TITLE DESCRIPTION")


@app.command()
@told
async def show(idea: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show an idea and its way over the board."""
    async with session(folder, as_) as client:
        found = await client.stub(IdeaServiceStub, "innovation").GetIdea(GetIdeaRequest(idea_id=idea))
    screen = Screen(as_json)
    screen.data(as_data(found))
    screen.line(found.idea.title, style="bold")
    screen.line(found.idea.description)
    screen.facts(
        {
            "state": word(IdeaState, found.idea.state),
            "supporters": f"{found.idea.supporters}{', you among them' if found.supported else ''}",
            "challenge": found.idea.challenge_id,
            "lead": found.idea.lead,
            "pilot": found.idea.pilot_id,
            "reason": found.idea.reason,
        }
    )
    _steps(screen, found.steps)


@app.command()
@told
async def submit(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What it is, in a few words.")],
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What would be better, for whom, and how.")],
    challenge: Annotated[str, typer.Option("--challenge", metavar="ID", help="The challenge that it answers.")] = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Put an idea on the board."""
    asked = SubmitIdeaRequest(request_id=new_id(), title=title, description=description, challenge_id=challenge)
    await _write("SubmitIdea", asked, "submitted", folder, as_, as_json)


@app.command()
@told
async def support(idea: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Give an idea one's vote; everybody has one."""
    await _write("SupportIdea", SupportIdeaRequest(request_id=new_id(), idea_id=idea), "supported", folder, as_, as_json)


@app.command()
@told
async def withdraw(idea: Id, reason: Reason, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Take one's own idea back."""
    await _write("WithdrawIdea", WithdrawIdeaRequest(request_id=new_id(), idea_id=idea, reason=reason), "withdrawn", folder, as_, as_json)


@app.command()
@told
async def shortlist(
    idea: Id,
    lead: Annotated[str, typer.Option("--lead", metavar="ID", help="The value creator that pilots it; without it: the one that submitted it.")] = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Choose an idea to be piloted (officer)."""
    await _write("ShortlistIdea", ShortlistIdeaRequest(request_id=new_id(), idea_id=idea, lead=lead), "shortlisted", folder, as_, as_json)


@app.command()
@told
async def graduate(idea: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """End an idea's way with a proof: its lead may propose a service that comes from it (officer)."""
    await _write("GraduateIdea", GraduateIdeaRequest(request_id=new_id(), idea_id=idea), "graduated; name it as metadata.idea", folder, as_, as_json)


@app.command()
@told
async def drop(idea: Id, reason: Reason, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """End an idea's way without a proof (officer)."""
    await _write("DropIdea", DropIdeaRequest(request_id=new_id(), idea_id=idea, reason=reason), "dropped", folder, as_, as_json)


@app.command()
@told
async def news(limit: Limit = 50, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List what happened to one's own ideas, newest first."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(IdeaServiceStub, "innovation").ListNews, ListNewsRequest(), "steps", limit)
    screen = Screen(as_json)
    screen.data({"steps": [as_data(each) for each in found]})
    _steps(screen, found)


@app.command()
@told
async def watch(
    mine: Mine = False,
    after: Annotated[int, typer.Option("--after", min=0, help="Only steps behind this number.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="End after so many steps; 0: at Ctrl-C.")] = 0,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Watch the board: every step of every idea, as it happens; with --json an object a line."""
    screen, seen = Screen(as_json), 0
    async with session(folder, as_) as client:
        stub = client.stub(IdeaServiceStub, "innovation")
        items: AsyncIterator[WatchBoardResponse] = watching(
            lambda cursor: stub.WatchBoard(WatchBoardRequest(mine=mine, cursor=cursor)), str(after or ""), cursor_of=lambda item: item.cursor
        )  # fmt: skip
        async for item in items:
            if as_json:
                sys.stdout.write(json.dumps(as_data(item.step), ensure_ascii=False) + "\n")
                sys.stdout.flush()
            screen.line("  ".join(filter(None, _row(item.step))))
            seen += 1
            if seen == limit:
                return


async def _write(rpc: str, asked: Message, done: str, folder: Path, as_: str | None, as_json: bool) -> None:
    async with session(folder, as_) as client:
        idea: Idea = (await getattr(client.stub(IdeaServiceStub, "innovation"), rpc)(asked)).idea
    screen = Screen(as_json)
    screen.data(as_data(idea))
    screen.line(f"{idea.title} ({idea.idea_id}) is {done}; it has {idea.supporters} supporters")


def _steps(screen: Screen, steps: Any) -> None:
    screen.table(("STEP", "TIME", "WHAT", "IDEA", "SUPPORTERS", "MESSAGE"), [_row(step) for step in steps], empty="nothing has happened")


def _row(step: IdeaStep) -> tuple[str, ...]:
    return str(step.number), clock(step.time), word(IdeaStepKind, step.kind), step.title, str(step.supporters), step.message
