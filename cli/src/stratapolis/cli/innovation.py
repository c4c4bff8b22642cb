"""`city programmes`, `city challenges` and `city pilots`: what ideas are asked for, and where they are tried."""

from __future__ import annotations

from typing import Annotated

import typer
from city.innovation.v1.challenge_service_pb2 import ChallengeSource, CloseChallengeRequest, ListChallengesRequest, OpenChallengeRequest
from city.innovation.v1.challenge_service_pb2_grpc import ChallengeServiceStub
from city.innovation.v1.pilot_pb2 import Comparison, Hypothesis, Pilot, PilotState, Verdict
from city.innovation.v1.pilot_service_pb2 import BookPilotRequest, ListPilotsRequest, RecordPilotResultRequest
from city.innovation.v1.pilot_service_pb2_grpc import PilotServiceStub
from city.innovation.v1.programme_pb2 import Programme, ProgrammeKind, ProgrammeState, Zone
from city.innovation.v1.programme_service_pb2 import ListProgrammesRequest, OpenProgrammeRequest
from city.innovation.v1.programme_service_pb2_grpc import ProgrammeServiceStub
from city.types.v1.types_pb2 import Place
from stratapolis.chassis.ids import new_id
from stratapolis.cli.indicators import Key, key_of
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session

programmes = typer.Typer(help="Labs, zones, trainings, workshops and partnerships; officers open them.", no_args_is_help=True)
challenges = typer.Typer(help="What the city wants ideas for; many open by themselves.", no_args_is_help=True)
pilots = typer.Typer(help="Ideas tried in a zone; their leads book them and record results.", no_args_is_help=True)
KINDS = ("lab", "innovation_zone", "ideation_workshop", "partnership")
"""Kinds that can be opened here; a training has too much to say for a command line."""
Open = Annotated[bool, typer.Option("--open", help="Only what is open.")]
First = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, such as 2026-01-31.")]
Last = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day.")]


@programmes.command("list")
@told
async def list_programmes(only_open: Open = False, limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List programmes, newest first."""
    async with session(folder, as_) as client:
        query = ListProgrammesRequest(open_only=only_open)
        found = await pages(client.stub(ProgrammeServiceStub, "innovation").ListProgrammes, query, "programmes", limit)
    screen = Screen(as_json)
    screen.data({"programmes": [as_data(each) for each in found]})
    rows = [
        (p.programme_id, p.title, word(ProgrammeKind, p.kind), p.start_date, p.end_date, _takes(p), word(ProgrammeState, p.state)) for p in found
    ]  # fmt: skip
    screen.table(("ID", "PROGRAMME", "KIND", "FROM", "TO", "TAKES", "STATE"), rows, empty="no programme: city programmes open")


@programmes.command("open")
@told
async def open_programme(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="lab, innovation_zone, ideation_workshop or partnership.")],
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What it is called.")],
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What it is, and for whom.")],
    first: First,
    last: Last,
    capacity: Annotated[int, typer.Option("--capacity", min=0, help="Of a zone: how many testers it takes at once.")] = 0,
    at: Annotated[tuple[float, float], typer.Option("--at", metavar="LAT LON", help="Of a zone: where it is.")] = (0.0, 0.0),
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Open a programme (officer)."""
    if kind not in KINDS:
        raise typer.BadParameter(f"a kind is one of {', '.join(KINDS)}", param_hint="KIND")
    zone = Zone(place=Place(latitude=at[0], longitude=at[1]), capacity=capacity) if kind == "innovation_zone" else None
    asked = OpenProgrammeRequest(
        request_id=new_id(), kind=ProgrammeKind.Value(f"PROGRAMME_KIND_{kind.upper()}"), title=title, description=description, start_date=first,
        end_date=last, zone=zone,
    )  # fmt: skip
    async with session(folder, as_) as client:
        programme = (await client.stub(ProgrammeServiceStub, "innovation").OpenProgramme(asked)).programme
    screen = Screen(as_json)
    screen.data(as_data(programme))
    screen.line(f"opened {programme.title} as {programme.programme_id}")


@challenges.command("list")
@told
async def list_challenges(only_open: Open = False, limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List challenges, newest first, with what opened them."""
    async with session(folder, as_) as client:
        query = ListChallengesRequest(open_only=only_open)
        found = await pages(client.stub(ChallengeServiceStub, "innovation").ListChallenges, query, "challenges", limit)
    screen = Screen(as_json)
    screen.data({"challenges": [as_data(each) for each in found]})
    rows = [
        (c.challenge_id, c.title, word(ChallengeSource, c.source), c.period, str(c.ideas), clock(c.open_time), c.close_reason or "open") for c in found
    ]  # fmt: skip
    screen.table(("ID", "CHALLENGE", "OPENED BY", "FOR", "IDEAS", "SINCE", "STATE"), rows, empty="no challenge: all is on target and well rated")


@challenges.command("open")
@told
async def open_challenge(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is wanted, in a few words.")],
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What is wanted, and how one would see that it is met.")],
    service: Annotated[str, typer.Option("--service", metavar="ID", help="The service that it is about.")] = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Open a challenge by hand (officer)."""
    asked = OpenChallengeRequest(request_id=new_id(), title=title, description=description, service_id=service)
    async with session(folder, as_) as client:
        challenge = (await client.stub(ChallengeServiceStub, "innovation").OpenChallenge(asked)).challenge
    screen = Screen(as_json)
    screen.data(as_data(challenge))
    screen.line(f"opened {challenge.title} as {challenge.challenge_id}: city ideas submit TITLE DESCRIPTION --challenge {challenge.challenge_id}")


@challenges.command("close")
@told
async def close_challenge(
    challenge: Annotated[str, typer.Argument(metavar="ID", help="Id of the challenge.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for people.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Take no more ideas for a challenge (officer)."""
    async with session(folder, as_) as client:
        asked = CloseChallengeRequest(request_id=new_id(), challenge_id=challenge, reason=reason)
        closed = (await client.stub(ChallengeServiceStub, "innovation").CloseChallenge(asked)).challenge
    screen = Screen(as_json)
    screen.data(as_data(closed))
    screen.line(f"closed {closed.title}; it had {closed.ideas} ideas")


@pilots.command("list")
@told
async def list_pilots(limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List pilots, newest first, with what came of them."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(PilotServiceStub, "innovation").ListPilots, ListPilotsRequest(), "pilots", limit)
    screen = Screen(as_json)
    screen.data({"pilots": [as_data(each) for each in found]})
    rows = [
        (p.pilot_id, p.idea_id, p.start_date, p.end_date, f"{p.testers} of {p.places}", word(PilotState, p.state), _verdict(p)) for p in found
    ]  # fmt: skip
    screen.table(("ID", "IDEA", "FROM", "TO", "TESTERS", "STATE", "RESULT"), rows, empty="no pilot: city pilots book")


@pilots.command()
@told
async def book(
    idea: Annotated[str, typer.Argument(metavar="IDEA", help="Id of the shortlisted idea.")],
    zone: Annotated[str, typer.Argument(metavar="ZONE", help="Id of the innovation zone.")],
    key: Key,
    *,
    first: First,
    last: Last,
    places: Annotated[int, typer.Option("--places", min=1, help="How many testers it takes.")],
    statement: Annotated[str, typer.Option("--shows", help="What it is to show, for people.")],
    consent: Annotated[str, typer.Option("--consent", help="What testers agree to.")],
    at_most: Annotated[str, typer.Option("--at-most", metavar="VALUE", help="The mean it is to stay at or below.")] = "",
    at_least: Annotated[str, typer.Option("--at-least", metavar="VALUE", help="The mean it is to reach.")] = "",
    scope: Annotated[str, typer.Option("--scope", help="`service:ID` or `thing:ID`; without it: the whole city.")] = "city",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Book a slot in a zone for an idea, with the indicator that decides it (its lead)."""
    if bool(at_most) == bool(at_least):
        raise typer.BadParameter("say one of --at-most and --at-least", param_hint="--at-most")
    comparison = Comparison.COMPARISON_AT_MOST if at_most else Comparison.COMPARISON_AT_LEAST
    hypothesis = Hypothesis(statement=statement, indicator=key_of(key), scope=scope, comparison=comparison, expected=at_most or at_least)
    asked = BookPilotRequest(
        request_id=new_id(), idea_id=idea, zone_id=zone, start_date=first, end_date=last, places=places, hypothesis=hypothesis, consent_statement=consent
    )  # fmt: skip
    async with session(folder, as_) as client:
        pilot = (await client.stub(PilotServiceStub, "innovation").BookPilot(asked)).pilot
    screen = Screen(as_json)
    screen.data(as_data(pilot))
    screen.line(f"booked {pilot.pilot_id} from {pilot.start_date} to {pilot.end_date}")


@pilots.command()
@told
async def result(
    pilot: Annotated[str, typer.Argument(metavar="ID", help="Id of the pilot.")],
    conclusion: Annotated[str, typer.Argument(metavar="CONCLUSION", help="What one makes of it, in words.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """End a running pilot with what was measured while it ran (its lead)."""
    async with session(folder, as_) as client:
        asked = RecordPilotResultRequest(request_id=new_id(), pilot_id=pilot, conclusion=conclusion)
        done = (await client.stub(PilotServiceStub, "innovation").RecordPilotResult(asked)).pilot
    screen = Screen(as_json)
    screen.data(as_data(done))
    screen.line(f"{done.hypothesis.statement}: {_verdict(done)}")
    screen.table(("PERIOD", "VALUE"), [(one.period, f"{one.value} {one.unit}") for one in done.result.evidence])


def _takes(programme: Programme) -> str:
    if programme.HasField("zone"):
        return f"{programme.zone.capacity} testers"
    return f"{programme.enrolled} of {programme.training.seats} seats" if programme.HasField("training") else ""


def _verdict(pilot: Pilot) -> str:
    if not pilot.HasField("result"):
        return pilot.cancel_reason
    return f"{word(Verdict, pilot.result.verdict)}, mean {pilot.result.mean} of {len(pilot.result.evidence)} measured"
