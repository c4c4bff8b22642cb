"""Chapter 11: the graduated idea goes live as version 2, while a client keeps calling."""

from __future__ import annotations

from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import Entry
from stratapolis.cli.demo import journeys, launching
from stratapolis.cli.demo.calling import calling
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import until

SERVICE = "air-alert"


async def renewal(story: Story) -> None:
    """An upgrade whose origin the catalogue shows; nobody who calls notices."""
    story.chapter(11, "Version 2, while a client keeps calling")
    service, university = story.services[SERVICE], story.creators["university"]
    text = journeys.manifest(SERVICE, until=story.next_year, pm25_code=launching.PM25_CODE, pm25_measure=launching.PM25_MEASURE)
    newer = text.replace(b"\nspec:", f"\n  idea: {story.ideas[SERVICE]}\nspec:".encode(), 1)
    async with calling(story.city, service) as calls:
        await calls.until_answered()
        journey = await journeys.propose(story, newer, as_=university.founder)
        found, _ = await journeys.drawn_to(story, journey, as_=university.founder)
        story.hold(found.state == shared.JOURNEY_STATE_LIVE, f"version {found.version} is live: {[r.message for r in found.reasons]}")
        story.hold(found.kind == shared.JOURNEY_KIND_UPGRADE and found.service_id == service, "it takes the place of the version that served")
        await calls.until_moved()
        await calls.until_answered()
    story.hold(not calls.failed, f"no call failed: {calls.failed[:3]}")
    story.tell(f"[bold]{calls.answered} calls[/] all through, {len(calls.failed)} failed; first at {calls.endpoints[0]}, then at {calls.endpoints[-1]}.")
    entry = await shown(story, service, found.version)
    origin = entry.provenance.origin
    story.hold(origin.idea_id == story.ideas[SERVICE] and origin.pilot_id and origin.challenge_id, f"the catalogue shows where it comes from: {origin}")
    story.tell(f"the catalogue says where version {entry.version} comes from: “{origin.idea_title}”; {origin.evidence}")


async def shown(story: Story, service_id: str, version: int) -> Entry:
    """The entry, once the catalogue shows this version."""
    found: list[Entry] = []
    stub = story.city.stub(CatalogServiceStub, "value_catalog")

    async def there() -> bool:
        found[:] = [(await stub.GetService(GetServiceRequest(service_id=service_id))).entry]
        return bool(found[0].version == version)

    await until(there, f"version {version} to be shown", within=30)
    return found[0]
