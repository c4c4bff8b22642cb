"""`city login`: people of the local city."""

from __future__ import annotations

from typing import Annotated

import typer
from stratapolis.cli import membership
from stratapolis.cli.client import Client
from stratapolis.cli.local import endpoints
from stratapolis.cli.options import HERE, Folder, Json
from stratapolis.cli.people import OFFICER, Identity, People
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen

Name = Annotated[str, typer.Option("--as", metavar="NAME", help="Who to be.")]
Role = Annotated[list[str] | None, typer.Option("--role", help="A role of the city for a new person: officer, operator, policy_admin. Repeatable.")]


@told
async def login(name: Name, role: Role = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Be somebody: whoever is new gets a key and is enrolled by the officer. Commands are then run as this person."""
    at, people = endpoints.read(folder), People(folder)
    identity = people.find(name)
    is_new = identity is None
    if identity is None:
        async with Client(at, people.get(OFFICER)) as officer:
            identity = await membership.enrol(officer, name, roles=role or ())
        people.keep(identity)
    roles = await _roles(at, identity)
    people.use(name)
    screen = Screen(as_json)
    screen.data({"name": name, "subject": identity.subject, "roles": roles, "enrolled": is_new})
    screen.line(f"{'enrolled and ' if is_new else ''}logged in as {name} ({identity.subject}){', ' + ', '.join(roles) if roles else ''}")


async def _roles(at: endpoints.Endpoints, identity: Identity) -> list[str]:
    """Shows that the key is good, too."""
    async with Client(at, identity) as client:
        return sorted((await client.claims("governance")).get("roles", []))
