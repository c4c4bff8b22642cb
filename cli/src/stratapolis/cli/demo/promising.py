"""Chapter 12: what the partners promised was missed on a recorded day, and costs what was agreed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from city.data.v1.indicator_feeds_service_pb2 import RegisterIndicatorFeedRequest
from city.data.v1.indicator_feeds_service_pb2_grpc import IndicatorFeedsServiceStub
from city.governance.v1.indicator_pb2 import PERIOD_LENGTH_DAY
from city.governance.v1.indicator_service_pb2 import DefineIndicatorRequest
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.governance.v1.ledger_pb2 import Entry
from city.governance.v1.ledger_service_pb2 import ListEntriesRequest
from city.governance.v1.ledger_service_pb2_grpc import LedgerServiceStub
from city.policy.v1.agreement_pb2 import PerformanceFailure
from city.policy.v1.agreement_service_pb2 import ListPerformanceFailuresRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER
from stratapolis.chassis.decimals import reading
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_decimal
from stratapolis.cli.demo import living, partnership
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import until
from stratapolis.cli.screen import money
from stratapolis.cli.session import pages
from stratapolis.examples.recorded import Recording, berlin_traffic, data_folder

TRAFFIC = "berlin-traffic"


async def penalty(story: Story) -> None:
    """The recorded day is measured, the promise is judged, the penalty posted."""
    story.chapter(12, "A promise is missed, and costs what was agreed")
    recording, day = _recorded(story)
    key = partnership.traffic(story)
    defined = DefineIndicatorRequest(
        request_id=new_id(),
        key=key,
        name=f"Vehicles at a counter, an hour ({story.run})",
        unit="{vehicle}",
        direction=DIRECTION_LOWER_IS_BETTER,
        period_length=PERIOD_LENGTH_DAY,
        source="the partnership's agreement",
    )
    await story.city.stub(IndicatorServiceStub, "governance").DefineIndicator(defined)
    feed = RegisterIndicatorFeedRequest(request_id=new_id(), product=TRAFFIC, property="vehicle_count", indicator=key)
    await story.city.stub(IndicatorFeedsServiceStub, "data").RegisterIndicatorFeed(feed)
    await living.publish(story, TRAFFIC, recording, {"vehicle_count"}, {day})
    failure = await raised(story, day)
    metric, value = failure.metric, reading(Decimal(failure.value), "")
    story.tell(f"agreed: at most {metric.bound} vehicles an hour at a counter; measured on {failure.period}: [bold]{value}[/].")
    entry = await charged(story, failure)
    story.hold(entry.amount == metric.penalty, f"the penalty is what was agreed: {entry.amount}")
    amount = money(to_decimal(entry.amount), entry.amount.currency_code)
    story.tell(f"{story.creators['company'].name} owes the city {amount}, in the ledger since, settled in {entry.period}: “{entry.reason}”.")


async def raised(story: Story, day: date) -> PerformanceFailure:
    """The failure of that day, as the party that promised sees it."""
    stub, found = story.city.stub(AgreementServiceStub, "policy", as_=story.creators["company"].founder), list[PerformanceFailure]()

    async def there() -> bool:
        listed = await pages(stub.ListPerformanceFailures, ListPerformanceFailuresRequest(standing_only=True), "failures", 100)
        found[:] = [one for one in listed if one.period == day.isoformat()]
        return bool(found)

    await until(there, f"what was promised of {day} to be judged", within=60)
    story.hold(len(found) == 1, "a failure is said once")
    return found[0]


async def charged(story: Story, failure: PerformanceFailure) -> Entry:
    """The party's side of the penalty."""
    stub, found = story.city.stub(LedgerServiceStub, "governance", as_=story.creators["company"].founder), list[Entry]()

    async def there() -> bool:
        listed = await pages(stub.ListEntries, ListEntriesRequest(), "entries", 10_000)
        found[:] = [one for one in listed if one.source == f"penalty:{failure.failure_id}"]
        return bool(found)

    await until(there, "the penalty to be posted", within=30)
    story.hold(len(found) == 1, "a penalty is charged once")
    return found[0]


def _recorded(story: Story) -> tuple[Recording, date]:
    """A day that is over in every zone of the world."""
    recording = berlin_traffic(data_folder()).shift_to(story.today - timedelta(days=1))
    return recording, sorted(recording.days)[-2]
