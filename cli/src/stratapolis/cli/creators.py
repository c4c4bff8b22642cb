"""`city creators`: value creators, from registration to members."""

from __future__ import annotations

from typing import Annotated

import typer
from city.governance.v1.value_creator_pb2 import MemberRole, ValueCreatorKind, ValueCreatorState
from city.governance.v1.value_creator_service_pb2 import AddMemberRequest, GetValueCreatorRequest, ListValueCreatorsRequest, RefuseValueCreatorRequest
from city.governance.v1.value_creator_service_pb2_grpc import ValueCreatorServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli import membership
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.people import People
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session

app = typer.Typer(help="Value creators: organisations that offer services.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the value creator.")]
Kind = Annotated[str, typer.Option("--kind", help="department, company, university or community.")]
KINDS = ("department", "company", "university", "community")


@app.command()
@told
async def register(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the organisation, unique in the city.")],
    kind: Kind = "company",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Ask to be let in; the caller becomes its first member. An officer accepts or refuses."""
    if kind not in KINDS:
        raise typer.BadParameter(f"a kind is one of {', '.join(KINDS)}", param_hint="--kind")
    async with session(folder, as_) as client:
        creator = await membership.register(client, name, kind=kind)
    screen = Screen(as_json)
    screen.data({"creatorId": creator, "name": name})
    screen.line(f"registered {name} as {creator}; an officer decides: city creators accept {creator} --as officer")


@app.command()
@told
async def accept(creator: Id, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Let a registered value creator in (officer)."""
    async with session(folder, as_) as client:
        await membership.accept(client, creator)
    screen = Screen(as_json)
    screen.data({"creatorId": creator, "state": "accepted"})
    screen.line(f"accepted {creator}; it may propose services: city propose FILE")


@app.command()
@told
async def refuse(
    creator: Id,
    reason: Annotated[list[str], typer.Option("--reason", help="Why; repeatable.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Turn a registered value creator away, with reasons (officer)."""
    async with session(folder, as_) as client:
        stub = client.stub(ValueCreatorServiceStub, "governance")
        await stub.RefuseValueCreator(RefuseValueCreatorRequest(request_id=new_id(), creator_id=creator, reasons=reason))
    screen = Screen(as_json)
    screen.data({"creatorId": creator, "state": "refused"})
    screen.line(f"refused {creator}")


@app.command("list")
@told
async def list_(limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List value creators, newest first: all of them for an officer, else one's own."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(ValueCreatorServiceStub, "governance").ListValueCreators, ListValueCreatorsRequest(), "value_creators", limit)
    screen = Screen(as_json)
    screen.data({"valueCreators": [as_data(each) for each in found]})
    rows = [
        (
            c.creator_id,
            c.name,
            word(ValueCreatorKind, c.kind),
            word(ValueCreatorState, c.state),
            clock(c.registered_time),
            "; ".join(r.message for r in c.reasons),
        )
        for c in found
    ]
    screen.table(("ID", "NAME", "KIND", "STATE", "REGISTERED", "REASONS"), rows, empty="no value creator: city creators register NAME")


@app.command()
@told
async def members(
    creator: Id,
    add: Annotated[str, typer.Option("--add", metavar="WHO", help="Make somebody a member: a name that is logged in here, or a subject.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="With --add: as one who may add others.")] = False,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Show who acts for a value creator, or add somebody."""
    async with session(folder, as_) as client:
        stub = client.stub(ValueCreatorServiceStub, "governance")
        if add:
            subject = add if ":" in add else People(folder).get(add).subject
            role = MemberRole.MEMBER_ROLE_ADMIN if admin else MemberRole.MEMBER_ROLE_MEMBER
            await stub.AddMember(AddMemberRequest(request_id=new_id(), creator_id=creator, subject=subject, roles=[role]))
        shown = await stub.GetValueCreator(GetValueCreatorRequest(creator_id=creator))
    names = {People(folder).get(name).subject: name for name in People(folder).names()}
    screen = Screen(as_json)
    screen.data(as_data(shown))
    rows = [(m.subject, names.get(m.subject, ""), ", ".join(word(MemberRole, r) for r in m.roles), clock(m.added_time)) for m in shown.members]
    screen.table(("SUBJECT", "NAME HERE", "ROLES", "SINCE"), rows, empty="no member is shown to you")
