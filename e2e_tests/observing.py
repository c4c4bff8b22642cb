"""Things that post observations to the ingress, and how many the data layer has of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx
from city.connectivity.v1.device_service_pb2 import RegisterDeviceRequest
from city.connectivity.v1.device_service_pb2_grpc import DeviceServiceStub
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.ids import new_id
from stratapolis.cli.people import Identity

from e2e_tests.conftest import Town, patiently

BATCH = 1_000
"""Readings of a post; the most that the ingress takes."""
ROWS = "select count(*) as n from observation o join series s using (series_id) where s.thing = any($1)"
TAKEN = "select coalesce(sum(accepted), 0)::int as accepted, coalesce(sum(duplicates), 0)::int as duplicates from intake where way = 'raw'"
REFUSED = "select reason from refused_observation where thing = any($1)"


async def a_counter(town: Town, name: str) -> Identity:
    """A thing that counts vehicles, enrolled and registered."""
    thing = await town.city.enrol(name, kind="thing")
    stub = town.city.stub(DeviceServiceStub, "connectivity")
    asked = RegisterDeviceRequest(request_id=new_id(), thing=thing.subject, type="traffic-counter", properties=["vehicle_count"])
    await patiently(lambda: stub.RegisterDevice(asked))
    return thing


async def post(town: Town, client: httpx.AsyncClient, thing: Identity, readings: Sequence[dict[str, str]], *, replica: int = 0) -> bool:
    """Post readings once; whether the ingress said that it has every one of them."""
    url = f"http://{town.city.at.http['connectivity'][replica]}/ingress/observations"
    try:
        headers = {"authorization": f"Bearer {await town.city.client(thing).token('connectivity')}"}
        answer = await client.post(url, json=readings, headers=headers)
    except (httpx.TransportError, IssuerAway):
        return False
    if answer.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}:
        return False
    statuses = [result["status"] for result in answer.raise_for_status().json()["results"]]
    return statuses == ["accepted"] * len(readings)


def readings(first: datetime, number: int) -> Sequence[dict[str, str]]:
    """Batch `number` of a thing's readings, a second apart, counted from `first`."""
    seconds = range(number * BATCH, (number + 1) * BATCH)
    return [
        {"property": "vehicle_count", "value": str(second % 90), "unit": "{vehicle}", "observed_at": (first + timedelta(seconds=second)).isoformat()}
        for second in seconds
    ]
