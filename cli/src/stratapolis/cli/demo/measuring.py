"""In chapter 5: observations give an indicator its values, which miss and meet their target, and the catalogue shows it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from city.data.v1.indicator_feeds_service_pb2 import ListIndicatorFeedsRequest, RegisterIndicatorFeedRequest
from city.data.v1.indicator_feeds_service_pb2_grpc import IndicatorFeedsServiceStub
from city.governance.v1.indicator_pb2 import Excursion, Indicator, Measurement
from city.governance.v1.indicator_service_pb2 import ListExcursionsRequest, ListIndicatorsRequest, ListMeasurementsRequest
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.types.v1.types_pb2 import SIDE_OFF_TARGET, SIDE_ON_TARGET, IndicatorKey, Side
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import OutcomeNow
from stratapolis.chassis.decimals import reading
from stratapolis.chassis.ids import new_id
from stratapolis.cli.demo import launching
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import until
from stratapolis.cli.screen import word
from stratapolis.cli.session import pages

PM25 = IndicatorKey(framework="u4ssc", code=launching.PM25_CODE, measure=launching.PM25_MEASURE)
CITY = "city"
SECONDS = 30.0
SHOWN = Decimal("0.1")
"""To what the air-quality alert rounds its stations' means."""


async def fed(story: Story) -> None:
    """The fine dust of the air data feeds the U4SSC indicator, from the first telling on."""
    stub = story.city.stub(IndicatorFeedsServiceStub, "data")
    known = await pages(stub.ListIndicatorFeeds, ListIndicatorFeedsRequest(product=launching.AIR), "feeds", 100)
    if PM25 not in [feed.indicator for feed in known]:
        await stub.RegisterIndicatorFeed(RegisterIndicatorFeedRequest(request_id=new_id(), product=launching.AIR, property="pm25", indicator=PM25))


async def measured(story: Story, day: date, side: Side.ValueType) -> Measurement:
    """The city's value of a day, once governance has one on this side of its target."""
    stub = story.city.stub(IndicatorServiceStub, "governance")
    found: list[Measurement] = []

    async def there() -> bool:
        values = await pages(stub.ListMeasurements, ListMeasurementsRequest(key=PM25, scope=CITY), "measurements", 1_000)
        newest = next((one for one in values if one.period == day.isoformat()), None)
        found[:] = [newest] if newest is not None and newest.side == side else []
        return bool(found)

    await until(there, f"the fine dust of {day} to be {word(Side, side)}", within=SECONDS)
    return found[0]


async def fine_dust(story: Story, bad: date, good: date, answered: dict[date, Decimal]) -> None:
    """What governance says of both days, held against what the air-quality alert has answered, and what the catalogue makes of it."""
    values = [await measured(story, bad, SIDE_OFF_TARGET), await measured(story, good, SIDE_ON_TARGET)]
    for day, one in zip((bad, good), values, strict=True):
        story.hold(abs(Decimal(one.value) - answered[day]) <= SHOWN, f"governance and the alert say the same of {day}: {one.value} and {answered[day]}")
    indicator = await newest(story)
    rows = [(one.period, one.revision, reading(Decimal(one.value), one.unit), one.target, word(Side, one.side), one.observations) for one in values]
    story.show(f"{indicator.key.code} {indicator.key.measure} of the city, as governance measures it", ("day", "revision", "value", "target", "", "from"), rows)
    story.tell(f"target: {indicator.target.value} {indicator.unit}, {indicator.target.source}.")
    await said(story, bad, good)
    outcome = await in_the_catalogue(story, indicator)
    story.tell(f"the catalogue says of “{outcome.name}”: {outcome.reading} on {outcome.measured.period}, {word(Side, outcome.side)} of {outcome.target}.")


async def newest(story: Story) -> Indicator:
    """The indicator as it stands for the city."""
    stub = story.city.stub(IndicatorServiceStub, "governance")
    found: list[Indicator] = await pages(stub.ListIndicators, ListIndicatorsRequest(framework=PM25.framework, measured_only=True), "indicators", 500)
    (indicator,) = (one for one in found if one.key == PM25)
    return indicator


async def said(story: Story, bad: date, good: date) -> None:
    """IndicatorOffTarget was said of the bad day, IndicatorRecovered of the good one, once each: of the city, and of every station."""
    stub = story.city.stub(IndicatorServiceStub, "governance")
    found: dict[str, list[Excursion]] = {}

    async def recovered() -> bool:
        found.clear()
        for one in await pages(stub.ListExcursions, ListExcursionsRequest(key=PM25), "excursions", 10_000):
            if one.period == bad.isoformat():
                found.setdefault(one.scope, []).append(one)
        return CITY in found and all(one.recovered_period == good.isoformat() for spans in found.values() for one in spans)

    await until(recovered, "the fine dust to be said off target and recovered", within=SECONDS)
    story.hold(all(len(spans) == 1 for spans in found.values()), f"each is said once: { ({scope: len(spans) for scope, spans in found.items()}) }")
    (city,) = found[CITY]
    off, on = (reading(Decimal(value), city.unit) for value in (city.value, city.recovered_value))
    story.tell(f"off target was said of {city.period} ({off}), recovered of {city.recovered_period} ({on}),")
    story.tell(f"once each, for the city and for {len(found) - 1} stations.")


async def in_the_catalogue(story: Story, indicator: Indicator) -> OutcomeNow:
    """The air-quality alert's outcome, once its live value is governance's newest."""
    stub = story.city.stub(CatalogServiceStub, "value_catalog")
    found: list[OutcomeNow] = []

    async def shown() -> bool:
        found[:] = (await stub.GetService(GetServiceRequest(service_id=story.services["air-alert"]))).entry.outcomes
        now = found[0].measured
        return (now.period, now.revision, now.value) == (indicator.newest.period, indicator.newest.revision, indicator.newest.value)

    await until(shown, "the catalogue to show the newest value", within=SECONDS)
    story.hold(found[0].side == SIDE_ON_TARGET, f"the catalogue says that the outcome is on target: {found[0]}")
    return found[0]
