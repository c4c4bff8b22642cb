"""`city dead-letters`: events that could not be applied."""

from __future__ import annotations

from typing import Annotated

import typer
from city.operations.v1.operations_service_pb2 import (
    DeadLetterState,
    DiscardDeadLetterRequest,
    GetDeadLetterRequest,
    ListDeadLettersRequest,
    RedriveDeadLetterRequest,
)
from city.operations.v1.operations_service_pb2_grpc import OperationsServiceStub
from city.operations.v1.pause_service_pb2 import ListPausedTopicsRequest, ResumeTopicRequest
from city.operations.v1.pause_service_pb2_grpc import PauseServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.options import HERE, As, Folder, Json, Layer, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session

app = typer.Typer(help="Events that a layer could not apply, and what waits behind them (operator).", no_args_is_help=True)
Id = Annotated[int, typer.Argument(metavar="ID", min=1, help="Number of the dead letter in that layer.")]
SHOWN = 2_000
"""Bytes of a payload that are shown."""


@app.command("list")
@told
async def list_(
    layer: Layer,
    every: Annotated[bool, typer.Option("--all", help="Those that are done with, too.")] = False,
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List dead letters and what waits behind them, oldest first."""
    states = [number for number in DeadLetterState.values() if number] if every else []
    async with session(folder, as_) as client:
        stub = client.stub(OperationsServiceStub, layer)
        found = await pages(stub.ListDeadLetters, ListDeadLettersRequest(states=states), "dead_letters", limit)
    screen = Screen(as_json)
    screen.data({"layer": layer, "deadLetters": [as_data(each) for each in found]})
    rows = [
        (
            d.id,
            word(DeadLetterState, d.state),
            d.type.rpartition(".")[2],
            d.key,
            f"{d.topic}/{d.partition}@{d.offset}",
            d.attempts,
            d.error,
            clock(d.create_time),
        )
        for d in found
    ]
    columns = ("ID", "STATE", "EVENT", "KEY", "FROM", "TRIES", "ERROR", "SINCE")
    screen.table(columns, [tuple(map(str, row)) for row in rows], empty=f"no dead letter in {layer}")


@app.command()
@told
async def show(letter: Id, layer: Layer, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show one whole: error, headers, raw bytes."""
    async with session(folder, as_) as client:
        found = (await client.stub(OperationsServiceStub, layer).GetDeadLetter(GetDeadLetterRequest(id=letter))).dead_letter
    screen = Screen(as_json)
    screen.data(as_data(found))
    screen.facts(
        {
            "state": word(DeadLetterState, found.state),
            "error": found.error,
            "tries": str(found.attempts),
            "event": found.type,
            "from": f"{found.topic} partition {found.partition} offset {found.offset}",
            "key": found.key,
            "since": clock(found.create_time),
            "resolution": found.resolution,
        }
    )
    for header in found.headers:
        screen.line(f"  {header.name}: {header.value.decode(errors='backslashreplace')}")
    cut = f" (the first {SHOWN})" if len(found.payload) > SHOWN else ""
    screen.line(f"{len(found.payload)} bytes{cut}: {found.payload[:SHOWN].decode(errors='backslashreplace')!r}")


@app.command()
@told
async def redrive(letter: Id, layer: Layer, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Apply one again, and then what waits behind it, in order."""
    async with session(folder, as_) as client:
        done = await client.stub(OperationsServiceStub, layer).RedriveDeadLetter(RedriveDeadLetterRequest(request_id=new_id(), id=letter))
    _done(Screen(as_json), "redriven", letter, done.applied, done.waiting)


@app.command()
@told
async def discard(
    letter: Id,
    layer: Layer,
    reason: Annotated[str, typer.Option("--reason", help="Why it is given up.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Give one up for good, and let go on what waits behind it."""
    async with session(folder, as_) as client:
        done = await client.stub(OperationsServiceStub, layer).DiscardDeadLetter(DiscardDeadLetterRequest(request_id=new_id(), id=letter, reason=reason))
    _done(Screen(as_json), "discarded", letter, done.applied, done.waiting)


@app.command()
@told
async def paused(layer: Layer, limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List the topics that a layer does not hear for now: their events became dead letters one after another, so its code is wrong."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(PauseServiceStub, layer).ListPausedTopics, ListPausedTopicsRequest(), "topics", limit)
    screen = Screen(as_json)
    screen.data({"layer": layer, "pausedTopics": [as_data(each) for each in found]})
    rows = [(each.topic, clock(each.pause_time), clock(each.probe_time), each.error) for each in found]
    screen.table(("TOPIC", "SINCE", "NEXT TRIED", "ERROR"), rows, empty=f"no topic is paused in {layer}")


@app.command()
@told
async def resume(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="The paused topic.")],
    layer: Layer,
    let_by: Annotated[int, typer.Option("--let-by", min=0, max=1_000_000, help="Dead letters to put up with before it may be paused again.")] = 0,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Hear a paused topic again at once, instead of after the first event that can be applied."""
    async with session(folder, as_) as client:
        await client.stub(PauseServiceStub, layer).ResumeTopic(ResumeTopicRequest(request_id=new_id(), topic=topic, dead_letters=let_by))
    screen = Screen(as_json)
    screen.data({"layer": layer, "topic": topic, "resumed": True})
    screen.line(f"{layer} hears {topic} again")


def _done(screen: Screen, what: str, letter: int, applied: int, waiting: int) -> None:
    screen.data({"id": letter, "applied": applied, "waiting": waiting})
    screen.line(f"{letter} {what}: {applied} events applied, {waiting} still wait")
