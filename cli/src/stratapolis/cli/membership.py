"""Enrolling identities and taking in value creators."""

from __future__ import annotations

from collections.abc import Sequence

from city.connectivity.v1.identity_pb2 import IdentityKind
from city.connectivity.v1.identity_service_pb2 import EnrolIdentityRequest, GrantRolesRequest
from city.connectivity.v1.identity_service_pb2_grpc import IdentityServiceStub
from city.governance.v1.value_creator_pb2 import ValueCreatorKind
from city.governance.v1.value_creator_service_pb2 import AcceptValueCreatorRequest, RegisterValueCreatorRequest
from city.governance.v1.value_creator_service_pb2_grpc import ValueCreatorServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.client import Client
from stratapolis.cli.people import Identity, new_pem, public_pem


async def enrol(officer: Client, name: str, *, kind: str = "person", creator: str = "", roles: Sequence[str] = ()) -> Identity:
    """A new identity with a new key, enrolled by an officer."""
    identities, pem = officer.stub(IdentityServiceStub, "connectivity"), new_pem()
    enrolled = await identities.EnrolIdentity(
        EnrolIdentityRequest(
            request_id=new_id(),
            kind=IdentityKind.Value(f"IDENTITY_KIND_{kind.upper()}"),
            display_name=name,
            public_key_pem=public_pem(pem),
            creator=creator,
        )
    )
    subject = enrolled.identity.subject
    if roles:
        await identities.GrantRoles(GrantRolesRequest(request_id=new_id(), subject=subject, roles=roles))
    return Identity(name=name, subject=subject, private_pem=pem)


async def register(founder: Client, name: str, *, kind: str = "company") -> str:
    """Ask for a value creator to be let in; its id."""
    creators = founder.stub(ValueCreatorServiceStub, "governance")
    request = RegisterValueCreatorRequest(request_id=new_id(), name=name, kind=ValueCreatorKind.Value(f"VALUE_CREATOR_KIND_{kind.upper()}"))
    return (await creators.RegisterValueCreator(request)).value_creator.creator_id


async def accept(officer: Client, creator: str) -> None:
    """Let a registered value creator in."""
    creators = officer.stub(ValueCreatorServiceStub, "governance")
    await creators.AcceptValueCreator(AcceptValueCreatorRequest(request_id=new_id(), creator_id=creator))
