"""Chapter 8: how the city does, by what it has measured."""

from __future__ import annotations

from city.governance.v1.indicator_pb2 import Indicator, Trend
from city.governance.v1.indicator_service_pb2 import GetScorecardRequest, ListIndicatorsRequest
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.types.v1.types_pb2 import SIDE_OFF_TARGET, SIDE_ON_TARGET, IndicatorKey, Side
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest, ListServicesRequest, ServiceFilter
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.request_service_pb2 import CASE_STATE_CLOSED, OpenRequestRequest, UpdateRequestRequest
from city.value_catalog.v1.request_service_pb2_grpc import RequestServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.demo.measuring import PM25, SECONDS
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import until
from stratapolis.cli.screen import word
from stratapolis.cli.session import pages

OWN = ("requests_closed_on_time", "uses", "time_to_onboard", "proposals_live_share")
ON_TIME = IndicatorKey(framework="city", code=OWN[0])


async def scorecard(story: Story) -> None:
    """A request is answered in time; then everything that was measured, from one RPC."""
    story.chapter(8, "The scorecard")
    await on_time(story)
    guide = story.services["traffic-guide"]
    uses = await value(story, "uses", f"service:{guide}")
    story.hold(int(uses.newest.value) == uses.newest.observations > 0, f"uses are counted: {uses.newest}")
    story.tell(f"the traffic guide: {uses.reading} on {uses.newest.period}.")
    for code in OWN:
        await value(story, code, "city")
    stub = story.city.stub(IndicatorServiceStub, "governance")
    card = await stub.GetScorecard(GetScorecardRequest())
    measured = [one for dimension in card.dimensions for one in dimension.indicators]
    story.hold({*OWN, PM25.code} <= {one.key.code for one in measured}, f"what this story measured is on the scorecard: {[one.key.code for one in measured]}")
    for dimension in card.dimensions:
        sides = [one.newest.side for one in dimension.indicators]
        counted = (len(sides), sides.count(SIDE_ON_TARGET), sides.count(SIDE_OFF_TARGET))
        story.hold(counted == (dimension.measured, dimension.on_target, dimension.off_target), f"{dimension.name} counts what it shows")
    listed = await pages(stub.ListIndicators, ListIndicatorsRequest(), "indicators", 10_000)
    story.hold(sum(dimension.known for dimension in card.dimensions) == len(listed), "every indicator is in a dimension")
    story.hold(sum(one.reading == "not measured" for one in listed) == len(listed) - len(measured), "all others read `not measured`")
    rows = [(d.name, d.measured, d.known, d.on_target, d.off_target) for d in card.dimensions if d.measured]
    story.show("dimensions with something measured", ("dimension", "measured", "of", "on target", "off target"), rows)
    story.show("the city's scorecard", ("indicator", "period", "value", "target", "", "against the period before"), [_row(one) for one in measured])
    story.tell(f"{len(listed) - len(measured)} of {len(listed)} indicators read “not measured”: no value is invented.")


async def on_time(story: Story) -> None:
    """A resident asks a service whose outcome is answers in time; the department answers, and the service's own value says so."""
    catalog = story.city.stub(CatalogServiceStub, "value_catalog")
    department = story.creators["department"]
    asked = ListServicesRequest(filter=ServiceFilter(creator_id=department.creator_id, indicator=ON_TIME), page_size=500)
    entry = story.rng.choice((await catalog.ListServices(asked)).entries)
    story.hold(entry.outcomes[0].measured.scope != f"service:{entry.service_id}", "a new service has no value of its own")
    resident = await story.city.enrol(f"asker {story.run}")
    requests = story.city.stub(RequestServiceStub, "value_catalog", as_=resident)
    case = (await requests.OpenRequest(OpenRequestRequest(request_id=new_id(), service_id=entry.service_id, description="could somebody have a look?"))).case
    answering = story.city.stub(RequestServiceStub, "value_catalog", as_=department.founder)
    done = UpdateRequestRequest(request_id=new_id(), case_id=case.case_id, state=CASE_STATE_CLOSED, answer="somebody was there")
    await answering.UpdateRequest(done)

    async def shown() -> bool:
        now = (await catalog.GetService(GetServiceRequest(service_id=entry.service_id))).entry.outcomes[0]
        return bool(now.measured.scope == f"service:{entry.service_id}" and now.reading == "100 %")

    await until(shown, f"the catalogue to show that {entry.title} answers in time", within=SECONDS)
    before = f"“{entry.outcomes[0].reading}”" + (" of the whole city" if entry.outcomes[0].HasField("measured") else "")
    story.tell(f"“{entry.title}” was asked for something and answered in time; its outcome in the catalogue read {before}, now “100 %” of its own.")


async def value(story: Story, code: str, scope: str) -> Indicator:
    """One of the city's own indicators, once it is measured in a scope."""
    stub = story.city.stub(IndicatorServiceStub, "governance")
    found: list[Indicator] = []

    async def measured() -> bool:
        listed = await pages(stub.ListIndicators, ListIndicatorsRequest(framework="city", scope=scope, measured_only=True), "indicators", 1_000)
        found[:] = [one for one in listed if one.key.code == code]
        return bool(found)

    await until(measured, f"{code} of {scope} to be measured", within=SECONDS)
    return found[0]


def _row(one: Indicator) -> tuple[str, str, str, str, str, str]:
    target = f"{one.newest.target} {one.unit}" if one.newest.target else ""
    side, trend = word(Side, one.newest.side) if one.newest.side else "", word(Trend, one.trend) if one.trend else ""
    return (one.name, one.newest.period, one.reading, target, side, trend)
