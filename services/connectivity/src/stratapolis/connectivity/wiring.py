"""Connectivity, put together: the only module that names handlers, servicers, routes and jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from city.audit.v1.audit_pb2 import AccessDenied
from city.connectivity.v1 import (
    audit_service_pb2,
    connection_service_pb2,
    credential_service_pb2,
    device_service_pb2,
    founding_service_pb2,
    identity_service_pb2,
)
from city.connectivity.v1.seals_pb2 import AuditSealed
from city.governance.v1.events_pb2 import MemberAdded, MemberRemoved, ValueCreatorAccepted, ValueCreatorSuspended
from google.protobuf.message import Message
from stratapolis.chassis import holds_rpc
from stratapolis.chassis.app import Answers, App, Every, Follows, On
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds_repair import repairs
from stratapolis.chassis.http_face import Serves
from stratapolis.chassis.raw_producer import RawProducer
from stratapolis.chassis.rpc.client import Peers
from stratapolis.connectivity import handlers, jobs, keys, rpc
from stratapolis.connectivity.clients import Clients
from stratapolis.connectivity.denials import Denials
from stratapolis.connectivity.domain.audit import Published
from stratapolis.connectivity.domain.rate import Limiter
from stratapolis.connectivity.issuer import Issuer
from stratapolis.connectivity.journey import Journeys
from stratapolis.connectivity.routes import Ingress, OAuth
from stratapolis.connectivity.settings import Settings

BURST = 10
"""How many seconds' worth may come at once."""


@dataclass(slots=True)
class NewestSeal:
    """The newest seal as the topic has it."""

    published: Published | None = None

    def heard(self, event: Message) -> None:
        """The topic has a seal; an older one after a replay changes nothing."""
        if isinstance(event, AuditSealed) and (self.published is None or event.number >= self.published.number):
            self.published = Published(event.number, event.hash)


def wire(settings: Settings, db: Database, peers: Peers) -> App:
    """Connectivity of a running city."""
    raw = RawProducer(settings.layer, settings.kafka)
    issuer, denials, seal = Issuer(db, settings.rhythm), Denials(db), NewestSeal()
    holder = Journeys(settings.languages).holder()
    return App(
        name="connectivity",
        hears=(
            On(ValueCreatorAccepted, handlers.on_value_creator_accepted),
            On(ValueCreatorSuspended, handlers.on_value_creator_suspended),
            On(MemberAdded, handlers.on_member_added),
            On(MemberRemoved, handlers.on_member_removed),
            On(AccessDenied, handlers.on_access_denied, ordered=False),
            *holder.hears,
        ),
        answers=(*_answers(seal), holds_rpc.answers("connectivity")),
        follows=(Follows(AuditSealed, seal.heard),),
        every=(
            Every(timedelta(seconds=5), jobs.say_heartbeat),
            Every(timedelta(seconds=5), jobs.seal_audit),
            Every(timedelta(seconds=5), jobs.end_connections),
            Every(timedelta(minutes=1), jobs.drop_assertions),
            Every(timedelta(seconds=1), denials.count_denials),
            Every(min(timedelta(minutes=1), settings.rhythm.shown / 2), issuer.rotate_signing_keys),
            *holder.every,
            *repairs(holder, peers),
        ),
        routes=_routes(settings, db, issuer, denials, raw),
        lives=(raw,),
        on_denials=handlers.on_own_denials,
        issuer=issuer,
    )


def _answers(seal: NewestSeal) -> tuple[Answers, ...]:
    return (
        Answers(founding_service_pb2.DESCRIPTOR.services_by_name["FoundingService"], rpc.Founding()),
        Answers(identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"], rpc.Identities()),
        Answers(credential_service_pb2.DESCRIPTOR.services_by_name["CredentialService"], rpc.Credentials()),
        Answers(connection_service_pb2.DESCRIPTOR.services_by_name["ConnectionService"], rpc.Connections()),
        Answers(device_service_pb2.DESCRIPTOR.services_by_name["DeviceService"], rpc.Devices()),
        Answers(audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"], rpc.Audit(lambda: seal.published)),
    )


def _routes(settings: Settings, db: Database, issuer: Issuer, denials: Denials, raw: RawProducer) -> Sequence[Serves]:
    clients = Clients(keys.read_folder(settings.public_keys), frozenset({settings.issuer, f"{settings.issuer}/oauth2/token"}))
    oauth = OAuth(
        name=settings.issuer, db=db, issuer=issuer, clients=clients, denials=denials,
        addresses=_limiter(settings.requests_per_second), subjects=_limiter(settings.tokens_per_second),
    )  # fmt: skip
    ingress = Ingress(db=db, stream=raw, limits=_limiter(settings.observations_per_second))
    return (*oauth.routes(), *ingress.routes())


def _limiter(rate: float) -> Limiter:
    return Limiter(rate=rate, burst=rate * BURST)
