"""Chapters 1 and 2: the seed, and who joins."""

from __future__ import annotations

import asyncio
from collections import Counter

import grpc
from city.governance.v1.value_creator_service_pb2 import GetValueCreatorRequest, RefuseValueCreatorRequest
from city.governance.v1.value_creator_service_pb2_grpc import ValueCreatorServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.manifest.v1 import manifest_pb2 as m
from city.types.v1.types_pb2 import IndicatorKey
from city.value_catalog.v1.catalog_service_pb2 import ListCategoriesRequest, ListServicesRequest, ServiceFilter
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stratapolis.chassis import manifest
from stratapolis.chassis.ids import new_id
from stratapolis.cli.demo import journeys
from stratapolis.cli.demo.story import Story, refused
from stratapolis.cli.local.city import until
from stratapolis.examples.recorded import data_folder
from stratapolis.examples.seed_services import SeedService, seed_services

AT_ONCE = 8
WORDS = ("Linden", "Harbour", "Mill", "Bridge", "Market", "Garden", "Station", "Tower", "River", "Hill")


async def seed(story: Story) -> None:
    """A department proposes its 49 services in bulk, through the real journey."""
    story.chapter(1, "A department brings its services")
    department = await story.creator("department", f"Department of Examples {story.run}", kind="department")
    services = seed_services(data_folder())
    limit = asyncio.Semaphore(AT_ONCE)

    async def hand_in(service: SeedService) -> str:
        async with limit:
            return (await journeys.propose(story, manifest.write(_manifest(service)).encode(), as_=department.founder)).journey_id

    ids = await asyncio.gather(*(hand_in(s) for s in services))
    found = await journeys.ended(story, ids, as_=department.founder)
    states = Counter(shared.JourneyState.Name(j.state).removeprefix("JOURNEY_STATE_").lower() for j in found)
    story.hold(states == {"live": len(services)}, f"all {len(services)} services are live, not {dict(states)}")
    took = sorted((j.ended_time.ToDatetime() - j.proposed_time.ToDatetime()).total_seconds() for j in found)
    story.tell(f"{len(found)} manifests proposed, {states['live']} live; half of them within {took[len(took) // 2]:.2f} s of being proposed.")
    await listed(story, department.creator_id, len(services))
    catalog = story.city.stub(CatalogServiceStub, "value_catalog")
    categories = (await catalog.ListCategories(ListCategoriesRequest(page_size=500))).categories
    story.show("the catalogue by category", ("category", "services"), [(c.name, c.services) for c in categories])


async def listed(story: Story, creator_id: str, wanted: int) -> None:
    """Wait until the catalogue shows so many services of a value creator."""
    catalog = story.city.stub(CatalogServiceStub, "value_catalog")
    asked = ListServicesRequest(filter=ServiceFilter(creator_id=creator_id), page_size=500)

    async def shown() -> bool:
        return len((await catalog.ListServices(asked)).entries) >= wanted

    await until(shown, f"{wanted} services in the catalogue", within=30)


def _manifest(service: SeedService) -> m.Manifest:
    """A service without software: a counter, a telephone, a van."""
    return m.Manifest(
        api_version="city/v1",
        kind="Service",
        metadata=m.Metadata(name=service.slug, title=service.name, description=service.description),
        spec=m.Spec(
            category=service.category,
            stakeholders=[m.Stakeholder.Value(f"STAKEHOLDER_{s.upper()}") for s in service.stakeholders],
            outcomes=[m.Outcome(name=service.name, indicator=IndicatorKey(framework=service.framework, code=service.code, measure=service.measure))],
            price=m.Price(plans=[m.Plan(name="free", model=m.MODEL_FREE)]),
            accessibility=m.Accessibility(wcag_level=m.WCAG_LEVEL_AA, languages=["en", "de"], offline_channel="town hall counter"),
            privacy=m.Privacy(),
            runtime=m.Runtime(none=m.NoSoftware()),
            requests=m.Requests(answer_within_hours=_hours(service)),
        ),
    )


def _hours(service: SeedService) -> int:
    """The published target where there is one, a week where there is none."""
    target = service.figures.target_hours_median if service.figures else None
    return min(8760, max(1, int(target))) if target else 168


async def creators(story: Story) -> None:
    """Two value creators join, a third is turned away and sees why."""
    story.chapter(2, "Who joins")
    first, second, third = story.rng.sample(WORDS, 3)
    company = await story.creator("company", f"{first} Mobility {story.run}", kind="company")
    university = await story.creator("university", f"{second} University {story.run}", kind="university")
    story.tell(f"[bold]{company.name}[/] and [bold]{university.name}[/] are accepted.")
    creator_id, founder = await story.newcomer(f"{third} Casino {story.run}", kind="company")
    officer = story.city.stub(ValueCreatorServiceStub, "governance")
    why = "the city does not host gambling"
    await officer.RefuseValueCreator(RefuseValueCreatorRequest(request_id=new_id(), creator_id=creator_id, reasons=[why]))
    own = story.city.stub(ValueCreatorServiceStub, "governance", as_=founder)
    seen = (await own.GetValueCreator(GetValueCreatorRequest(creator_id=creator_id))).value_creator
    story.hold([r.message for r in seen.reasons] == [why], "the third one sees why")
    story.tell(f"[bold]{seen.name}[/] is refused, and reads why: “{seen.reasons[0].message}”.")
    stranger = story.city.stub(ValueCreatorServiceStub, "governance", as_=company.founder)
    async with refused(story, grpc.StatusCode.NOT_FOUND):
        await stranger.GetValueCreator(GetValueCreatorRequest(creator_id=creator_id))
    story.tell("To anybody else the refused one looks like one that never was.")
