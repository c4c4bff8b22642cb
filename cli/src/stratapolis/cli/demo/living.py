"""Chapter 5: recorded days stream in, residents use what is live, an indicator misses and meets its target."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import httpx
from city.data.v1 import observations_service_pb2 as data
from city.data.v1.observations_service_pb2_grpc import ObservationsServiceStub
from city.types.v1.types_pb2 import SIDE_OFF_TARGET, Place
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.subscription_service_pb2 import SubscribeRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.demo import launching, measuring
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import until
from stratapolis.examples.recorded import Observation, Recording, beijing_air, berlin_traffic, data_folder

AT_ONCE = 500
MISSED, MET = date(2016, 11, 20), date(2016, 11, 21)
"""Recorded days whose fine dust is above and below WHO's 24-hour guideline at every station."""


async def living(story: Story) -> None:
    """Data flow, services answer, uses are counted."""
    story.chapter(5, "What flows, and what it is worth")
    yesterday = story.today - timedelta(days=1)
    air, traffic = beijing_air(data_folder()).shift_to(yesterday), berlin_traffic(data_folder()).shift_to(yesterday)
    shifted = (air.shifted_days, traffic.shifted_days)
    story.tell(f"recorded days are shifted to the present by whole days ({shifted[0]} and {shifted[1]}), hour and zone kept.")
    bad, good = (day + timedelta(days=air.shifted_days) for day in (MISSED, MET))
    await measuring.fed(story)
    sent = await publish(story, launching.AIR, air, {"pm25"}, {bad})
    await measuring.measured(story, bad, SIDE_OFF_TARGET)
    sent += await publish(story, launching.AIR, air, {"pm25"}, {good})
    sent += await publish(story, launching.TRAFFIC, traffic, {"vehicle_count"}, {max(traffic.days)})
    story.tell(f"{sent} observations accepted or known.")
    await measuring.fine_dust(story, bad, good, await air_alert(story, bad, good))
    await guide(story)


async def publish(story: Story, product: str, recording: Recording, properties: set[str], days: set[date]) -> int:
    """Hand observations of these local days in, as far as they have come, in batches; every one must be taken or be known."""
    now = datetime.now(UTC)
    stub = story.city.stub(ObservationsServiceStub, "data", as_=story.creators["observatory"].founder)
    taken = 0
    for day in sorted(days):
        for batch in _batches(o for o in recording.observations(on=day) if o.property in properties and o.observed_at <= now):
            asked = data.PublishObservationsRequest(request_id=new_id(), readings=[_reading(product, o) for o in batch])
            results = (await stub.PublishObservations(asked)).results
            wrong = [r.message for r in results if r.outcome == data.INTAKE_OUTCOME_REFUSED]
            story.hold(not wrong, f"no observation is refused: {wrong[:1]}")
            taken += len(results)
    return taken


def _batches(observations: Iterator[Observation]) -> Iterator[list[Observation]]:
    while batch := list(islice(observations, AT_ONCE)):
        yield batch


def _reading(product: str, seen: Observation) -> data.Reading:
    place = Place(latitude=seen.place.latitude, longitude=seen.place.longitude)
    return data.Reading(
        thing=f"{product}-{seen.thing}",
        property=seen.property,
        value=str(seen.value),
        unit=seen.unit,
        observed_time=to_timestamp(seen.observed_at),
        place=place,
        flags=[str(flag) for flag in seen.flags],
    )


async def air_alert(story: Story, bad: date, good: date) -> dict[date, Decimal]:
    """The free program says what the data say: a day that misses WHO's guideline and one that meets it. Returns the mean of each day's stations."""
    endpoint = await _endpoint(story, "air-alert")
    rows, answered = [], {}
    for day, alarm in ((bad, True), (good, False)):
        answer = await _get(f"{endpoint}/air", {"day": day.isoformat()})
        story.hold(answer["alert"] is alarm, f"the air alert of {day} is {alarm}: {answer}")
        means = [Decimal(m) for m in answer["stations"].values()]
        answered[day] = sum(means, Decimal(0)) / len(means)
        verdict = "missed" if answer["alert"] else "met"
        rows.append((day, len(means), f"{answered[day]:.1f} {answer['unit']}", f"{answer['guideline']} {answer['unit']}", verdict))
    story.show("fine dust (PM2.5), as the air-quality alert answers", ("day", "stations", "mean", "WHO 24-hour guideline", ""), rows)
    return answered


async def guide(story: Story) -> None:
    """A resident subscribes to the traffic guide and asks it; each answer is a use."""
    resident = story.residents["driver"] = await story.city.enrol(f"driver {story.run}")
    endpoint, service = await _endpoint(story, "traffic-guide"), story.services["traffic-guide"]
    subscriptions = story.city.stub(SubscriptionServiceStub, "value_catalog", as_=resident)
    token = {"authorization": f"Bearer {await story.city.client(resident).token(service)}"}
    refused = await _ask(f"{endpoint}/guide", {}, token)
    story.hold(refused.status_code == httpx.codes.PAYMENT_REQUIRED, f"without a subscription the guide asks for one: {refused.text}")
    story.tell(f"without a subscription the traffic guide answers {refused.status_code}: “{refused.json()['error']}”.")
    await subscriptions.Subscribe(SubscribeRequest(request_id=new_id(), service_id=service, plan="per-answer"))
    sites = (await _ask(f"{endpoint}/guide", {}, token)).json()["sites"]
    asked = story.rng.sample(sites, story.rng.randint(3, 6))
    rows = []
    for site in asked:
        answer = (await _ask(f"{endpoint}/guide", {"site": site}, token)).raise_for_status().json()
        story.answered += 1
        rows.append((site, answer["vehicles_per_hour"], ", ".join(c["site"] for c in answer["calmer"]) or "none"))
    story.show("the traffic guide answers a subscriber", ("site", "vehicles an hour", "calmer"), rows)


async def ask_once_more(story: Story) -> None:
    """The driver asks the traffic guide again: one more use."""
    token = await story.city.client(story.residents["driver"]).token(story.services["traffic-guide"])
    headers, endpoint = {"authorization": f"Bearer {token}"}, await _endpoint(story, "traffic-guide")
    sites = (await _ask(f"{endpoint}/guide", {}, headers)).json()["sites"]
    (await _ask(f"{endpoint}/guide", {"site": story.rng.choice(sites)}, headers)).raise_for_status()


async def _endpoint(story: Story, name: str) -> str:
    """Where the catalogue says that a service answers."""
    catalog = story.city.stub(CatalogServiceStub, "value_catalog")
    entry: Any = (await catalog.GetService(GetServiceRequest(service_id=story.services[name]))).entry
    return str(entry.endpoint)


async def _get(url: str, params: dict[str, str]) -> dict[str, Any]:
    answer = await _ask(url, params, {})
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _ask(url: str, params: dict[str, str], headers: dict[str, str]) -> httpx.Response:
    """Ask a program; while its connections are on their way to every layer, again."""
    answers: list[httpx.Response] = []
    async with httpx.AsyncClient(timeout=10) as client:

        async def answered() -> bool:
            answers.append(await client.get(url, params=params, headers=headers))
            return answers[-1].status_code != httpx.codes.SERVICE_UNAVAILABLE

        await until(answered, f"{url} to answer", within=20)
    return answers[-1]
