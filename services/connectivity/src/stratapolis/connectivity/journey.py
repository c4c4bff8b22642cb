"""Connectivity's part in journeys: is the service accessible, who is its system, and what may that use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.holds import Answer, Cleared, Holder, Version, Why, reason
from stratapolis.chassis.ids import new_id
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain.accessibility import check
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.connection import Connection, Link, needed, trust
from stratapolis.connectivity.domain.identity import Credential, Identity, Kind, State, activate, enrol, keys_ended, renew, revoke
from stratapolis.connectivity.keeping import cut_connections, keep

LAYER = "connectivity"
BY = "layer:governance"
"""In whose name the trail records what journeys bring about."""


def system_of(service_id: str) -> str:
    """The subject of a service's own identity."""
    return f"system:{service_id}"


@dataclass(frozen=True, slots=True)
class Journeys:
    """What the stages of a journey ask of connectivity. `languages` are the city's."""

    languages: Sequence[str]

    def holder(self) -> Holder:
        """The stages that connectivity takes part in."""
        return Holder(LAYER, {pb.STAGE_CLEARING: self.clear, pb.STAGE_CONNECTING: connect}, let_go)

    async def clear(self, request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
        """Check the accessibility statement; enrol the service's system, inactive; ask for what it will use."""
        software = request.manifest.spec.runtime.HasField("process")
        faults = check(codec.statement(request.manifest), has_software=software, city_languages=self.languages)
        if faults:
            return tuple(reason(LAYER, fault.code, fault.message, field_path=fault.field_path, hint=fault.hint) for fault in faults)
        system = await _system(tx, request, at)
        if system.state is State.SUSPENDED:
            return (reason(LAYER, "IDENTITY_NOT_ACTIVE", f"{system.subject} is suspended", hint="ask an operator to resume it"),)
        asked = await _ask(tx, request, system, at)
        held = [pb.Held(kind="identity", reference=system.subject, amount=system.state.value)]
        held += [pb.Held(kind="connection", reference=link.connection_id, amount=_amount(link)) for link in asked]
        return Cleared(held=held)


async def connect(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
    """Trust what was asked for. A system without software is active from here; one with software is, since its deployment."""
    subject = system_of(request.service_id)
    system = await store.identities.for_update(tx, subject)
    asked = await store.connections.of_service(tx, request.service_id, request.version)
    if system is None or not asked:
        return (reason(LAYER, "SYSTEM_NOT_FOUND", f"{subject} is not enrolled, or its connections were severed", hint="propose again"),)
    try:
        active, said = activate(system, at=at)
    except Refused as refused:
        return (reason(LAYER, refused.reason, refused.message, hint="propose again, or ask an operator"),)
    if not request.manifest.spec.runtime.HasField("process"):
        await keep(tx, active, said)
    for link in asked:
        trusted, facts = trust(link, at=at)
        await store.connections.put(tx, trusted)
        await outbox.append(tx, *codec.facts(facts))
        if facts:
            await store.audit.record(tx, Entry(subject=BY, action="trust", object=link.connection_id, detail={"subject": link.subject, "scope": link.scope}))
    return Cleared()


async def let_go(version: Version, *, tx: Tx, at: datetime) -> None:
    """What the version used is severed, its software's keys are ended, and the system is revoked with its last version.

    Tokens that a replaced version still has are not cut: they name the subject that the new version goes by
    (docs/adr/0011-versions-share-an-identity.md). Its software is ended by infrastructure.
    """
    await cut_connections(tx, await store.connections.of_service(tx, version.service_id, version.version), version.why.value, by=BY, at=at)
    system = await store.identities.for_update(tx, system_of(version.service_id))
    if system is None:
        return
    for key in keys_ended(await store.identities.keys_of(tx, system.subject), version.version, at=at):
        await store.identities.put_key(tx, key)
        await store.audit.record(tx, _ended_key(key, version.why))
    if any(link.service_id for link in await store.connections.of_identity(tx, system.subject)):
        return
    await cut_connections(tx, await store.connections.of_identity(tx, system.subject), "revoked", by=BY, at=at)
    officers = await store.identities.other_officers(tx, system.subject) if system.is_officer else 0
    await keep(tx, *revoke(system, other_officers=officers, at=at), Entry(subject=BY, action="revoke", object=system.subject, detail={"reason": version.why}))


def _ended_key(key: Credential, why: Why) -> Entry:
    return Entry(subject=BY, action="revoke_credential", object=key.subject, detail={"thumbprint": key.thumbprint, "reason": why.value})


async def _system(tx: Tx, request: StageRequested, at: datetime) -> Identity:
    known = await store.identities.for_update(tx, system_of(request.service_id))
    if known is None:
        name = request.manifest.metadata.title
        system, said = enrol(
            subject=system_of(request.service_id), kind=Kind.SYSTEM, creator=request.creator_id, display_name=name, at=at, state=State.INACTIVE
        )
        await keep(tx, system, (said,), Entry(subject=BY, action="enrol", object=system.subject, detail={"journey": request.journey_id}))
        return system
    system = renew(known, creator=request.creator_id, at=at)
    await keep(tx, system, ())
    return system


async def _ask(tx: Tx, request: StageRequested, system: Identity, at: datetime) -> list[Connection]:
    """The connections of this version; those asked for by an earlier attempt stay."""
    asked = await store.connections.of_service(tx, request.service_id, request.version)
    there = {(link.target, link.scope) for link in asked}
    ends = [date.fromisoformat(use.end) for use in request.manifest.spec.data]
    for target, scope, last_day in needed(ends):
        if (target, scope) not in there:
            link = Connection(
                connection_id=new_id(), subject=system.subject, target=target, scope=scope, owner=system.owner, state=Link.ASKED,
                service_id=request.service_id, version=request.version, end_at=_after(last_day), created_at=at, updated_at=at,
            )  # fmt: skip
            await store.connections.put(tx, link)
            asked.append(link)
    return asked


def _after(last_day: date | None) -> datetime | None:
    """The end of a day."""
    return datetime.combine(last_day + timedelta(days=1), time(), UTC) if last_day else None


def _amount(link: Connection) -> str:
    until = f" until {link.end_at.date().isoformat()}" if link.end_at else ""
    return f"{link.target} {link.scope}{until}"
