"""G11 over HTTP, and what is left of every denial: each layer counts its own, the trail has them all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from city.connectivity.v1.audit_service_pb2 import QueryAuditRequest, VerifyAuditRequest
from city.connectivity.v1.audit_service_pb2_grpc import AuditServiceStub
from city.connectivity.v1.device_service_pb2 import RegisterDeviceRequest
from city.connectivity.v1.device_service_pb2_grpc import DeviceServiceStub
from city.connectivity.v1.identity_service_pb2 import SuspendIdentityRequest
from city.connectivity.v1.identity_service_pb2_grpc import IdentityServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import until

from e2e_tests.access import Signer, Target, Wire
from e2e_tests.conftest import Town

HEALTH = ("/health/live", "/health/ready", "/metrics")
OF_CONNECTIVITY = ("/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
INGRESS = "/ingress/observations"
TIMES = 20


@pytest.fixture(scope="session")
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        yield client


def _with(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


async def test_g11_open_routes_are_for_everybody_and_there_are_no_others(town: Town, web: httpx.AsyncClient) -> None:
    token = await town.city.client().token("connectivity")
    tokens = ("", "not.a.token", (await Signer.of(town.city)).expired(token), token)
    for layer, (address, *_) in town.city.at.http.items():
        for path in (*HEALTH, *(OF_CONNECTIVITY if layer == "connectivity" else ())):
            codes = {(await web.get(f"http://{address}{path}", headers=_with(one))).status_code for one in tokens}
            assert codes == {httpx.codes.OK}, f"{layer} {path}"
        for path in ("/", "/docs", "/openapi.json", "/health", *(() if layer == "connectivity" else (INGRESS, "/oauth2/token"))):
            assert (await web.post(f"http://{address}{path}", headers=_with(token))).status_code == httpx.codes.NOT_FOUND, f"{layer} {path}"


async def test_g11_the_token_endpoint_gives_nobody_a_token_for_a_token(town: Town, web: httpx.AsyncClient) -> None:
    token = await town.city.client().token("connectivity")
    form = {"grant_type": "client_credentials", "audience": "data"}
    assert (await web.post(town.city.at.token_url, data=form, headers=_with(token))).status_code == httpx.codes.UNAUTHORIZED


async def test_g11_the_ingress_takes_registered_things_and_nobody_else(town: Town, web: httpx.AsyncClient) -> None:
    city, signer = town.city, await Signer.of(town.city)
    thing, other = await city.enrol("Gauge", kind="thing"), await city.enrol("Unknown gauge", kind="thing")
    device = RegisterDeviceRequest(request_id=new_id(), thing=thing.subject, type="gauge", properties=["pm25"])
    device.place.latitude, device.place.longitude = 52.5, 13.4
    await city.stub(DeviceServiceStub, "connectivity").RegisterDevice(device)
    right = await city.client(thing).token("connectivity")
    tokens = {
        "none": "",
        "garbage": "not.a.token",
        "expired": signer.expired(right),
        "another audience": await city.client(thing).token("data"),
        "a person": await city.client(await city.enrol("Carlotta")).token("connectivity"),
        "an officer": await city.client().token("connectivity"),
        "unregistered": await city.client(other).token("connectivity"),
        "right": right,
    }
    url = f"http://{city.at.http['connectivity'][0]}{INGRESS}"
    seen = {"property": "pm25", "value": "1", "unit": "ug/m3", "observed_at": datetime.now(UTC).isoformat()}

    async def told(token: str) -> tuple[int, str]:
        answer = await web.post(url, json=[seen], headers=_with(token))
        return answer.status_code, answer.json().get("error", {}).get("reason", "")

    assert {name: await told(token) for name, token in tokens.items()} == {
        "none": (401, "NO_TOKEN"),
        "garbage": (401, "TOKEN_INVALID"),
        "expired": (401, "TOKEN_EXPIRED"),
        "another audience": (401, "TOKEN_INVALID"),
        "a person": (403, "DENIED_BY_POLICY"),
        "an officer": (403, "DEVICE_NOT_REGISTERED"),
        "unregistered": (403, "DEVICE_NOT_REGISTERED"),
        "right": (200, ""),
    }
    await city.stub(IdentityServiceStub, "connectivity").SuspendIdentity(SuspendIdentityRequest(request_id=new_id(), subject=thing.subject))
    assert await told(right) == (401, "TOKEN_REVOKED"), "at once: revocations stand where the ingress is"


async def test_g11_what_every_layer_denies_stands_counted_and_sealed_in_the_trail(town: Town, wire: Wire, targets: list[Target]) -> None:
    who, audit = await town.city.enrol("Dora"), town.city.stub(AuditServiceStub, "connectivity")
    client = town.city.client(who)
    listing = [target for target in targets if target.rpc.name == "ListDeadLetters"]
    for target in listing:
        token = await client.token(target.layer)
        await asyncio.gather(*(wire.call(target, token=token) for _ in range(TIMES)))
    rows = 0

    async def counted() -> bool:
        nonlocal rows
        found = (await audit.QueryAudit(QueryAuditRequest(subject=who.subject, action="deny", page_size=500))).records
        rows = len(found)
        counts = Counter[str]()
        for record in found:
            assert (record.object, record.detail["reason"]) == (listing[0].rpc.full_name, "CALLER_NOT_ALLOWED")
            counts[record.detail["layer"]] += int(record.detail["count"])
        return counts == dict.fromkeys(town.city.at.layers, TIMES) and all(record.seal for record in found)

    await until(counted, "the trail to have every layer's denials, sealed", within=30)
    assert rows < TIMES * len(listing) / 2, "calls denied alike within a second are one record"
    whole = VerifyAuditRequest()
    while True:
        page = await audit.VerifyAudit(whole)
        assert page.intact, list(page.faults)
        if not page.next_page_token:
            break
        whole.page_token = page.next_page_token
