"""Protos to values and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch

from city.audit.v1.audit_pb2 import AccessDenied
from city.connectivity.v1 import audit_service_pb2, connection_pb2, device_pb2, events_pb2, identity_pb2, revocations_pb2, seals_pb2
from city.connectivity.v1.observations_pb2 import ThingObserved
from city.manifest.v1 import manifest_pb2
from city.types.v1 import types_pb2
from google.protobuf.message import Message
from stratapolis.chassis.times import to_time, to_timestamp
from stratapolis.connectivity.domain.accessibility import Statement
from stratapolis.connectivity.domain.audit import Entry, Fault, Record, Seal
from stratapolis.connectivity.domain.connection import Connection, Link, Severed, Trusted
from stratapolis.connectivity.domain.identity import Credential, Cut, Enrolled, Identity, Kind, State
from stratapolis.connectivity.domain.observation import Device, Observation, Place

TRAIL = "audit"
HEARTBEAT = "heartbeat"

KINDS = {
    Kind.PERSON: identity_pb2.IDENTITY_KIND_PERSON,
    Kind.THING: identity_pb2.IDENTITY_KIND_THING,
    Kind.SYSTEM: identity_pb2.IDENTITY_KIND_SYSTEM,
}
KIND_OF = {number: kind for kind, number in KINDS.items()}
STATES = {
    State.INACTIVE: identity_pb2.IDENTITY_STATE_INACTIVE,
    State.ACTIVE: identity_pb2.IDENTITY_STATE_ACTIVE,
    State.SUSPENDED: identity_pb2.IDENTITY_STATE_SUSPENDED,
    State.REVOKED: identity_pb2.IDENTITY_STATE_REVOKED,
}
LINKS = {
    Link.ASKED: connection_pb2.CONNECTION_STATE_ASKED,
    Link.TRUSTED: connection_pb2.CONNECTION_STATE_TRUSTED,
    Link.SEVERED: connection_pb2.CONNECTION_STATE_SEVERED,
}
LINK_OF = {number: link for link, number in LINKS.items()}
WCAG = {
    manifest_pb2.WCAG_LEVEL_UNSPECIFIED: "",
    manifest_pb2.WCAG_LEVEL_A: "A",
    manifest_pb2.WCAG_LEVEL_AA: "AA",
    manifest_pb2.WCAG_LEVEL_AAA: "AAA",
}


def identity(value: Identity, keys: Sequence[Credential] = ()) -> identity_pb2.Identity:
    """An identity as it is shown."""
    return identity_pb2.Identity(
        subject=value.subject, kind=KINDS[value.kind], state=STATES[value.state], creator=value.creator, display_name=value.display_name,
        roles=sorted(value.roles), credentials=[credential(key) for key in keys], create_time=to_timestamp(value.created_at),
        update_time=to_timestamp(value.updated_at),
    )  # fmt: skip


def credential(value: Credential) -> identity_pb2.Credential:
    """A key as it is shown."""
    return identity_pb2.Credential(
        credential_id=value.credential_id, thumbprint=value.thumbprint, revoked=value.revoked_at is not None, create_time=to_timestamp(value.created_at),
        revoke_time=to_timestamp(value.revoked_at) if value.revoked_at else None,
    )  # fmt: skip


def connection(value: Connection) -> connection_pb2.Connection:
    """A connection as it is shown."""
    return connection_pb2.Connection(
        connection_id=value.connection_id, subject=value.subject, target=value.target, scope=value.scope, state=LINKS[value.state], owner=value.owner,
        service_id=value.service_id, end_time=to_timestamp(value.end_at) if value.end_at else None, reason=value.reason,
        create_time=to_timestamp(value.created_at), update_time=to_timestamp(value.updated_at),
    )  # fmt: skip


def device(value: Device) -> device_pb2.Device:
    """A device as it is shown."""
    return device_pb2.Device(
        thing=value.thing, type=value.type, place=place(value.place), properties=sorted(value.properties), owner=value.owner,
        create_time=to_timestamp(value.created_at), update_time=to_timestamp(value.updated_at),
    )  # fmt: skip


def place(value: Place | None) -> types_pb2.Place | None:
    """A place, where there is one."""
    return types_pb2.Place(latitude=value.latitude, longitude=value.longitude) if value else None


def place_of(message: types_pb2.Place) -> Place:
    """A place as the value."""
    return Place(message.latitude, message.longitude)


def observed(value: Observation, of: Device) -> ThingObserved:
    """An observation with what the ingress knows of the thing."""
    return ThingObserved(
        thing=of.thing, owner=of.owner, property=value.property, value=value.value, unit=value.unit, observed_time=to_timestamp(value.observed_at),
        place=place(value.place), flags=value.flags,
    )  # fmt: skip


def audit_record(value: Record) -> audit_service_pb2.AuditRecord:
    """A record as it is shown."""
    entry = value.entry
    return audit_service_pb2.AuditRecord(
        number=value.number, record_time=to_timestamp(value.at), subject=entry.subject, action=entry.action, object=entry.object, outcome=entry.outcome,
        detail=dict(entry.detail), seal=value.seal,
    )  # fmt: skip


def denial(event: AccessDenied) -> Entry:
    """Calls that a layer denied, as they stand in the trail: counted, and nothing of what they asked for."""
    detail = {
        "layer": event.layer, "reason": event.reason, "count": str(event.count),
        "first": to_time(event.first_time).isoformat(), "last": to_time(event.last_time).isoformat(),
    }  # fmt: skip
    merged = {"merged": "true"} if event.merged else {}
    return Entry(subject=event.subject, action="deny", object=event.rpc, outcome="denied", detail=detail | merged)


def audit_fault(value: Fault) -> audit_service_pb2.AuditFault:
    """A fault of the trail."""
    return audit_service_pb2.AuditFault(seal=value.seal, message=value.message)


def sealed(value: Seal) -> seals_pb2.AuditSealed:
    """The newest seal, for all who keep it elsewhere."""
    return seals_pb2.AuditSealed(trail=TRAIL, number=value.number, hash=value.hash, records=value.records, sealed_time=to_timestamp(value.sealed_at))


def statement(manifest: manifest_pb2.Manifest) -> Statement | None:
    """A manifest's accessibility statement, where there is one."""
    if not manifest.spec.HasField("accessibility"):
        return None
    said = manifest.spec.accessibility
    return Statement(WCAG[said.wcag_level], list(said.languages), said.offline_channel)


@singledispatch
def fact(value: object) -> Message:
    """A fact as the event that says it."""
    raise TypeError(f"no event says {type(value).__name__}")


@fact.register
def _(value: Enrolled) -> Message:
    return events_pb2.IdentityEnrolled(subject=value.subject, kind=value.kind.value)


@fact.register
def _(value: Cut) -> Message:
    return revocations_pb2.Revoked(subject=value.subject, before_time=to_timestamp(value.before), gone=value.gone)


@fact.register
def _(value: Trusted) -> Message:
    link = value.connection
    end = to_timestamp(link.end_at) if link.end_at else None
    return events_pb2.ConnectionTrusted(connection_id=link.connection_id, subject=link.subject, target=link.target, scope=link.scope, end_time=end)


@fact.register
def _(value: Severed) -> Message:
    link = value.connection
    return events_pb2.ConnectionSevered(connection_id=link.connection_id, reason=link.reason, subject=link.subject, target=link.target, scope=link.scope)


def facts(values: Iterable[object]) -> Iterator[Message]:
    """Facts as events, in order."""
    return map(fact, values)
