"""The token endpoint: who proves itself gets what is true of it; everybody else hears the same."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from city.connectivity.v1.credential_service_pb2 import IssueCredentialRequest, RevokeCredentialRequest
from city.connectivity.v1.identity_pb2 import IDENTITY_KIND_THING
from city.connectivity.v1.identity_service_pb2 import (
    GetIdentityRequest,
    GrantRolesRequest,
    ListIdentitiesRequest,
    RevokeIdentityRequest,
    SuspendIdentityRequest,
)
from city.connectivity.v1.revocations_pb2 import Revoked
from city.governance.v1.events_pb2 import MemberAdded, MemberRemoved, ValueCreatorSuspended
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.keys import KeySet
from stratapolis.chassis.own_token import Tokens
from stratapolis.chassis.times import to_time
from stratapolis.chassis.tokens import Verifier

from services.connectivity.tests.integration.conftest import MakeFace
from services.connectivity.tests.integration.running import Face, Who, a_pem


async def claims(face: Face, who: Who, audience: str = "data") -> dict[str, Any]:
    read: dict[str, Any] = jwt.decode(await face.token(who, audience), options={"verify_signature": False})
    return read


def an_assertion(face: Face, who: Who, *, key: Any = None, algorithm: str = "EdDSA", **changes: Any) -> str:
    now = int(time.time())
    given = {"iss": who.subject, "sub": who.subject, "aud": f"{face.settings.issuer}/oauth2/token", "jti": new_id(), "iat": now, "exp": now + 60}
    return jwt.encode({name: value for name, value in (given | changes).items() if value is not None}, key or who.key, algorithm=algorithm)


async def test_a_token_says_what_is_true_of_a_member(city: Face) -> None:
    member = await city.a_member("creator-1")
    read = await claims(city, member)
    assert {name: read[name] for name in ("sub", "kind", "creator", "creator_roles", "roles", "aud")} == {
        "sub": member.subject, "kind": "person", "creator": "creator-1", "creator_roles": ["admin"], "roles": [], "aud": "data",
    }  # fmt: skip
    assert read["exp"] - read["iat"] == 900 and read["jti"]
    assert jwt.get_unverified_header(await city.token(member))["typ"] == "at+jwt"


async def test_every_app_can_check_a_token_with_the_key_set_it_fetches(city: Face) -> None:
    token = await city.token(city.officer, "data")
    async with KeySet(f"{city.settings.issuer}/.well-known/jwks.json") as fetched:
        found = await Verifier(fetched, "data", city.feed).verify(token)
    assert found.caller.subject == city.officer.subject and found.caller.roles == {"officer", "operator", "policy_admin"}


async def test_a_layer_gets_tokens_by_the_chassis_own_client(city: Face) -> None:
    async with Tokens(f"{city.settings.issuer}/oauth2/token", "layer:governance", city.fixed["governance"]) as tokens:
        read = jwt.decode(await tokens.token("connectivity"), options={"verify_signature": False})
    assert (read["sub"], read["kind"], read["creator"]) == ("layer:governance", "layer", "")


async def test_connectivity_issues_its_own_in_process_and_keeps_it(city: Face) -> None:
    issuer = city.under.app.issuer
    token = await issuer.token("governance")
    assert await issuer.token("governance") == token
    assert (await Verifier(issuer, "governance", city.feed).verify(token)).caller.subject == "layer:connectivity"


async def test_resource_names_the_audience_as_well(city: Face) -> None:
    assert (await city.ask(city.officer, audience="", resource="policy")).status_code == 200
    assert (await city.ask(city.officer, audience="data", resource="policy")).json()["error"] == "invalid_target"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"), ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_assertion": ""}, 401, "invalid_client"), ({"client_assertion": "x.y.z"}, 401, "invalid_client"),
        ({"client_assertion_type": "other"}, 401, "invalid_client"), ({"audience": "mars"}, 400, "invalid_target"), ({"audience": ""}, 400, "invalid_target"),
    ],
)  # fmt: skip
async def test_a_wrong_request_is_told_as_rfc_6749_has_it(city: Face, form: dict[str, str], status: int, error: str) -> None:
    answer = await city.ask(city.officer, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"grant_type", b"a=1&a=2", b"grant_type=client_credentials&grant_type=x", b"a=" + b"x" * 20_000, b"&".join([b"a=1"] * 50)]
)
async def test_any_body_is_the_clients_error(city: Face, body: bytes) -> None:
    answer = await city.http.post("/oauth2/token", content=body)
    assert answer.status_code in (400, 413) and answer.json()["error"] == "invalid_request"


async def test_an_assertion_counts_once_also_when_it_is_sent_many_times_at_once(city: Face) -> None:
    used = an_assertion(city, city.officer)
    answers = await asyncio.gather(*(city.ask(city.officer, client_assertion=used) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example/token"}, {"iss": "person:other"}, {"exp": timedelta(seconds=-60)}, {"exp": timedelta(seconds=900)}, {"exp": "soon"},
        {"exp": 1e300}, {"iat": timedelta(seconds=120)}, {"jti": None}, {"jti": ""}, {"jti": "\ud800"}, {"jti": "a\0b"}, {"jti": 7}, {"exp": None}, {"aud": [7]},
        {"sub": "\ud800"}, {"sub": "x" * 200}, {"sub": None}, {"sub": "layer:policy"}, {"sub": "layer:nobody"},
    ],
)  # fmt: skip
async def test_an_assertion_that_is_not_whole_proves_nothing(city: Face, changes: dict[str, Any]) -> None:
    # Spans are from now: the parameters were made when the tests were collected, minutes ago in a long run.
    given: dict[str, Any] = {name: int(time.time() + value.total_seconds()) if isinstance(value, timedelta) else value for name, value in changes.items()}
    answer = await city.ask(city.officer, client_assertion=an_assertion(city, city.officer, **given))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_strangers_wrong_keys_and_other_algorithms_hear_the_same(city: Face) -> None:
    stranger = Who("person:00000000-0000-7000-8000-000000000000", Ed25519PrivateKey.generate())
    answers = [
        await city.ask(stranger),
        await city.ask(Who(city.officer.subject, stranger.key)),
        await city.ask(city.officer, client_assertion=an_assertion(city, city.officer, key=generate_private_key(65537, 2048), algorithm="RS256")),
        await city.ask(city.officer, client_assertion=an_assertion(city, city.officer, key="k" * 32, algorithm="HS256")),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}


async def test_a_suspended_identity_loses_its_tokens_and_gets_no_other(city: Face) -> None:
    person = await city.a_person()
    token = await city.token(person)
    await city.call("SuspendIdentity", SuspendIdentityRequest(request_id=new_id(), subject=person.subject), city.officer)
    await city.said()
    assert await city.refused("ListIdentities", ListIdentitiesRequest(), None, token=token) == ("UNAUTHENTICATED", "TOKEN_REVOKED")
    assert (await city.ask(person)).status_code == 401


async def test_roles_come_and_go_with_tokens(city: Face) -> None:
    person = await city.a_person()
    granted = GrantRolesRequest(request_id=new_id(), subject=person.subject, roles=["operator"])
    await city.call("GrantRoles", granted, city.officer)
    assert (await claims(city, person))["roles"] == ["operator"]
    assert not [event for event in await city.said() if isinstance(event, Revoked)]
    await city.call("GrantRoles", GrantRolesRequest(request_id=new_id(), subject=person.subject), city.officer)
    (cut,) = [event for event in await city.said() if isinstance(event, Revoked)]
    assert (cut.subject, cut.gone) == (person.subject, False)
    assert (await claims(city, person))["roles"] == []


async def test_who_is_no_member_any_more_loses_the_tokens_that_say_so(city: Face) -> None:
    member = await city.a_member("creator-1")
    other = await city.a_person()
    await city.under.deliver(MemberAdded(creator_id="creator-1", subject=other.subject, roles=["member"]))
    assert (await claims(city, other))["creator_roles"] == ["member"]
    await city.said()
    await city.under.deliver(MemberRemoved(creator_id="creator-1", subject=other.subject))
    (cut,) = await city.said()
    assert isinstance(cut, Revoked) and (cut.subject, cut.gone) == (other.subject, False)
    assert (await claims(city, other))["creator"] == ""
    assert (await claims(city, member))["creator"] == "creator-1"


async def test_a_role_that_is_lost_in_a_value_creator_cuts_tokens_and_one_won_does_not(city: Face) -> None:
    member = await city.a_member("creator-1")
    await city.said()
    await city.under.deliver(MemberAdded(creator_id="creator-1", subject=member.subject, roles=["admin", "member"]))
    assert await city.said() == []
    await city.under.deliver(MemberAdded(creator_id="creator-1", subject=member.subject, roles=["member"]))
    assert [event.subject for event in await city.said() if isinstance(event, Revoked)] == [member.subject]


async def test_a_suspended_value_creator_is_in_no_token(city: Face) -> None:
    member = await city.a_member("creator-1")
    thing = await city.enrolled(IDENTITY_KIND_THING, by=member)
    await city.said()
    await city.under.deliver(ValueCreatorSuspended(creator_id="creator-1", reason="fraud"))
    assert {event.subject for event in await city.said() if isinstance(event, Revoked)} == {member.subject, thing.subject}
    for who in (member, thing):
        assert (await claims(city, who))["creator"] == ""


async def test_keys_overlap_while_they_rotate_and_an_ended_one_proves_nothing(city: Face) -> None:
    person = await city.a_person()
    newer = Who(person.subject, Ed25519PrivateKey.generate())
    issue = IssueCredentialRequest(request_id=new_id(), subject=person.subject, public_key_pem=a_pem(newer.key))
    await city.call("IssueCredential", issue, person)
    assert [(await city.ask(who)).status_code for who in (person, newer)] == [200, 200]
    shown = (await city.call("GetIdentity", GetIdentityRequest(subject=person.subject), person)).identity.credentials
    first = min(shown, key=lambda key: to_time(key.create_time))
    token = await city.token(person)
    await city.said()
    await city.call("RevokeCredential", RevokeCredentialRequest(request_id=new_id(), credential_id=first.credential_id), newer)
    (cut,) = await city.said()
    assert isinstance(cut, Revoked) and not cut.gone
    assert await city.refused("ListIdentities", ListIdentitiesRequest(), None, token=token) == ("UNAUTHENTICATED", "TOKEN_REVOKED")
    assert [(await city.ask(who)).status_code for who in (person, newer)] == [401, 200]


async def test_a_token_request_that_meets_a_revocation_is_served_before_it_or_refused_after(city: Face) -> None:
    """No token is issued behind a revocation's back: each one given was issued no later than the cut."""
    person = await city.a_person()
    revoke = city.call("RevokeIdentity", RevokeIdentityRequest(request_id=new_id(), subject=person.subject), city.officer)
    answers: list[Any] = await asyncio.gather(revoke, *(city.ask(person) for _ in range(15)))
    (row,) = await city.rows("select cut_at, state from identity where subject = $1", person.subject)
    assert row["state"] == "revoked"
    for answer in answers[1:]:
        assert answer.status_code in (200, 401)
        if answer.status_code == 200:
            read = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
            assert datetime.fromtimestamp(read["iat"], UTC) <= row["cut_at"]


async def test_who_asks_too_often_is_told_when_to_come_again(make_face: MakeFace) -> None:
    face = await make_face(tokens_per_second=0.2)
    founder = Who("founder", face.fixed["founder"])
    answers = [await face.ask(founder) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 5
    assert (await face.ask(Who("layer:governance", face.fixed["governance"]))).status_code == 200


async def test_signing_keys_rotate_and_no_token_becomes_unreadable(make_face: MakeFace) -> None:
    face = await make_face(signing_key_days=0.011, key_set_seconds=1)
    await face.found()
    old = await face.token(face.officer)
    # The clock is the database's: what stands for the key's age is moved back.
    await face.rows("update signing_key set signs_from = signs_from - interval '1 hour' returning kid")
    await face.under.run("rotate_signing_keys")
    shown = (await face.http.get("/.well-known/jwks.json")).json()["keys"]
    assert len(shown) == 2
    assert jwt.get_unverified_header(await face.token(face.officer))["kid"] == jwt.get_unverified_header(old)["kid"]
    await face.rows("update signing_key set signs_from = signs_from - interval '2 seconds' returning kid")
    young = await face.token(face.officer)
    assert jwt.get_unverified_header(young)["kid"] != jwt.get_unverified_header(old)["kid"]
    async with KeySet(f"{face.settings.issuer}/.well-known/jwks.json") as fetched:
        for token in (old, young):
            assert (await Verifier(fetched, "connectivity", face.feed).verify(token)).caller.subject == face.officer.subject
    await face.rows("update signing_key set signs_from = signs_from - interval '1 hour' returning kid")
    await face.under.run("rotate_signing_keys")
    kids = {entry["kid"] for entry in (await face.http.get("/.well-known/jwks.json")).json()["keys"]}
    assert jwt.get_unverified_header(old)["kid"] not in kids


async def test_the_metadata_and_the_key_set_show_no_secret(city: Face) -> None:
    described = (await city.http.get("/.well-known/openid-configuration")).json()
    assert described == (await city.http.get("/.well-known/oauth-authorization-server")).json()
    answer: httpx.Response = await city.http.get(described["jwks_uri"])
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert all(set(key) == {"kty", "crv", "use", "alg", "kid", "x"} for key in answer.json()["keys"])
