"""Change of what is live in a whole city: upgraded, rolled back, suspended, resumed and retired without anyone noticing the seams."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import grpc
import httpx
import pytest
from city.connectivity.v1.identity_pb2 import IDENTITY_STATE_REVOKED
from city.connectivity.v1.identity_service_pb2 import GetIdentityRequest
from city.connectivity.v1.identity_service_pb2_grpc import IdentityServiceStub
from city.data.v1.data_product_pb2 import CLASSIFICATION_OPEN, DataProduct, ProductProperty
from city.data.v1.data_products_service_pb2 import PublishDataProductRequest, RegisterDataProductRequest
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.governance.v1 import lifecycle_service_pb2 as lifecycle
from city.governance.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from city.infrastructure.v1.artefact_service_pb2 import RegisterArtefactRequest
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.catalog_service_pb2 import ListServicesRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import SERVICE_STATUS_RETIRED, SERVICE_STATUS_SUSPENDED
from city.value_catalog.v1.subscription_service_pb2 import SubscribeRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.demo.calling import calling
from stratapolis.cli.local.city import until

from e2e_tests.conftest import HOLDERS, ROOT, Town
from e2e_tests.lives import LIVE, REJECTED, RETIRED, WITHDRAWN, drained, entry, gone_live, left, pools, retire, retired, shown

KILLED_AT = ("while-holding", "after-commit-before-publish")
"""Of the points that G1 is killed at, those between which something is held and not said."""


@pytest.fixture(scope="module")
async def air(town: Town) -> bytes:
    """The manifest of the air-quality alert, with all it needs in this city."""
    stub = town.city.stub(DataProductsServiceStub, "data", as_=town.creator.founder)
    about = DataProduct(
        name="beijing-air", title="Air quality", description="Fine dust at the stations of a city.", classification=CLASSIFICATION_OPEN,
        properties=[ProductProperty(name="pm25", unit="ug/m3")], thing_prefix="beijing-air-", zone="Asia/Shanghai",
        earliest_time=to_timestamp(datetime.now(UTC) - timedelta(days=9)),
    )  # fmt: skip
    await stub.RegisterDataProduct(RegisterDataProductRequest(request_id=new_id(), product=about))
    await stub.PublishDataProduct(PublishDataProductRequest(request_id=new_id(), name="beijing-air"))
    folder = ROOT / "examples" / "src" / "stratapolis" / "examples"
    argv = ["{python}", "-m", "stratapolis.examples.air_alert"]
    artefacts = town.city.stub(ArtefactServiceStub, "infrastructure")
    await artefacts.RegisterArtefact(RegisterArtefactRequest(request_id=new_id(), name="air-alert", folder=str(folder), argv=argv))
    return town.manifest("air-alert", until="2099-01-01", pm25_code="EN: EN: AQ: 1C", pm25_measure="PM 2.5")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_client_calls_all_through_an_upgrade_and_a_rollback_and_retirement_leaves_nothing(town: Town, air: bytes) -> None:
    before = await pools(town)
    first = await gone_live(town, air)
    service_id = first.service_id
    await shown(town, service_id, 1)
    newer = air.replace(b"title: Air-quality alert", b"title: Air-quality alarm")
    async with calling(town.city, service_id) as calls:
        await calls.until_answered()
        second = await gone_live(town, newer)
        assert (second.kind, second.replaces.version) == (shared.JOURNEY_KIND_UPGRADE, 1)
        assert (await shown(town, service_id, 2)).title == "Air-quality alarm"
        await drained(town, first.journey_id)
        await calls.until_answered()
        third = await gone_live(town, air)
        assert (await shown(town, service_id, 3)).title == "Air-quality alert"
        await drained(town, second.journey_id)
        await calls.until_answered()
    print(f"\n{calls.answered} calls through an upgrade and a rollback, {len(calls.failed)} failed, at {calls.endpoints}")
    assert calls.failed == []
    assert len(calls.endpoints) >= 2, "version 3 may answer where version 1 did, version 2 answers elsewhere"
    resident = await town.city.enrol("Rosa")
    await town.city.stub(SubscriptionServiceStub, "value_catalog", as_=resident).Subscribe(
        SubscribeRequest(request_id=new_id(), service_id=service_id, plan="free")
    )
    had = await left(town, service_id)
    assert {what for what, number in had.items() if not number} == {"innovation holds"}, had
    ended = await retired(town, service_id)
    assert (ended.state, list(ended.reasons)) == (RETIRED, [])
    has = await left(town, service_id)
    assert not any(has.values()), has
    assert await pools(town) == before
    identity = await town.city.stub(IdentityServiceStub, "connectivity").GetIdentity(GetIdentityRequest(subject=f"system:{service_id}"))
    assert identity.identity.state == IDENTITY_STATE_REVOKED
    await until(lambda: _has_status(town, service_id, SERVICE_STATUS_RETIRED), "the entry to be retired", within=20)
    with pytest.raises(httpx.HTTPError):
        async with httpx.AsyncClient() as http:
            await http.get(f"{calls.endpoints[-1]}/health")
    again = await gone_live(town, air)
    assert (again.service_id, again.version, again.kind) == (service_id, third.version + 1, shared.JOURNEY_KIND_LAUNCH)
    await retired(town, service_id)


async def _has_status(town: Town, service_id: str, status: int) -> bool:
    return (await entry(town, service_id)).status == status


@pytest.mark.timeout(120)
async def test_a_rejected_upgrade_leaves_the_old_version_serving(town: Town) -> None:
    first = await gone_live(town, text := town.manifest())
    was = await shown(town, first.service_id, 1)
    wanting = text.replace(b"runtime: {none: {}}", b"runtime: {process: {artefact: no-such-program, health: /health, cpuMillis: 10, memoryMib: 16}}")
    second = await town.propose(wanting)
    ended = (await town.ended([second.journey_id]))[second.journey_id]
    assert (ended.state, ended.kind) == (REJECTED, shared.JOURNEY_KIND_UPGRADE)
    await town.let_go(second.journey_id)
    assert await entry(town, first.service_id) == was
    active = await town.holds(shared.HOLD_STATE_ACTIVE, journey_id=first.journey_id)
    assert {layer for layer, found in active.items() if found} == set(HOLDERS)


@pytest.mark.timeout(120)
async def test_an_upgrade_and_a_retirement_cross(town: Town) -> None:
    first = await gone_live(town, text := town.manifest())
    town.city.freeze("policy")
    try:
        upgrade = await town.propose(text)
        retirement = await retire(town, first.service_id)
    finally:
        town.city.thaw("policy")
    ended = await town.ended([upgrade.journey_id, retirement.journey_id])
    assert (ended[upgrade.journey_id].state, ended[retirement.journey_id].state) == (WITHDRAWN, RETIRED)
    has = await left(town, first.service_id)
    assert not any(has.values()), has


@pytest.mark.timeout(120)
async def test_a_suspended_service_is_hidden_and_refused_and_a_resumed_one_goes_on(town: Town) -> None:
    first = await gone_live(town, town.manifest())
    await shown(town, first.service_id, 1)
    stub = town.city.stub(LifecycleServiceStub, "governance", as_=town.creator.founder)
    officer = town.city.stub(LifecycleServiceStub, "governance")
    resident = await town.city.enrol("Sam")
    subscriptions = town.city.stub(SubscriptionServiceStub, "value_catalog", as_=resident)
    plan = SubscribeRequest(request_id=new_id(), service_id=first.service_id, plan="free")
    await officer.SuspendService(lifecycle.SuspendServiceRequest(request_id=new_id(), service_id=first.service_id, reason="the street is dug up"))
    await until(lambda: _has_status(town, first.service_id, SERVICE_STATUS_SUSPENDED), "the entry to be suspended", within=20)
    listed = (await town.city.stub(CatalogServiceStub, "value_catalog").ListServices(ListServicesRequest(page_size=500))).entries
    assert first.service_id not in {one.service_id for one in listed}
    assert (await entry(town, first.service_id, as_=town.creator.founder)).status_message == "the street is dug up"
    with pytest.raises(grpc.aio.AioRpcError) as hidden:
        await subscriptions.Subscribe(plan)
    assert refusal(hidden.value).reason == "SERVICE_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as held:
        await stub.ResumeService(lifecycle.ResumeServiceRequest(request_id=new_id(), service_id=first.service_id))
    assert refusal(held.value).reason == "SUSPENDED_BY_CITY"
    await officer.ResumeService(lifecycle.ResumeServiceRequest(request_id=new_id(), service_id=first.service_id))

    async def taken() -> bool:
        try:
            return bool((await subscriptions.Subscribe(SubscribeRequest(request_id=new_id(), service_id=first.service_id, plan="free"))).subscription)
        except grpc.aio.AioRpcError as error:
            assert refusal(error).reason == "SERVICE_NOT_FOUND"  # noqa: PT017 - until the catalogue has heard of it
            return False

    await until(taken, "the resumed service to take subscriptions", within=20)
    await retired(town, first.service_id)


@pytest.mark.slow
@pytest.mark.timeout(500)
async def test_upgrades_and_retirements_end_once_though_every_layer_is_killed_in_the_middle_of_each(town: Town) -> None:
    ended: dict[str, Any] = {}
    for layer, point in product(("governance", *HOLDERS), KILLED_AT):
        first = await gone_live(town, text := town.manifest())
        armed = town.arm(layer, point)
        second = await town.propose(text)
        await _died(town, layer, armed)
        ended |= await town.ended([second.journey_id], within=120)
        armed = town.arm(layer, point)
        retirement = await retire(town, first.service_id)
        await _died(town, layer, armed)
        ended |= await town.ended([retirement.journey_id], within=120)
        states = ended[second.journey_id].state, ended[retirement.journey_id].state
        assert states == (LIVE, RETIRED), (layer, point, ended[retirement.journey_id].reasons)
        await until(partial(_nothing_left, town, first.service_id), f"nothing to be left after {layer} at {point}", within=30)
    assert len(ended) == 2 * len(KILLED_AT) * (len(HOLDERS) + 1)


async def _died(town: Town, layer: str, armed: Any) -> None:
    async def died() -> bool:
        return not armed.exists()

    await until(died, f"{layer} to die", within=30)
    await town.city.until_ready(layer)


async def _nothing_left(town: Town, service_id: str) -> bool:
    try:
        return not any((await left(town, service_id)).values())
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False  # a layer that was killed is on its way back


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_a_layer_away_for_longer_than_a_retirement_lets_go_when_it_is_back(town: Town) -> None:
    first = await gone_live(town, town.manifest())
    await town.city.take_down("data")
    try:
        ended = await retired(town, first.service_id)
        assert ended.state == RETIRED
        assert [(reason.layer, reason.code) for reason in ended.reasons] == [("data", "NO_ANSWER")]
    finally:
        await town.city.bring_back("data")
    await until(lambda: _nothing_left(town, first.service_id), "data to let go", within=30)
