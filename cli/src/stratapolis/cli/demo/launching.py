"""Chapters 3 and 4: two real programs go live through the layers, and a proposal that three layers refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from city.data.v1.data_product_pb2 import CLASSIFICATION_OPEN, DataProduct, ProductProperty
from city.data.v1.data_products_service_pb2 import PublishDataProductRequest, RegisterDataProductRequest, SearchDataProductsRequest
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.governance.v1.journey_service_pb2 import DECISION_APPROVE, DecideProposalRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.infrastructure.v1.artefact_service_pb2 import ListArtefactsRequest, RegisterArtefactRequest
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.policy.v1.funding_pb2 import FUNDING_KIND_GRANT
from city.policy.v1.funding_service_pb2 import RegisterFundingSourceRequest
from city.policy.v1.funding_service_pb2_grpc import FundingServiceStub
from city.types.v1.types_pb2 import Money
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.demo import journeys, partnership
from stratapolis.cli.demo.opening import listed
from stratapolis.cli.demo.story import Story, repository
from stratapolis.cli.people import Identity

TRAFFIC, AIR = "berlin-traffic", "beijing-air"
PM25_CODE, PM25_MEASURE = "EN: EN: AQ: 1C", "PM 2.5"


async def launches(story: Story) -> None:
    """The traffic guide and the air-quality alert, from manifest to live."""
    story.chapter(3, "Two services go live")
    await products(story)
    await artefacts(story)
    company, university = story.creators["company"], story.creators["university"]
    agreement, grant = await partnership.agreed(story, company, university), await granted(story)
    ids = {"agreement": agreement, "grant": grant, "company": company.creator_id, "university": university.creator_id}
    story.tell("[bold]traffic-guide[/]: pay per use, a partnership with shares, a grant; an officer has to agree.")
    await launch(story, "traffic-guide", company.founder, journeys.manifest("traffic-guide", until=story.next_year, **ids))
    story.tell("[bold]air-alert[/]: free; nobody has to agree.")
    text = journeys.manifest("air-alert", until=story.next_year, pm25_code=PM25_CODE, pm25_measure=PM25_MEASURE)
    await launch(story, "air-alert", university.founder, text)
    await listed(story, company.creator_id, 1)
    await listed(story, university.creator_id, 1)


async def launch(story: Story, name: str, founder: Identity, text: bytes) -> None:
    """One journey, drawn live, with the officer's word where policy obliges it."""
    journey = await journeys.propose(story, text, as_=founder)
    found, last = await journeys.drawn_to(story, journey, as_=founder, into=journeys.TERMINAL | {shared.JOURNEY_STATE_DECIDING})
    if found.state == shared.JOURNEY_STATE_DECIDING:
        officer = story.city.stub(JourneyServiceStub, "governance")
        decided = DecideProposalRequest(request_id=new_id(), journey_id=journey.journey_id, decision=DECISION_APPROVE, reason="good for the streets")
        await officer.DecideProposal(decided)
        found, _ = await journeys.drawn_to(story, found, as_=founder, after=last)
    story.hold(found.state == shared.JOURNEY_STATE_LIVE, f"{name} is live: {[r.message for r in found.reasons]}")
    story.hold(found.endpoint, f"{name} has an endpoint")
    story.services[name], story.journeys[name] = found.service_id, found.journey_id
    story.tell(f"{name} answers at {found.endpoint}")


async def products(story: Story) -> None:
    """The open data that the two services use; registered once, by the city's observatory."""
    observatory = story.creators["observatory"] = await story.lasting_creator("City Observatory", kind="department")
    stub = story.city.stub(DataProductsServiceStub, "data", as_=observatory.founder)
    now = datetime.now(UTC)
    known = {p.name for p in (await stub.SearchDataProducts(SearchDataProductsRequest(page_size=500))).products}
    for product in (_product(TRAFFIC, "Berlin traffic counts", "Europe/Berlin", _TRAFFIC), _product(AIR, "Beijing air quality", "Asia/Shanghai", _AIR)):
        if product.name in known:
            continue
        product.earliest_time.CopyFrom(to_timestamp(now - timedelta(days=60)))
        await stub.RegisterDataProduct(RegisterDataProductRequest(request_id=new_id(), product=product))
        await stub.PublishDataProduct(PublishDataProductRequest(request_id=new_id(), name=product.name))
    story.tell(f"open data: [bold]{TRAFFIC}[/] and [bold]{AIR}[/], published by {observatory.name}.")


_TRAFFIC = {"vehicle_count": "{vehicle}", "vehicle_speed": "km/h"}
_AIR = {"pm25": "ug/m3", "pm10": "ug/m3", "temperature": "Cel"}


def _product(name: str, title: str, zone: str, properties: dict[str, str]) -> DataProduct:
    return DataProduct(
        name=name,
        title=title,
        description="Recorded days shifted by whole days to the present; origin and licence in NOTICE.",
        classification=CLASSIFICATION_OPEN,
        properties=[ProductProperty(name=n, unit=u) for n, u in properties.items()],
        thing_prefix=f"{name}-",
        zone=zone,
    )


async def artefacts(story: Story) -> None:
    """An operator registers the programs: folders with a sum, never a command from a manifest."""
    stub = story.city.stub(ArtefactServiceStub, "infrastructure")
    known = {a.name for a in (await stub.ListArtefacts(ListArtefactsRequest(page_size=500))).artefacts}
    folder = repository() / "examples" / "src" / "stratapolis" / "examples"
    for name in ("traffic-guide", "air-alert"):
        module = f"stratapolis.examples.{name.replace('-', '_')}"
        if name not in known:
            await stub.RegisterArtefact(RegisterArtefactRequest(request_id=new_id(), name=name, folder=str(folder), argv=["{python}", "-m", module]))


async def granted(story: Story) -> str:
    """A grant of a few thousand."""
    amount = 5_000 + 500 * story.rng.randrange(1, 10)
    asked = RegisterFundingSourceRequest(
        request_id=new_id(),
        title=f"Mobility grant {story.run}",
        kind=FUNDING_KIND_GRANT,
        amount=Money(currency_code="EUR", units=amount),
        end_time=to_timestamp(datetime.now(UTC) + timedelta(days=730)),
    )
    source = (await story.city.stub(FundingServiceStub, "policy").RegisterFundingSource(asked)).source
    story.tell(f"a grant of EUR {source.amount.units}.")
    return str(source.source_id)


async def refusal(story: Story) -> None:
    """Refused by three layers at once; what every layer holds before and after is the same, row by row."""
    story.chapter(4, "Refused, with all reasons, leaving nothing behind")
    company = story.creators["company"]
    before = await journeys.holds(story)
    journey = await journeys.propose(story, journeys.manifest("crowd-cameras", until=story.next_year), as_=company.founder)
    found, _ = await journeys.drawn_to(story, journey, as_=company.founder)
    layers = {r.layer for r in found.reasons}
    story.hold(found.state == shared.JOURNEY_STATE_REJECTED, "the proposal is rejected")
    story.hold(len(layers) >= 3, f"three layers refuse, not {sorted(layers)}")
    await journeys.nothing_held(story, journey.journey_id)
    after = await journeys.holds(story)
    story.hold(before == after, "every layer holds what it held before, row by row")
    story.show(
        "holds, row by row",
        ("layer", "before", "after", "the same"),
        [(n, len(before[n]), len(after[n]), "yes" if before[n] == after[n] else "no") for n in before],
    )
