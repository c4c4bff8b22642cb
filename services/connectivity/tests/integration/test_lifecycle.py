"""A service's identity through its life: its versions share it, each with its own key and connections; it is revoked with the last."""

from __future__ import annotations

from city.connectivity.v1.credential_service_pb2 import ActivateSystemRequest
from city.connectivity.v1.events_pb2 import ConnectionSevered
from city.connectivity.v1.revocations_pb2 import Revoked
from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.testing.journeys import end_of, retirement_of, upgrade_of

from services.connectivity.tests.integration.running import Face, Who, a_pem
from services.connectivity.tests.integration.test_journeys import SERVICE, SYSTEM, asked, is_trusted


async def started(city: Face, request: StageRequested) -> Who:
    """A version whose software runs and is connected; the identity with that software's key."""
    request.stage = pb.STAGE_CLEARING
    await city.under.deliver(request)
    system = Who(SYSTEM, Ed25519PrivateKey.generate())
    known = ActivateSystemRequest(request_id=new_id(), service_id=SERVICE, version=request.version, public_key_pem=a_pem(system.key))
    await city.call("ActivateSystem", known, Who("layer:infrastructure", city.fixed["infrastructure"]))
    request.stage = pb.STAGE_CONNECTING
    await city.under.deliver(request)
    return system


async def live(city: Face) -> tuple[StageRequested, Who]:
    """The first version, live."""
    request = asked(pb.STAGE_CLEARING)
    system = await started(city, request)
    await city.under.deliver(end_of(request))
    await city.said()
    return request, system


async def keys(city: Face) -> list[tuple[int, bool]]:
    """Each key's version, and whether it counts."""
    rows = await city.rows("select version, revoked_at is null as counts from credential where subject = $1 order by version", SYSTEM)
    return [(row["version"], row["counts"]) for row in rows]


async def test_both_versions_get_tokens_until_the_old_one_has_drained(city: Face) -> None:
    first, old = await live(city)
    second = upgrade_of(first)
    new = await started(city, second)
    await city.under.deliver(end_of(second))
    assert [(await city.ask(who, "data")).status_code for who in (old, new)] == [200, 200]
    token = await city.token(new)
    await city.said()
    await city.under.run("let_go_drained")
    said = await city.said()
    assert {event.reason for event in said if isinstance(event, ConnectionSevered)} == {"replaced"}
    assert not [event for event in said if isinstance(event, Revoked)]
    assert [(await city.ask(who, "data")).status_code for who in (old, new)] == [401, 200]
    assert await keys(city) == [(1, False), (2, True)]
    assert await is_trusted(city, "data:read") and await is_trusted(city, "uses:record", target="value_catalog")
    assert token


async def test_a_failed_upgrade_takes_its_key_and_its_connections_and_leaves_the_live_versions(city: Face) -> None:
    first, old = await live(city)
    second = upgrade_of(first)
    new = await started(city, second)
    await city.under.deliver(end_of(second, pb.JOURNEY_STATE_REJECTED))
    assert [(await city.ask(who, "data")).status_code for who in (old, new)] == [200, 401]
    assert await keys(city) == [(1, True), (2, False)]
    assert await is_trusted(city, "data:read")
    assert not [event for event in await city.said() if isinstance(event, Revoked)]


async def test_a_retirement_leaves_no_key_no_connection_and_an_identity_that_is_revoked(city: Face) -> None:
    first, old = await live(city)
    second = upgrade_of(first)
    new = await started(city, second)
    await city.under.deliver(end_of(second))
    await city.said()
    await city.under.deliver(retirement_of(second))
    said = await city.said()
    assert [(event.subject, event.gone) for event in said if isinstance(event, Revoked)] == [(SYSTEM, True)]
    assert [event.stage for event in said if isinstance(event, pb.StageAnswered)] == [pb.STAGE_RETIRING]
    assert [(await city.ask(who)).status_code for who in (old, new)] == [401, 401]
    assert await keys(city) == [(1, False), (2, False)]
    assert {row["state"] for row in await city.rows("select state from connection")} == {"severed"}
    assert {row["state"] for row in await city.rows("select state from hold")} == {"released"}


async def test_a_service_launched_again_after_its_retirement_acts_again(city: Face) -> None:
    first, _ = await live(city)
    await city.under.deliver(retirement_of(first))
    again = upgrade_of(first)
    again.ClearField("replaces")
    new = await started(city, again)
    await city.under.deliver(end_of(again))
    assert (await city.ask(new, "data")).status_code == 200
    assert await is_trusted(city, "data:read")
