"""Money on a real database: reserved once, never more than there is, whatever runs at once."""

import asyncio
from decimal import Decimal

import pytest
from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.policy.v1 import funding_service_pb2
from city.policy.v1.events_pb2 import FundingCommitted, FundingReleased, FundingReserved
from city.policy.v1.funding_pb2 import FUNDING_KIND_BOND, FUNDING_KIND_GRANT
from stratapolis.chassis.db import TRANSIENT
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.tables.currencies import UnknownCurrency
from stratapolis.policy.domain.errors import FundingNotFound
from stratapolis.policy.rpc.funding import Funding
from stratapolis.policy.store import funding

from services.policy.tests.builders import OLGA, Layer, a_manifest, a_request, again, an_end


async def test_funding_is_reserved_committed_and_stays_committed_when_live(layer: Layer) -> None:
    await layer.found()
    source = await layer.source("1000")
    request = a_request(a_manifest(funding={source.source_id: "400"}))
    answered = await layer.answer(request)
    assert answered.outcome == pb.OUTCOME_CLEARED
    assert [(held.kind, held.reference, held.amount) for held in answered.held] == [("funding", source.source_id, "EUR 400.00")]
    assert await layer.left(source.source_id) == (400, 0, 600)
    assert (await layer.answer(again(request, stage=pb.STAGE_CONNECTING))).outcome == pb.OUTCOME_CLEARED
    assert await layer.left(source.source_id) == (0, 400, 600)
    await layer.under.deliver(an_end(request, pb.JOURNEY_STATE_LIVE))
    assert await layer.left(source.source_id) == (0, 400, 600)


async def test_what_becomes_of_money_is_said_once(layer: Layer) -> None:
    await layer.found()
    source = await layer.source("1000")
    request = a_request(a_manifest(funding={source.source_id: "400"}))
    await layer.under.deliver(request, again(request, attempt=2), again(request, stage=pb.STAGE_CONNECTING), an_end(request, pb.JOURNEY_STATE_LIVE))
    said = [event for event in await layer.under.published() if not isinstance(event, pb.StageAnswered)]
    assert [type(event) for event in said[1:]] == [FundingReserved, FundingCommitted]
    for event in said[1:]:
        assert isinstance(event, FundingReserved | FundingCommitted)
        assert (event.source_id, event.service_id, event.version, event.amount.units) == (source.source_id, request.service_id, 1, 400)


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("state", [pb.JOURNEY_STATE_REJECTED, pb.JOURNEY_STATE_WITHDRAWN])
async def test_funding_is_free_again_when_the_journey_ends_otherwise(layer: Layer, state: pb.JourneyState.ValueType, connected: bool) -> None:
    await layer.found()
    source = await layer.source("1000")
    request = a_request(a_manifest(funding={source.source_id: "400"}))
    await layer.under.deliver(request, *([again(request, stage=pb.STAGE_CONNECTING)] if connected else []), an_end(request, state))
    assert await layer.left(source.source_id) == (0, 0, 1000)
    released = [event for event in await layer.under.published() if isinstance(event, FundingReleased)]
    assert [(event.service_id, event.amount.units) for event in released] == [(request.service_id, 400)]
    late = await layer.answer(again(request, attempt=2))
    assert [reason.code for reason in late.reasons] == ["JOURNEY_ENDED"]
    assert await layer.left(source.source_id) == (0, 0, 1000)


async def test_a_refusal_reserves_nothing_of_any_source(layer: Layer) -> None:
    await layer.found()
    rich, poor = await layer.source("1000"), await layer.source("10")
    answered = await layer.answer(a_request(a_manifest(funding={rich.source_id: "400", poor.source_id: "11"})))
    assert [(reason.code, reason.field_path) for reason in answered.reasons] == [("FUNDING_EXHAUSTED", "spec.funding[1].amount")]
    assert await layer.left(rich.source_id) == (0, 0, 1000)
    assert await layer.left(poor.source_id) == (0, 0, 10)


async def test_a_second_attempt_keeps_what_is_reserved_even_of_a_source_that_is_full(layer: Layer) -> None:
    await layer.found()
    source = await layer.source("400")
    request = a_request(a_manifest(funding={source.source_id: "400"}))
    await layer.under.deliver(request)
    await layer.under.published()
    assert (await layer.answer(again(request, attempt=2))).outcome == pb.OUTCOME_CLEARED
    assert await layer.left(source.source_id) == (400, 0, 0)


async def test_connecting_without_a_reservation_is_refused(layer: Layer) -> None:
    source = await layer.source()
    request = a_request(a_manifest(funding={source.source_id: "400"}), stage=pb.STAGE_CONNECTING)
    assert [reason.code for reason in (await layer.answer(request)).reasons] == ["FUNDING_NOT_RESERVED"]


async def test_fifty_at_once_take_exactly_what_there_is_and_none_waits_for_ever(layer: Layer) -> None:
    await layer.found()
    first, second = await layer.source("1000"), await layer.source("1000")
    # Half name the sources the other way round: without one order of locks they would block each other.
    orders = [(first.source_id, second.source_id), (second.source_id, first.source_id)]
    requests = [a_request(a_manifest(funding=dict.fromkeys(orders[number % 2], "40"))) for number in range(50)]
    troubles = [trouble for trouble in await asyncio.gather(*(_deliver(layer, request) for request in requests)) if trouble]
    assert troubles == []
    answers = [said for said in await layer.under.published() if isinstance(said, pb.StageAnswered)]
    assert sorted(answer.outcome for answer in answers) == [pb.OUTCOME_CLEARED] * 25 + [pb.OUTCOME_REFUSED] * 25
    assert {reason.code for answer in answers for reason in answer.reasons} == {"FUNDING_EXHAUSTED"}
    assert await layer.left(first.source_id) == await layer.left(second.source_id) == (1000, 0, 0)
    async with layer.db.transaction(readonly=True) as tx:
        total = await tx.value("select sum(amount) from reservation where source_id = $1 and not committed", first.source_id)
    assert total == Decimal(1000)


async def _deliver(layer: Layer, request: StageRequested) -> str:
    """Deliver; the pool has fewer connections than there are requests, so one may have to come back for one. A deadlock is a trouble."""
    record = layer.under.as_record(request, sequence=1)
    for _ in range(20):
        try:
            await layer.under.apply(record)
        except TimeoutError:
            continue
        except TRANSIENT as trouble:
            return f"{record.key}: {trouble!r}"
        return ""
    return "no connection in twenty tries"


async def test_the_schema_itself_lets_no_source_be_overdrawn(layer: Layer) -> None:
    source = await layer.source("10")
    with pytest.raises(Exception, match="funding_source_check"):
        async with layer.db.transaction() as tx:
            await tx.execute("update funding_source set reserved = 6, committed = 5 where source_id = $1", source.source_id)
    assert await layer.left(source.source_id) == (0, 0, 10)


async def test_sources_are_listed_newest_first_by_page_and_kind(layer: Layer) -> None:
    made = [(await layer.source()).source_id for _ in range(5)]
    seen: list[str] = []
    token = ""
    for size in (2, 2, 2):
        async with layer.db.transaction(readonly=True) as tx:
            asked = funding_service_pb2.ListFundingSourcesRequest(page_size=size, page_token=token, kinds=[FUNDING_KIND_GRANT])
            page = await Funding().list_funding_sources(asked, layer.call(tx, OLGA))
        seen += [source.source_id for source in page.sources]
        token = page.next_page_token
    assert seen == made[::-1] and token == ""
    async with layer.db.transaction(readonly=True) as tx:
        none = await Funding().list_funding_sources(funding_service_pb2.ListFundingSourcesRequest(kinds=[FUNDING_KIND_BOND]), layer.call(tx, OLGA))
    assert list(none.sources) == []


async def test_an_unknown_source_is_not_found_and_an_unknown_currency_refused(layer: Layer) -> None:
    async with layer.db.transaction(readonly=True) as tx:
        with pytest.raises(FundingNotFound):
            await funding.get(tx, "grant-9")
    with pytest.raises(UnknownCurrency) as refused:
        await layer.source(currency="EUX")
    assert isinstance(refused.value, Refused)
