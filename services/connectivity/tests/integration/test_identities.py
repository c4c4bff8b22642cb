"""Who enrols, sees and changes whom: another owner's identity is one that does not exist."""

from __future__ import annotations

from typing import Any

import pytest
from city.connectivity.v1 import credential_service_pb2 as credentials
from city.connectivity.v1 import identity_service_pb2 as pb
from city.connectivity.v1.identity_pb2 import (
    IDENTITY_KIND_PERSON,
    IDENTITY_KIND_SYSTEM,
    IDENTITY_KIND_THING,
    IDENTITY_STATE_ACTIVE,
    IDENTITY_STATE_REVOKED,
    IDENTITY_STATE_SUSPENDED,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from stratapolis.chassis.ids import new_id

from services.connectivity.tests.integration.running import Face, Who, a_pem

NOT_THERE = ("NOT_FOUND", "IDENTITY_NOT_FOUND")


def an_enrolment(kind: Any = IDENTITY_KIND_THING, *, pem: str = "", creator: str = "") -> pb.EnrolIdentityRequest:
    pem = pem or a_pem(Ed25519PrivateKey.generate())
    return pb.EnrolIdentityRequest(request_id=new_id(), kind=kind, display_name="Sensor", public_key_pem=pem, creator=creator)


async def test_a_member_enrols_things_and_systems_of_its_value_creator(city: Face) -> None:
    member = await city.a_member("creator-1")
    for kind in (IDENTITY_KIND_THING, IDENTITY_KIND_SYSTEM):
        made = (await city.call("EnrolIdentity", an_enrolment(kind), member)).identity
        assert (made.creator, made.state, len(made.credentials)) == ("creator-1", IDENTITY_STATE_ACTIVE, 1)


async def test_who_may_not_enrol_is_told_why(city: Face) -> None:
    member, resident = await city.a_member("creator-1"), await city.a_person()
    thing = await city.enrolled(IDENTITY_KIND_THING, by=member)
    await city.a_member("creator-2")
    assert await city.refused("EnrolIdentity", an_enrolment(IDENTITY_KIND_PERSON), member) == ("PERMISSION_DENIED", "KIND_NOT_YOURS")
    for who, creator in ((resident, ""), (thing, ""), (member, "creator-2")):
        assert await city.refused("EnrolIdentity", an_enrolment(creator=creator), who) == ("PERMISSION_DENIED", "NOT_A_MEMBER")
    assert await city.refused("EnrolIdentity", an_enrolment(creator="creator-9"), city.officer) == ("FAILED_PRECONDITION", "CREATOR_UNKNOWN")
    person = an_enrolment(IDENTITY_KIND_PERSON, creator="creator-1")
    assert await city.refused("EnrolIdentity", person, city.officer) == ("INVALID_ARGUMENT", "PERSON_HAS_NO_CREATOR")


async def test_only_ed25519_keys_are_taken(city: Face) -> None:
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for pem in (rsa, "x" * 100, a_pem(Ed25519PrivateKey.generate()).replace("M", "Ä", 1)):
        assert await city.refused("EnrolIdentity", an_enrolment(pem=pem), city.officer) == ("INVALID_ARGUMENT", "KEY_NOT_USABLE")


async def test_the_same_request_enrols_once(city: Face) -> None:
    request = an_enrolment()
    first = await city.call("EnrolIdentity", request, city.officer)
    assert await city.call("EnrolIdentity", request, city.officer) == first
    other = an_enrolment()
    other.request_id = request.request_id
    assert await city.refused("EnrolIdentity", other, city.officer) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    ("rpc", "request_of"),
    [
        ("GetIdentity", lambda subject: pb.GetIdentityRequest(subject=subject)),
        ("SuspendIdentity", lambda subject: pb.SuspendIdentityRequest(request_id=new_id(), subject=subject)),
        ("ResumeIdentity", lambda subject: pb.ResumeIdentityRequest(request_id=new_id(), subject=subject)),
        ("RevokeIdentity", lambda subject: pb.RevokeIdentityRequest(request_id=new_id(), subject=subject)),
        (
            "IssueCredential",
            lambda subject: credentials.IssueCredentialRequest(request_id=new_id(), subject=subject, public_key_pem=a_pem(Ed25519PrivateKey.generate())),
        ),
    ],
)
async def test_another_owners_identity_is_one_that_does_not_exist(city: Face, rpc: str, request_of: Any) -> None:
    member, stranger = await city.a_member("creator-1"), await city.a_member("creator-2")
    thing = await city.enrolled(IDENTITY_KIND_THING, by=member)
    nobody = "thing:00000000-0000-7000-8000-000000000000"
    assert await city.refused(rpc, request_of(thing.subject), stranger) == await city.refused(rpc, request_of(nobody), stranger) == NOT_THERE
    assert await city.refused(rpc, request_of(city.officer.subject), member) == NOT_THERE


async def test_another_owners_key_is_one_that_does_not_exist(city: Face) -> None:
    stranger = await city.a_member("creator-2")
    (row,) = await city.rows("select credential_id from credential where subject = $1", city.officer.subject)
    for credential_id in (row["credential_id"], new_id()):
        request = credentials.RevokeCredentialRequest(request_id=new_id(), credential_id=credential_id)
        assert await city.refused("RevokeCredential", request, stranger) == ("NOT_FOUND", "CREDENTIAL_NOT_FOUND")


async def test_lists_show_what_is_ones_own_and_page_without_gaps(city: Face) -> None:
    member, stranger = await city.a_member("creator-1"), await city.a_member("creator-2")
    things = [(await city.enrolled(IDENTITY_KIND_THING, by=member)).subject for _ in range(5)]
    seen: list[str] = []
    request = pb.ListIdentitiesRequest(page_size=2, kinds=[IDENTITY_KIND_THING])
    while True:
        page = await city.call("ListIdentities", request, member)
        seen += [one.subject for one in page.identities]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == things[::-1]
    assert {one.subject for one in (await city.call("ListIdentities", pb.ListIdentitiesRequest(), stranger)).identities} == {stranger.subject}
    everybody = (await city.call("ListIdentities", pb.ListIdentitiesRequest(), city.officer)).identities
    assert {one.subject for one in everybody} == {*things, member.subject, stranger.subject, city.officer.subject}
    forged = pb.ListIdentitiesRequest(page_token="bm8")
    assert await city.refused("ListIdentities", forged, city.officer) == ("INVALID_ARGUMENT", "INVALID_FIELD")


async def test_an_owner_suspends_and_resumes_its_own_but_not_what_the_city_suspended(city: Face) -> None:
    member = await city.a_member("creator-1")
    thing = await city.enrolled(IDENTITY_KIND_THING, by=member)

    def change(kind: Any) -> Any:
        return kind(request_id=new_id(), subject=thing.subject)

    assert (await city.call("SuspendIdentity", change(pb.SuspendIdentityRequest), member)).identity.state == IDENTITY_STATE_SUSPENDED
    assert (await city.call("ResumeIdentity", change(pb.ResumeIdentityRequest), member)).identity.state == IDENTITY_STATE_ACTIVE
    await city.call("SuspendIdentity", change(pb.SuspendIdentityRequest), city.officer)
    assert await city.refused("ResumeIdentity", change(pb.ResumeIdentityRequest), member) == ("PERMISSION_DENIED", "SUSPENDED_BY_CITY")
    assert (await city.call("ResumeIdentity", change(pb.ResumeIdentityRequest), city.officer)).identity.state == IDENTITY_STATE_ACTIVE
    assert (await city.call("RevokeIdentity", change(pb.RevokeIdentityRequest), member)).identity.state == IDENTITY_STATE_REVOKED
    assert await city.refused("ResumeIdentity", change(pb.ResumeIdentityRequest), city.officer) == ("FAILED_PRECONDITION", "IDENTITY_REVOKED")


async def test_only_officers_grant_roles_and_one_officer_stays(city: Face) -> None:
    person = await city.a_person()
    grant = pb.GrantRolesRequest(request_id=new_id(), subject=person.subject, roles=["operator"])
    await city.call("GrantRoles", grant, city.officer)
    mine = pb.GrantRolesRequest(request_id=new_id(), subject=person.subject, roles=["officer"])
    assert await city.refused("GrantRoles", mine, person) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
    leave = pb.RevokeIdentityRequest(request_id=new_id(), subject=city.officer.subject)
    assert await city.refused("RevokeIdentity", leave, city.officer) == ("FAILED_PRECONDITION", "LAST_OFFICER")
    unknown = pb.GrantRolesRequest(request_id=new_id(), subject=person.subject, roles=["founder"])
    assert (await city.refused("GrantRoles", unknown, city.officer))[0] == "INVALID_ARGUMENT"


async def test_only_infrastructure_activates_systems(city: Face) -> None:
    request = credentials.ActivateSystemRequest(request_id=new_id(), service_id="s", version=1, public_key_pem=a_pem(Ed25519PrivateKey.generate()))
    assert await city.refused("ActivateSystem", request, city.officer) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
    other = Who("layer:governance", city.fixed["governance"])
    assert await city.refused("ActivateSystem", request, other) == ("PERMISSION_DENIED", "NOT_INFRASTRUCTURE")
    infrastructure = Who("layer:infrastructure", city.fixed["infrastructure"])
    assert await city.refused("ActivateSystem", request, infrastructure) == ("NOT_FOUND", "SYSTEM_NOT_FOUND")
