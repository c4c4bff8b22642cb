"""Connectivity's part in journeys, and connections by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from city.connectivity.v1 import connection_service_pb2 as pb
from city.connectivity.v1.connection_pb2 import CONNECTION_STATE_TRUSTED
from city.connectivity.v1.credential_service_pb2 import ActivateSystemRequest
from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.connectivity.v1.identity_pb2 import IDENTITY_KIND_SYSTEM, IDENTITY_KIND_THING
from city.connectivity.v1.identity_service_pb2 import RevokeIdentityRequest, SuspendIdentityRequest
from city.connectivity.v1.revocations_pb2 import Revoked
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as journey
from city.manifest.v1 import manifest_pb2 as manifests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp

from services.connectivity.tests.integration.running import Face, Who, a_pem

SERVICE = "0190a0b0-0000-7000-8000-000000000001"
SYSTEM = f"system:{SERVICE}"
ENDS = "2031-06-30"
MANIFEST: dict[str, Any] = {
    "apiVersion": "city/v1",
    "kind": "Service",
    "metadata": {"name": "air-alert", "title": "Air alert", "description": "Warns whoever asks when the air is bad."},
    "spec": {
        "category": "environment",
        "stakeholders": ["STAKEHOLDER_RESIDENT"],
        "outcomes": [{"name": "Cleaner air", "indicator": {"framework": "city", "code": "uses"}}],
        "price": {"plans": [{"name": "free", "model": "MODEL_FREE"}]},
    },
}


def a_manifest(*, software: bool = True, level: Any = manifests.WCAG_LEVEL_AA, languages: tuple[str, ...] = ("de",), data: bool = True) -> manifests.Manifest:
    made = json_format.ParseDict(MANIFEST, manifests.Manifest())
    if level is not None:
        made.spec.accessibility.CopyFrom(manifests.Accessibility(wcag_level=level, languages=languages))
    if software:
        made.spec.runtime.process.CopyFrom(manifests.Process(artefact="air-alert", health="/health", cpu_millis=100, memory_mib=64))
    else:
        made.spec.runtime.none.SetInParent()
    if data:
        made.spec.data.add(product="air-quality", purpose="alerts", end=ENDS)
    return made


def asked(stage: Any, manifest: manifests.Manifest | None = None, *, attempt: int = 1) -> StageRequested:
    return StageRequested(
        journey_id="j1", service_id=SERVICE, version=1, kind=journey.JOURNEY_KIND_LAUNCH, stage=stage, attempt=attempt, layers=["connectivity"],
        creator_id="creator-1", creator_name="Acme", manifest=manifest or a_manifest(), until_time=to_timestamp(datetime.now(UTC) + timedelta(hours=1)),
    )  # fmt: skip


def the_end(state: Any) -> JourneyEnded:
    return JourneyEnded(journey_id="j1", service_id=SERVICE, version=1, kind=journey.JOURNEY_KIND_LAUNCH, state=state, creator_id="creator-1")


async def cleared(city: Face, manifest: manifests.Manifest | None = None) -> journey.StageAnswered:
    await city.said()
    await city.under.deliver(asked(journey.STAGE_CLEARING, manifest))
    (answer,) = [event for event in await city.said() if isinstance(event, journey.StageAnswered)]
    return answer


async def activated(city: Face) -> Who:
    system = Who(SYSTEM, Ed25519PrivateKey.generate())
    request = ActivateSystemRequest(request_id=new_id(), service_id=SERVICE, version=1, public_key_pem=a_pem(system.key))
    await city.call("ActivateSystem", request, Who("layer:infrastructure", city.fixed["infrastructure"]))
    return system


async def is_trusted(city: Face, scope: str, *, target: str = "data", who: Who | None = None) -> bool:
    answer = await city.call("VerifyConnection", pb.VerifyConnectionRequest(subject=SYSTEM, target=target, scope=scope), who or city.officer)
    return bool(answer.trusted)


async def test_a_good_statement_clears_and_holds_identity_and_connections(city: Face) -> None:
    answer = await cleared(city)
    assert answer.outcome == journey.OUTCOME_CLEARED
    assert [(held.kind, held.amount) for held in answer.held] == [
        ("identity", "inactive"), ("connection", "value_catalog uses:record"), ("connection", "data data:read until 2031-07-01"),
    ]  # fmt: skip
    assert not await is_trusted(city, "data:read")


async def test_all_faults_of_a_statement_are_told_and_nothing_is_held(city: Face) -> None:
    answer = await cleared(city, a_manifest(level=manifests.WCAG_LEVEL_A, languages=("fr",)))
    assert answer.outcome == journey.OUTCOME_REFUSED
    assert [reason.code for reason in answer.reasons] == ["WCAG_TOO_LOW", "LANGUAGE_MISSING"]
    assert not await city.rows("select 1 from identity where subject = $1 union all select 1 from connection", SYSTEM)


async def test_from_clearing_to_live_the_system_comes_to_act_and_its_uses_to_be_trusted(city: Face) -> None:
    await cleared(city)
    assert (await city.ask(Who(SYSTEM, Ed25519PrivateKey.generate()))).status_code == 401
    system = await activated(city)
    assert (await city.ask(system, "data")).status_code == 200
    assert not await is_trusted(city, "data:read")
    await city.said()
    await city.under.deliver(asked(journey.STAGE_CONNECTING))
    said = await city.said()
    assert {(event.subject, event.target, event.scope) for event in said if isinstance(event, ConnectionTrusted)} == {
        (SYSTEM, "value_catalog", "uses:record"), (SYSTEM, "data", "data:read"),
    }  # fmt: skip
    await city.under.deliver(the_end(journey.JOURNEY_STATE_LIVE))
    assert await is_trusted(city, "data:read") and await is_trusted(city, "uses:record", target="value_catalog")
    assert await is_trusted(city, "data:read", who=Who("layer:governance", city.fixed["governance"]))
    assert [row["state"] for row in await city.rows("select state from hold")] == ["active"]


async def test_a_rejected_journey_leaves_no_identity_that_acts_and_no_connection(city: Face) -> None:
    await cleared(city)
    system = await activated(city)
    token = await city.token(system)
    await city.under.deliver(asked(journey.STAGE_CONNECTING))
    await city.said()
    await city.under.deliver(the_end(journey.JOURNEY_STATE_REJECTED))
    said = await city.said()
    assert {event.reason for event in said if isinstance(event, ConnectionSevered)} == {"rejected"}
    assert [(event.subject, event.gone) for event in said if isinstance(event, Revoked)] == [(SYSTEM, True)]
    assert await city.refused("ListConnections", pb.ListConnectionsRequest(), None, token=token) == ("UNAUTHENTICATED", "TOKEN_REVOKED")
    assert (await city.ask(system)).status_code == 401
    assert {row["state"] for row in await city.rows("select state from connection")} == {"severed"}
    assert [row["state"] for row in await city.rows("select state from hold")] == ["released"]


async def test_a_withdrawn_journey_that_never_connected_says_nothing_of_connections(city: Face) -> None:
    await cleared(city)
    await city.under.deliver(the_end(journey.JOURNEY_STATE_WITHDRAWN))
    assert not [event for event in await city.said() if isinstance(event, ConnectionSevered)]
    assert {row["reason"] for row in await city.rows("select reason from connection")} == {"withdrawn"}


async def test_a_late_request_after_the_end_holds_nothing(city: Face) -> None:
    await city.under.deliver(the_end(journey.JOURNEY_STATE_WITHDRAWN))
    answer = await cleared(city)
    assert [reason.code for reason in answer.reasons] == ["JOURNEY_ENDED"]
    assert not await city.rows("select 1 from identity where subject = $1", SYSTEM)


async def test_a_second_attempt_asks_for_no_second_connection(city: Face) -> None:
    first = await cleared(city)
    await city.under.deliver(asked(journey.STAGE_CLEARING, attempt=2))
    (again,) = [event for event in await city.said() if isinstance(event, journey.StageAnswered)]
    assert {held.reference for held in again.held} == {held.reference for held in first.held}
    assert len(await city.rows("select 1 from connection")) == 2


async def test_a_service_without_software_is_active_once_it_is_connected(city: Face) -> None:
    await cleared(city, a_manifest(software=False, data=False))
    await city.under.deliver(asked(journey.STAGE_CONNECTING, a_manifest(software=False, data=False)))
    (row,) = await city.rows("select state, creator from identity where subject = $1", SYSTEM)
    assert (row["state"], row["creator"]) == ("active", "creator-1")


async def test_a_system_revoked_on_the_way_refuses_the_connecting(city: Face) -> None:
    await cleared(city)
    await city.call("RevokeIdentity", RevokeIdentityRequest(request_id=new_id(), subject=SYSTEM), city.officer)
    await city.said()
    await city.under.deliver(asked(journey.STAGE_CONNECTING))
    (answer,) = [event for event in await city.said() if isinstance(event, journey.StageAnswered)]
    assert answer.outcome == journey.OUTCOME_REFUSED


async def test_a_new_start_of_the_same_version_ends_the_key_before(city: Face) -> None:
    await cleared(city)
    first, second = await activated(city), await activated(city)
    assert [(await city.ask(who)).status_code for who in (first, second)] == [401, 200]


def a_trust(subject: Who, target: str, *, ends: datetime | None = None) -> pb.TrustConnectionRequest:
    end = to_timestamp(ends or datetime.now(UTC) + timedelta(days=1))
    return pb.TrustConnectionRequest(request_id=new_id(), subject=subject.subject, target=target, scope="thing:read", end_time=end)


async def test_a_member_connects_its_own_until_one_end_is_suspended_or_revoked(city: Face) -> None:
    member = await city.a_member("creator-1")
    reader = await city.enrolled(IDENTITY_KIND_SYSTEM, by=member)
    thing = await city.enrolled(IDENTITY_KIND_THING, by=member)
    await city.call("TrustConnection", a_trust(reader, thing.subject), member)
    assert await city.refused("TrustConnection", a_trust(reader, thing.subject), member) == ("ALREADY_EXISTS", "CONNECTION_EXISTS")
    question = pb.VerifyConnectionRequest(subject=reader.subject, target=thing.subject, scope="thing:read")
    assert (await city.call("VerifyConnection", question, member)).trusted
    await city.call("SuspendIdentity", SuspendIdentityRequest(request_id=new_id(), subject=thing.subject), member)
    assert not (await city.call("VerifyConnection", question, member)).trusted
    await city.said()
    await city.call("RevokeIdentity", RevokeIdentityRequest(request_id=new_id(), subject=thing.subject), member)
    assert [event.reason for event in await city.said() if isinstance(event, ConnectionSevered)] == ["revoked"]


async def test_a_stranger_neither_connects_nor_sees_nor_severs(city: Face) -> None:
    member, stranger = await city.a_member("creator-1"), await city.a_member("creator-2")
    reader, thing = await city.enrolled(IDENTITY_KIND_SYSTEM, by=member), await city.enrolled(IDENTITY_KIND_THING, by=member)
    own = await city.enrolled(IDENTITY_KIND_SYSTEM, by=stranger)
    made = (await city.call("TrustConnection", a_trust(reader, thing.subject), member)).connection
    assert await city.refused("TrustConnection", a_trust(own, thing.subject), stranger) == ("NOT_FOUND", "IDENTITY_NOT_FOUND")
    assert await city.refused("TrustConnection", a_trust(reader, "data"), member) == ("PERMISSION_DENIED", "TARGET_NOT_YOURS")
    assert await city.refused("TrustConnection", a_trust(reader, thing.subject), await city.a_person()) == ("PERMISSION_DENIED", "NOT_A_MEMBER")
    question = pb.VerifyConnectionRequest(subject=reader.subject, target=thing.subject, scope="thing:read")
    assert not (await city.call("VerifyConnection", question, stranger)).trusted
    assert not (await city.call("ListConnections", pb.ListConnectionsRequest(), stranger)).connections
    for connection_id in (made.connection_id, new_id()):
        sever = pb.SeverConnectionRequest(request_id=new_id(), connection_id=connection_id)
        assert await city.refused("SeverConnection", sever, stranger) == ("NOT_FOUND", "CONNECTION_NOT_FOUND")
    shown = (await city.call("ListConnections", pb.ListConnectionsRequest(states=[CONNECTION_STATE_TRUSTED]), member)).connections
    assert [one.connection_id for one in shown] == [made.connection_id]
    sever = pb.SeverConnectionRequest(request_id=new_id(), connection_id=made.connection_id)
    assert (await city.call("SeverConnection", sever, member)).connection.reason == "severed"
    again = pb.SeverConnectionRequest(request_id=new_id(), connection_id=made.connection_id)
    assert await city.refused("SeverConnection", again, member) == ("FAILED_PRECONDITION", "CONNECTION_SEVERED")


async def test_a_connection_ends_with_its_time(city: Face) -> None:
    reader = await city.enrolled(IDENTITY_KIND_SYSTEM)
    made = (await city.call("TrustConnection", a_trust(reader, "policy"), city.officer)).connection
    await city.rows("update connection set end_at = now() - interval '1 second' where connection_id = $1 returning 1", made.connection_id)
    question = pb.VerifyConnectionRequest(subject=reader.subject, target="policy", scope="thing:read")
    assert not (await city.call("VerifyConnection", question, city.officer)).trusted
    await city.said()
    await city.under.run("end_connections")
    assert [(event.connection_id, event.reason) for event in await city.said() if isinstance(event, ConnectionSevered)] == [(made.connection_id, "ended")]
