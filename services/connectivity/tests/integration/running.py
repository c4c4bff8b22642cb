"""Connectivity as its callers have it: real gRPC and real HTTP on a real database, each caller with a key and tokens of its own."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
from city.connectivity.v1 import (
    audit_service_pb2_grpc,
    connection_service_pb2_grpc,
    credential_service_pb2_grpc,
    device_service_pb2_grpc,
    founding_service_pb2_grpc,
    identity_service_pb2_grpc,
)
from city.connectivity.v1.founding_service_pb2 import FoundCityRequest
from city.connectivity.v1.identity_pb2 import IDENTITY_KIND_PERSON, Identity
from city.connectivity.v1.identity_service_pb2 import EnrolIdentityRequest
from city.connectivity.v1.revocations_pb2 import Revoked
from city.governance.v1.events_pb2 import ValueCreatorAccepted
from city.policy.v1.policies_pb2 import PolicyActivated
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from stratapolis.chassis.denials import Denials
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.own_token import ASSERTION_TYPE, assertion
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.server import Server
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.times import to_time
from stratapolis.chassis.tokens import Verifier
from stratapolis.connectivity import keys
from stratapolis.connectivity.settings import Settings

HOST = "127.0.0.1"
STUBS: tuple[Any, ...] = (
    audit_service_pb2_grpc.AuditServiceStub,
    connection_service_pb2_grpc.ConnectionServiceStub,
    credential_service_pb2_grpc.CredentialServiceStub,
    device_service_pb2_grpc.DeviceServiceStub,
    founding_service_pb2_grpc.FoundingServiceStub,
    identity_service_pb2_grpc.IdentityServiceStub,
)
POLICY = PolicyActivated(name="city", version=1, cedar='@id("everybody") permit(principal, action, resource);')


@dataclass
class Feed:
    """Revocations as a follower would have them."""

    newest: dict[str, Revoked] = field(default_factory=dict)

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        found = self.newest.get(subject)
        return found is not None and (found.gone or issued_at < to_time(found.before_time))

    def silent_for(self) -> timedelta:
        return timedelta()


@dataclass(frozen=True)
class Who:
    """An identity of a test: its subject and its private key."""

    subject: str
    key: Ed25519PrivateKey


def a_pem(key: Ed25519PrivateKey) -> str:
    return keys.public_pem(key.public_key())


def write_keys(folder: Path) -> dict[str, Ed25519PrivateKey]:
    """Key pairs of the founder and two layers; the public ones as connectivity is told them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: Ed25519PrivateKey.generate() for name in ("founder", "infrastructure", "governance")}
    for name, key in made.items():
        (folder / f"{name}.pub.pem").write_text(a_pem(key))
    return made


@dataclass
class Face:
    """Running connectivity: `call` RPCs, `token` over HTTP, `said` what was published since the last time."""

    settings: Settings
    under: AppUnderTest
    http: httpx.AsyncClient
    fixed: dict[str, Ed25519PrivateKey]
    feed: Feed
    stack: AsyncExitStack
    channel: Any = None
    denials: Denials = field(default_factory=lambda: Denials("connectivity"))
    officer: Who = Who("", Ed25519PrivateKey.generate())

    @property
    def gate(self) -> Gate:
        """The chassis's own."""
        return Gate("connectivity", Verifier(self.under.app.issuer, "connectivity", self.feed), Policies(lambda: POLICY), self.denials)

    async def serve(self) -> None:
        """Answer gRPC, behind the chassis's own gate."""
        server = await self.stack.enter_async_context(Server("connectivity", self.under.app.answers, db=self.under.db, gate=self.gate))
        self.channel = await self.stack.enter_async_context(grpc.aio.insecure_channel(f"{HOST}:{server.port}"))

    async def found(self) -> Who:
        """The founding officer."""
        key = Ed25519PrivateKey.generate()
        request = FoundCityRequest(request_id=new_id(), display_name="Ada Muster", public_key_pem=a_pem(key))
        answer = await self.call("FoundCity", request, Who("founder", self.fixed["founder"]))
        self.officer = Who(answer.officer.subject, key)
        return self.officer

    async def a_person(self, name: str = "Max Muster") -> Who:
        return await self.enrolled(IDENTITY_KIND_PERSON, name=name)

    async def a_member(self, creator: str) -> Who:
        """The founding member of an accepted value creator."""
        person = await self.a_person()
        await self.under.deliver(ValueCreatorAccepted(creator_id=creator, name=creator, kind="company", founding_subject=person.subject))
        return person

    async def enrolled(self, kind: Any, *, by: Who | None = None, name: str = "Sensor", creator: str = "") -> Who:
        key = Ed25519PrivateKey.generate()
        request = EnrolIdentityRequest(request_id=new_id(), kind=kind, display_name=name, public_key_pem=a_pem(key), creator=creator)
        answer = await self.call("EnrolIdentity", request, by or self.officer)
        identity: Identity = answer.identity
        return Who(identity.subject, key)

    async def ask(self, who: Who, audience: str = "connectivity", **form: str) -> httpx.Response:
        """What the token endpoint answers."""
        url = f"{self.settings.issuer}/oauth2/token"
        proof = assertion(who.subject, who.key, url, now=time.time())
        given = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": proof, "audience": audience} | form
        return await self.http.post("/oauth2/token", data={name: value for name, value in given.items() if value})

    async def token(self, who: Who, audience: str = "connectivity") -> str:
        answer = await self.ask(who, audience)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def call(self, rpc: str, request: Message, who: Who | None, *, token: str = "") -> Any:
        """Make a call with a token just issued, or with this one, or with none."""
        token = token or (await self.token(who) if who else "")
        stub = next(made for make in STUBS if hasattr(made := make(self.channel), rpc))
        return await getattr(stub, rpc)(request, timeout=5, metadata=[("authorization", f"Bearer {token}")] if token else [])

    async def refused(self, rpc: str, request: Message, who: Who | None, *, token: str = "") -> tuple[str, str]:
        """(code, reason) of a call that must be refused."""
        try:
            await self.call(rpc, request, who, token=token)
        except grpc.aio.AioRpcError as error:
            return error.code().name, refusal(error).reason
        raise AssertionError(f"{rpc} was not refused")

    async def said(self) -> list[Message]:
        """What was published since the last time; the feed hears its part."""
        events = await self.under.published()
        for event in events:
            if isinstance(event, Revoked):
                self.feed.newest[event.subject] = event
        return events

    async def rows(self, query: str, *args: object) -> list[Any]:
        async with self.under.db.transaction() as tx:
            return await tx.fetch(query, *args)
