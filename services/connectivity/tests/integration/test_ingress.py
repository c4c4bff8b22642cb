"""The ingress of things: what it accepts is on the broker, under the thing's own name; what it does not is told item by item."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from city.connectivity.v1 import device_service_pb2 as pb
from city.connectivity.v1.identity_pb2 import IDENTITY_KIND_THING
from city.connectivity.v1.identity_service_pb2 import SuspendIdentityRequest
from city.connectivity.v1.observations_pb2 import ThingObserved
from city.types.v1.types_pb2 import Place
from stratapolis.chassis import contract, envelope, topics
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_time
from stratapolis.cli.local.kafka import Kafka

from services.connectivity.tests.integration.conftest import MakeFace
from services.connectivity.tests.integration.running import Face, Who

RAW = "city.connectivity.raw.v1"
NOW = datetime.now(UTC)


def an_item(**changes: Any) -> dict[str, Any]:
    return {"property": "pm25", "value": "12.5", "unit": "ug/m3", "observed_at": (NOW - timedelta(minutes=1)).isoformat(), **changes}


def a_device(thing: Who, *properties: str, kind: str = "air-quality-station") -> pb.RegisterDeviceRequest:
    place = Place(latitude=52.5, longitude=13.4)
    return pb.RegisterDeviceRequest(request_id=new_id(), thing=thing.subject, type=kind, place=place, properties=properties or ("pm25", "no2"))


async def a_station(face: Face, by: Who | None = None) -> Who:
    thing = await face.enrolled(IDENTITY_KIND_THING, by=by)
    await face.call("RegisterDevice", a_device(thing), by or face.officer)
    return thing


async def post(face: Face, who: Who | None, body: Any, *, token: str = "") -> httpx.Response:
    token = token or (await face.token(who) if who else "")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await face.http.post("/ingress/observations", content=content, headers={"authorization": f"Bearer {token}"} if token else {})


@asynccontextmanager
async def raw_topic(kafka: Kafka) -> AsyncIterator[AIOKafkaConsumer]:
    """The raw topic from its end on."""
    await topics.make(kafka.bootstrap)
    consumer = AIOKafkaConsumer(RAW, bootstrap_servers=kafka.bootstrap, auto_offset_reset="latest")
    await consumer.start()
    try:
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield consumer
    finally:
        await consumer.stop()


async def next_events(consumer: AIOKafkaConsumer, number: int) -> list[ThingObserved]:
    found: list[ThingObserved] = []
    async with asyncio.timeout(20):
        while len(found) < number:
            record = await consumer.getone()
            event = envelope.decode(envelope.read(record.headers), record.value, contract.topics()[RAW])
            assert isinstance(event, ThingObserved) and record.key.decode() == event.thing
            found.append(event)
    return found


async def test_what_is_accepted_is_on_the_broker_with_thing_and_owner_stamped(make_face: MakeFace, kafka: Kafka) -> None:
    face = await make_face(kafka=kafka.bootstrap)
    await face.found()
    member = await face.a_member("creator-1")
    thing = await a_station(face, member)
    async with raw_topic(kafka) as consumer:
        batch = [an_item(), an_item(property="noise"), an_item(value=3.25, property="no2"), an_item(value="NaN"), "nothing", an_item(thing="thing:other")]
        answer = await post(face, thing, batch)
        assert answer.status_code == 200
        assert [(one["status"], one.get("reason", ""), one.get("field", "")) for one in answer.json()["results"]] == [
            ("accepted", "", ""), ("refused", "PROPERTY_NOT_OBSERVED", "property"), ("accepted", "", ""), ("refused", "OBSERVATION_NOT_USABLE", "value"),
            ("refused", "OBSERVATION_NOT_USABLE", ""), ("refused", "OBSERVATION_NOT_USABLE", "thing"),
        ]  # fmt: skip
        first, second = await next_events(consumer, 2)
    assert {first.thing, second.thing} == {thing.subject} and {first.owner, second.owner} == {"creator-1"}
    assert (first.value, first.unit, second.value) == ("12.5", "ug/m3", "3.25")
    assert (first.place.latitude, first.place.longitude) == (52.5, 13.4)
    assert abs(to_time(first.observed_time) - (NOW - timedelta(minutes=1))) < timedelta(milliseconds=1)


async def test_a_full_batch_of_a_thousand_is_taken_in_order(make_face: MakeFace, kafka: Kafka) -> None:
    face = await make_face(kafka=kafka.bootstrap)
    await face.found()
    thing = await a_station(face)
    async with raw_topic(kafka) as consumer:
        answer = await post(face, thing, [an_item(value=n) for n in range(1000)])
        assert [one["status"] for one in answer.json()["results"]] == ["accepted"] * 1000
        assert [event.value for event in await next_events(consumer, 1000)] == [str(n) for n in range(1000)]


async def test_without_a_broker_nothing_is_accepted(city: Face) -> None:
    answer = await post(city, await a_station(city), [an_item()])
    assert (answer.status_code, answer.json()["error"]["reason"]) == (503, "BROKER_AWAY")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "BODY_NOT_USABLE"), (b"[", 400, "BODY_NOT_USABLE"), (b"{}", 400, "BODY_NOT_USABLE"), (b"[]", 400, "BODY_NOT_USABLE"),
        (b"\xff", 400, "BODY_NOT_USABLE"), (b"[" * 200_000, 400, "BODY_NOT_USABLE"), (b"[NaN]", 400, "BODY_NOT_USABLE"),
        (b"[" + b"1" * 5_000 + b"]", 400, "BODY_NOT_USABLE"),
        (b"[" + b",".join([b"1"] * 1001) + b"]", 413, "BATCH_TOO_LARGE"), (b"[" + b" " * (1 << 20) + b"]", 413, "BATCH_TOO_LARGE"),
    ],
    ids=["empty", "half", "object", "none", "bad-utf8", "deep", "nan", "huge-number", "many", "long"],
)  # fmt: skip
async def test_a_body_that_is_no_batch_is_the_clients_error(city: Face, body: bytes, status: int, reason: str) -> None:
    answer = await post(city, await a_station(city), body)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (status, reason)


async def test_half_a_surrogate_pair_is_answered(city: Face) -> None:
    answer = await post(city, await a_station(city), b'[{"\\ud800": 1}, {"property": "\\ud800"}]')
    assert answer.status_code == 200 and {one["status"] for one in answer.json()["results"]} == {"refused"}


async def test_only_registered_things_with_a_token_for_connectivity_come_in(city: Face) -> None:
    thing, unregistered, person = await a_station(city), await city.enrolled(IDENTITY_KIND_THING), await city.a_person()
    answers = {
        "none": await post(city, None, [an_item()]),
        "garbage": await post(city, None, [an_item()], token="x.y.z"),
        "audience": await post(city, None, [an_item()], token=await city.token(thing, "data")),
        "person": await post(city, person, [an_item()]),
        "unregistered": await post(city, unregistered, [an_item()]),
    }
    assert {name: (answer.status_code, answer.json()["error"]["reason"]) for name, answer in answers.items()} == {
        "none": (401, "NO_TOKEN"), "garbage": (401, "TOKEN_INVALID"), "audience": (401, "TOKEN_INVALID"),
        "person": (403, "DEVICE_NOT_REGISTERED"), "unregistered": (403, "DEVICE_NOT_REGISTERED"),
    }  # fmt: skip
    assert city.under.app.on_denials is not None
    await city.denials.tell(city.under.db, city.under.app.on_denials)
    denied = await city.rows("select subject, detail from audit where outcome = 'denied' and object = 'POST /ingress/observations'")
    assert {(row["subject"], row["detail"]["reason"]) for row in denied} == {
        ("", "NO_TOKEN"), ("", "TOKEN_INVALID"), (thing.subject, "TOKEN_INVALID"), (person.subject, "DEVICE_NOT_REGISTERED"),
        (unregistered.subject, "DEVICE_NOT_REGISTERED"),
    }  # fmt: skip


async def test_a_suspended_thing_is_out_at_once(city: Face) -> None:
    thing = await a_station(city)
    token = await city.token(thing)
    await city.call("SuspendIdentity", SuspendIdentityRequest(request_id=new_id(), subject=thing.subject), city.officer)
    answer = await post(city, None, [an_item()], token=token)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (401, "TOKEN_REVOKED")


async def test_a_thing_that_sends_too_much_is_told_when_to_come_again_and_others_go_on(make_face: MakeFace) -> None:
    face = await make_face(observations_per_second=0.5)
    await face.found()
    eager, calm = await a_station(face), await a_station(face)
    refused = [an_item(value="no number")]
    assert (await post(face, eager, refused * 5)).status_code == 200
    answer = await post(face, eager, refused)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (429, "RATE_EXCEEDED")
    assert 1 <= int(answer.headers["retry-after"]) <= 2
    assert (await post(face, calm, refused)).status_code == 200


async def test_devices_belong_to_the_owner_of_the_thing(city: Face) -> None:
    member, stranger = await city.a_member("creator-1"), await city.a_member("creator-2")
    thing = await a_station(city, member)
    changed = (await city.call("RegisterDevice", a_device(thing, "no2", kind="traffic-counter"), member)).device
    assert (changed.type, list(changed.properties), changed.owner) == ("traffic-counter", ["no2"], "creator-1")
    assert (await city.call("GetDevice", pb.GetDeviceRequest(thing=thing.subject), member)).device == changed
    assert list((await city.call("ListDevices", pb.ListDevicesRequest(property="no2"), member)).devices) == [changed]
    assert not (await city.call("ListDevices", pb.ListDevicesRequest(property="pm25"), member)).devices
    assert not (await city.call("ListDevices", pb.ListDevicesRequest(), stranger)).devices
    for name in (thing.subject, "thing:00000000-0000-7000-8000-000000000000"):
        assert await city.refused("GetDevice", pb.GetDeviceRequest(thing=name), stranger) == ("NOT_FOUND", "DEVICE_NOT_FOUND")
    assert await city.refused("RegisterDevice", a_device(thing), stranger) == ("NOT_FOUND", "IDENTITY_NOT_FOUND")
    assert await city.refused("RegisterDevice", a_device(member), member) == ("FAILED_PRECONDITION", "NOT_A_THING")
