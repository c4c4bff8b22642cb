"""`city policy`: the city's rules: what they say, why a call is allowed or denied, and how two people change them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from city.policy.v1.policy_pb2 import Example, PolicyVersion, Principal
from city.policy.v1.policy_service_pb2 import (
    ActivatePolicyRequest,
    ExplainDecisionRequest,
    GetPolicyRequest,
    ListPoliciesRequest,
    PublishPolicyRequest,
)
from city.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli import given
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock
from stratapolis.cli.session import pages, session

app = typer.Typer(help="The city's rules, in Cedar: versions, why a call is allowed or denied, and a new version by two people.", no_args_is_help=True)
Version = Annotated[int, typer.Option("--version", min=0, help="Version of the rules; 0: the one in force.")]


@app.command("list")
@told
async def listed(limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List versions, newest first."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(PolicyServiceStub, "policy").ListPolicies, ListPoliciesRequest(), "policies", limit)
    screen = Screen(as_json)
    screen.data({"policies": [as_data(each) for each in found]})
    rows = [(str(p.version), _state(p), p.publisher, p.activator, clock(p.publish_time), p.note) for p in found]
    screen.table(("VERSION", "STATE", "PUBLISHED BY", "ACTIVATED BY", "SINCE", "NOTE"), rows, empty="the city has no rules yet: `city init`")


@app.command()
@told
async def show(version: Version = 0, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Print the text of a version."""
    async with session(folder, as_) as client:
        found = (await client.stub(PolicyServiceStub, "policy").GetPolicy(GetPolicyRequest(version=version))).policy
    screen = Screen(as_json)
    screen.data({"policy": as_data(found)})
    screen.line(f"// version {found.version}, {_state(found)}: {found.note}\n{found.cedar}")


@app.command()
@told
async def explain(
    call: Annotated[str, typer.Argument(metavar="LAYER.RPC", help="The call, such as governance.ProposeService.")],
    kind: Annotated[str, typer.Option("--kind", help="Who would call: person, system or thing.")] = "person",
    role: Annotated[list[str] | None, typer.Option("--role", help="A role it has in the city, such as officer; repeatable.")] = None,
    creator: Annotated[str, typer.Option("--creator", metavar="ID", help="The value creator it is a member of.")] = "",
    creator_role: Annotated[list[str] | None, typer.Option("--creator-role", help="A role it has there: admin, member; repeatable.")] = None,
    version: Version = 0,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Say whether such a caller may use an RPC, by which rules, and which others speak of it."""
    layer, _, rpc = call.partition(".")
    if not (layer and rpc):
        raise typer.BadParameter(f"{call!r} names no call; write it like governance.ProposeService", param_hint="LAYER.RPC")
    who = Principal(kind=kind, roles=role or [], creator=creator, creator_roles=creator_role or [])
    asked = ExplainDecisionRequest(principal=who, layer=layer, rpc=rpc, version=version)
    async with session(folder, as_) as client:
        found = await client.stub(PolicyServiceStub, "policy").ExplainDecision(asked)
    screen = Screen(as_json)
    screen.data(as_data(found))
    screen.line(
        f"{'allowed' if found.allowed else 'denied'} by version {found.version}; the contract lets in: {', '.join(found.admits) or 'what its route says'}"
    )
    rows = [(rule.policy_id, rule.effect, "applied" if rule.applied else "did not apply") for rule in found.rules]
    screen.table(("RULE", "EFFECT", ""), rows, empty="no rule speaks of it, and what no rule permits is denied")
    for fault in found.faults:
        screen.line(f"could not be evaluated, which denies: {fault}")
    for rule in found.rules:
        if not found.allowed or rule.applied:
            screen.line(f"\n{rule.cedar}")


@app.command()
@told
async def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The whole set in Cedar.")],
    note: Annotated[str, typer.Option("--note", help="What changes, for people.")],
    examples: Annotated[
        Path | None,
        typer.Option("--examples", metavar="FILE", help="A YAML list of calls with the decision expected: {principal: {kind: person}, layer, rpc, allowed}."),
    ] = None,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Bring a new version, which must decide the examples as expected (policy_admin); somebody else activates it."""
    asked = PublishPolicyRequest(request_id=new_id(), cedar=file.read_text(), note=note, examples=given.listed(examples, Example, option="--examples"))
    async with session(folder, as_) as client:
        found = (await client.stub(PolicyServiceStub, "policy").PublishPolicy(asked)).policy
    screen = Screen(as_json)
    screen.data({"policy": as_data(found)})
    screen.line(f"published version {found.version}; another policy_admin puts it in force: city policy activate {found.version}")


@app.command()
@told
async def activate(
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="Version to put in force.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Put a version in force in every process (policy_admin, not who published it)."""
    async with session(folder, as_) as client:
        found = (await client.stub(PolicyServiceStub, "policy").ActivatePolicy(ActivatePolicyRequest(request_id=new_id(), version=version))).policy
    screen = Screen(as_json)
    screen.data({"policy": as_data(found)})
    screen.line(f"version {found.version} is in force")


def _state(of: PolicyVersion) -> str:
    return "in force" if of.active else "was in force" if of.HasField("activate_time") else "published"
