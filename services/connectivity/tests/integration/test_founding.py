"""How the city begins: once, audited, and the founder's time is over with it."""

from __future__ import annotations

import asyncio
from typing import Any

from city.connectivity.v1.audit_service_pb2 import QueryAuditRequest
from city.connectivity.v1.events_pb2 import IdentityEnrolled
from city.connectivity.v1.founding_service_pb2 import FoundCityRequest
from city.connectivity.v1.identity_service_pb2 import ListIdentitiesRequest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.ids import new_id

from services.connectivity.tests.integration.conftest import MakeFace
from services.connectivity.tests.integration.running import Face, Who, a_pem


def a_founding(request_id: str = "") -> FoundCityRequest:
    return FoundCityRequest(request_id=request_id or new_id(), display_name="Ada Muster", public_key_pem=a_pem(Ed25519PrivateKey.generate()))


async def test_the_founding_officer_has_every_role_and_the_founder_gets_no_token_any_more(make_face: MakeFace) -> None:
    face = await make_face()
    officer = await face.found()
    (person,) = (await face.call("ListIdentities", ListIdentitiesRequest(), officer)).identities
    assert (person.subject, set(person.roles)) == (officer.subject, {"officer", "operator", "policy_admin"})
    refused = await face.ask(Who("founder", face.fixed["founder"]))
    assert refused.status_code == 401 and refused.json()["error"] == "invalid_client" and "ALREADY_FOUNDED" in refused.json()["error_description"]


async def test_a_second_founding_is_refused_and_a_retry_gets_the_first_answer(make_face: MakeFace) -> None:
    face = await make_face()
    token = await face.token(Who("founder", face.fixed["founder"]))
    request = a_founding()
    first = await face.call("FoundCity", request, None, token=token)
    assert await face.call("FoundCity", request, None, token=token) == first
    assert await face.refused("FoundCity", a_founding(), None, token=token) == ("FAILED_PRECONDITION", "ALREADY_FOUNDED")


async def test_of_many_foundings_at_once_one_happens(make_face: MakeFace) -> None:
    face = await make_face()
    token = await face.token(Who("founder", face.fixed["founder"]))
    answers: list[Any] = await asyncio.gather(*(face.call("FoundCity", a_founding(), None, token=token) for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert len(await face.rows("select * from identity")) == 1


async def test_nobody_but_the_founder_founds(make_face: MakeFace) -> None:
    face = await make_face()
    layer = Who("layer:governance", face.fixed["governance"])
    assert await face.refused("FoundCity", a_founding(), layer) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
    assert await face.refused("FoundCity", a_founding(), None) == ("UNAUTHENTICATED", "NO_TOKEN")


async def test_the_founding_stands_in_the_trail_without_the_officers_name(city: Face) -> None:
    records = (await city.call("QueryAudit", QueryAuditRequest(action="found"), city.officer)).records
    assert [(record.subject, record.object, record.outcome) for record in records] == [("founder", city.officer.subject, "done")]
    said = await city.said()
    assert [type(event) for event in said] == [IdentityEnrolled]
    assert b"Muster" not in said[0].SerializeToString()
    assert not await city.rows("select 1 from audit where detail::text like '%Muster%'")
