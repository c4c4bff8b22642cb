"""From a thing's reading to what the catalogue shows: measured, corrected, off target and recovered, each said once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from city.connectivity.v1.device_service_pb2 import RegisterDeviceRequest
from city.connectivity.v1.device_service_pb2_grpc import DeviceServiceStub
from city.data.v1.data_product_pb2 import CLASSIFICATION_OPEN, DataProduct, ProductProperty
from city.data.v1.data_products_service_pb2 import PublishDataProductRequest, RegisterDataProductRequest
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.data.v1.indicator_feeds_service_pb2 import RegisterIndicatorFeedRequest
from city.data.v1.indicator_feeds_service_pb2_grpc import IndicatorFeedsServiceStub
from city.governance.v1.indicator_service_pb2 import ListExcursionsRequest, ListMeasurementsRequest, RecordMeasurementRequest
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.journey.v1.journey_pb2 import JOURNEY_STATE_LIVE
from city.types.v1.types_pb2 import SIDE_OFF_TARGET, SIDE_ON_TARGET, SIDE_UNSPECIFIED, IndicatorKey
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import OutcomeNow
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity

from e2e_tests.conftest import Town

PM10 = IndicatorKey(framework="u4ssc", code="EN: EN: AQ: 1C", measure="PM 10")
PRODUCT, PROPERTY = "dust-of-a-street", "pm10"
OUTCOME = b"{framework: city, code: requests_closed_on_time}"
SAYS = ("IndicatorMeasured", "IndicatorOffTarget", "IndicatorRecovered")


@dataclass(frozen=True, slots=True)
class Station:
    """A thing with its token, and a service whose outcome is what it observes."""

    thing: Identity
    service_id: str


@pytest.fixture
async def station(town: Town) -> Station:
    """A registered thing, its product feeding PM 10, and a live service that promises to move it."""
    founder = town.creator.founder
    thing = await town.city.enrol("station", kind="thing", creator=town.creator.creator_id)
    device = RegisterDeviceRequest(request_id=new_id(), thing=thing.subject, type="air-quality-station", properties=[PROPERTY])
    await town.city.stub(DeviceServiceStub, "connectivity", as_=founder).RegisterDevice(device)
    product = DataProduct(
        name=PRODUCT, title="Dust of a street", classification=CLASSIFICATION_OPEN, properties=[ProductProperty(name=PROPERTY, unit="ug/m3")],
        things=[thing.subject], zone="UTC",
    )  # fmt: skip
    products = town.city.stub(DataProductsServiceStub, "data", as_=founder)
    await products.RegisterDataProduct(RegisterDataProductRequest(request_id=new_id(), product=product))
    await products.PublishDataProduct(PublishDataProductRequest(request_id=new_id(), name=PRODUCT))
    feed = RegisterIndicatorFeedRequest(request_id=new_id(), product=PRODUCT, property=PROPERTY, indicator=PM10)
    await town.city.stub(IndicatorFeedsServiceStub, "data").RegisterIndicatorFeed(feed)
    text = town.manifest()
    assert OUTCOME in text
    journey = await town.propose(text.replace(OUTCOME, b'{framework: u4ssc, code: "EN: EN: AQ: 1C", measure: PM 10}'))
    assert (await town.ended([journey.journey_id]))[journey.journey_id].state == JOURNEY_STATE_LIVE
    await town.listed(journey.service_id)
    return Station(thing, journey.service_id)


async def observe(town: Town, station: Station, value: str, at: datetime) -> None:
    """The thing posts a reading over HTTP, as things do."""
    token = await town.city.client(station.thing).token("connectivity")
    item = {"property": PROPERTY, "value": value, "unit": "ug/m3", "observed_at": at.isoformat()}
    async with httpx.AsyncClient() as http:
        url = f"http://{town.city.http_of('connectivity')}/ingress/observations"
        answer = await http.post(url, content=json.dumps([item]), headers={"authorization": f"Bearer {token}"})
    assert answer.raise_for_status().status_code == httpx.codes.OK, answer.text


async def outcome(town: Town, station: Station) -> OutcomeNow:
    """What the catalogue shows of the service."""
    entry = (await town.city.stub(CatalogServiceStub, "value_catalog").GetService(GetServiceRequest(service_id=station.service_id))).entry
    (found,) = entry.outcomes
    return found


async def shown(town: Town, station: Station, reading: str, revision: int) -> OutcomeNow:
    """The same, once it reads so."""
    found: list[OutcomeNow] = []

    async def there() -> bool:
        found[:] = [await outcome(town, station)]
        return (found[0].reading, found[0].measured.revision) == (reading, revision)

    await until(there, f"the catalogue to show {reading}, revision {revision}", within=60)
    return found[0]


async def said(town: Town, scope: str) -> Counter[str]:
    """How often governance has said what of PM 10 in a scope, read from the topic itself."""
    key = "/".join((PM10.framework, PM10.code, PM10.measure, scope)).encode()
    found: Counter[str] = Counter()
    consumer = AIOKafkaConsumer(bootstrap_servers=town.city.at.kafka)
    await consumer.start()
    try:
        topic = "city.governance.v1"
        partitions = [TopicPartition(topic, number) for number in range(4)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.update(_type(record.headers) for record in records if record.key == key)
    finally:
        await consumer.stop()
    return found


def _type(headers: object) -> str:
    return str(dict(headers)["ce_type"].decode()).rpartition(".")[2]  # type: ignore[call-overload]


async def test_a_reading_is_measured_corrected_and_shown_and_each_side_is_said_once(town: Town, station: Station) -> None:
    first = await outcome(town, station)
    assert (first.reading, first.side, first.HasField("measured")) == ("not measured", SIDE_UNSPECIFIED, False)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    bad, good = noon - timedelta(days=3), noon - timedelta(days=2)

    await observe(town, station, "80", bad)
    now = await shown(town, station, "80 ug/m3", 1)
    assert (now.side, now.measured.city_target, now.measured.period, now.measured.scope) == (SIDE_OFF_TARGET, "45", f"{bad:%Y-%m-%d}", "city")

    await observe(town, station, "90", bad)
    assert (await shown(town, station, "90 ug/m3", 2)).side == SIDE_OFF_TARGET

    await observe(town, station, "20", good)
    await observe(town, station, "20", good)
    assert (await shown(town, station, "20 ug/m3", 1)).side == SIDE_ON_TARGET

    await observe(town, station, "70", bad)
    governance = town.city.stub(IndicatorServiceStub, "governance")
    wanted = [(f"{good:%Y-%m-%d}", 1, "20"), *((f"{bad:%Y-%m-%d}", revision, value) for revision, value in ((3, "70"), (2, "90"), (1, "80")))]

    async def all_measured() -> bool:
        found = (await governance.ListMeasurements(ListMeasurementsRequest(key=PM10))).measurements
        return [(one.period, one.revision, one.value) for one in found] == wanted

    await until(all_measured, "the late correction to be the third revision", within=60)
    assert (await outcome(town, station)).reading == "20 ug/m3", "a late correction of an older day is not the newest value"
    for scope in ("city", f"thing:{station.thing.subject}"):
        (span,) = (await governance.ListExcursions(ListExcursionsRequest(key=PM10, scope=scope))).excursions
        assert (span.period, span.value, span.recovered_period, span.recovered_value) == (f"{bad:%Y-%m-%d}", "80", f"{good:%Y-%m-%d}", "20")

        async def all_said(scope: str = scope) -> bool:
            return sum((await said(town, scope)).values()) >= len(wanted) + 2

        await until(all_said, "all of it to be said", within=30)
        assert await said(town, scope) == dict(zip(SAYS, (len(wanted), 1, 1), strict=True))


async def test_figures_are_the_officers_to_record_and_the_platforms_to_count(town: Town) -> None:
    asked = RecordMeasurementRequest(request_id=new_id(), key=PM10, period="2026-01-01", value="1", unit="mg/m3")
    stub = town.city.stub(IndicatorServiceStub, "governance", as_=town.creator.founder)
    with pytest.raises(grpc.aio.AioRpcError) as denied:
        await stub.RecordMeasurement(asked)
    assert refusal(denied.value).reason == "CALLER_NOT_ALLOWED"
    officer = town.city.stub(IndicatorServiceStub, "governance")
    with pytest.raises(grpc.aio.AioRpcError) as wrong:
        await officer.RecordMeasurement(asked)
    assert (wrong.value.code(), refusal(wrong.value).reason) == (grpc.StatusCode.INVALID_ARGUMENT, "WRONG_UNIT")
    uses = RecordMeasurementRequest(request_id=new_id(), key=IndicatorKey(framework="city", code="uses"), period="2026-01-01", value="1", unit="{use}")
    with pytest.raises(grpc.aio.AioRpcError) as counted:
        await officer.RecordMeasurement(uses)
    assert refusal(counted.value).reason == "MEASURED_BY_THE_PLATFORM"
