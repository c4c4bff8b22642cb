"""Funding through a service's life: an upgrade refers to what is granted already, a changed amount is reserved beside it, a retirement frees it."""

from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.policy.v1.events_pb2 import FundingCommitted, FundingReleased, FundingReserved
from stratapolis.chassis.testing.journeys import end_of, retirement_of, upgrade_of

from services.policy.tests.builders import Layer, a_manifest, a_request, again


async def live(layer: Layer, source: str, amount: str) -> StageRequested:
    """A service that has money of a source, all the way to live."""
    request = a_request(a_manifest(funding={source: amount}))
    await layer.under.deliver(request, again(request, stage=pb.STAGE_CONNECTING), end_of(request))
    await layer.under.published()
    return request


def an_upgrade(of: StageRequested, source: str, amount: str) -> StageRequested:
    request = upgrade_of(of)
    request.stage = pb.STAGE_CLEARING
    request.manifest.CopyFrom(a_manifest(funding={source: amount} if amount else {}))
    return request


async def through(layer: Layer, request: StageRequested, state: pb.JourneyState.ValueType = pb.JOURNEY_STATE_LIVE) -> list[tuple[type, int, int]]:
    """Clear, connect and end; what is said of money."""
    await layer.under.deliver(request, again(request, stage=pb.STAGE_CONNECTING), end_of(request, state))
    await layer.under.run("let_go_drained")
    said = [event for event in await layer.under.published() if isinstance(event, FundingReserved | FundingCommitted | FundingReleased)]
    return [(type(event), event.version, event.amount.units) for event in said]


async def test_an_upgrade_that_asks_for_the_same_money_reserves_nothing_and_has_it_when_it_is_live(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    first = await live(layer, source, "600")
    second = an_upgrade(first, source, "600")
    answered = await layer.answer(second)
    assert answered.outcome == pb.OUTCOME_CLEARED
    assert [(held.kind, held.reference, held.amount) for held in answered.held] == [("funding", source, "EUR 600.00")]
    assert await layer.left(source) == (0, 600, 400)
    assert await through(layer, second) == []
    assert await layer.left(source) == (0, 600, 400)
    await layer.under.deliver(retirement_of(second))
    assert await layer.left(source) == (0, 0, 1000)


async def test_an_upgrade_that_asks_for_another_amount_reserves_it_and_lets_the_old_go_at_the_end(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    first = await live(layer, source, "400")
    second = an_upgrade(first, source, "500")
    await layer.under.deliver(second)
    assert await layer.left(source) == (500, 400, 100)
    assert await through(layer, second) == [(FundingReserved, 2, 500), (FundingCommitted, 2, 500), (FundingReleased, 1, 400)]
    assert await layer.left(source) == (0, 500, 500)


async def test_an_upgrade_whose_changed_amount_does_not_fit_beside_the_old_one_is_refused(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    second = an_upgrade(await live(layer, source, "600"), source, "700")
    assert [reason.code for reason in (await layer.answer(second)).reasons] == ["FUNDING_EXHAUSTED"]
    assert await layer.left(source) == (0, 600, 400)


async def test_an_upgrade_that_asks_for_no_money_lets_the_old_go(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    second = an_upgrade(await live(layer, source, "600"), source, "")
    assert await through(layer, second) == [(FundingReleased, 1, 600)]
    assert await layer.left(source) == (0, 0, 1000)


async def test_a_failed_upgrade_leaves_the_money_with_the_live_version(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    first = await live(layer, source, "600")
    for version, amount, state in ((2, "600", pb.JOURNEY_STATE_REJECTED), (3, "300", pb.JOURNEY_STATE_WITHDRAWN)):
        failing = an_upgrade(first, source, amount)
        failing.version = version
        await through(layer, failing, state)
        assert await layer.left(source) == (0, 600, 400)


async def test_what_is_carried_needs_no_running_term_of_its_source(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    first = await live(layer, source, "600")
    async with layer.db.transaction() as tx:
        await tx.execute("update funding_source set start_at = now() - interval '9 days', end_at = now() - interval '1 day'")
    assert (await layer.answer(an_upgrade(first, source, "600"))).outcome == pb.OUTCOME_CLEARED


async def test_a_retirement_while_an_upgrade_carries_frees_the_money_once(layer: Layer) -> None:
    await layer.found()
    source = (await layer.source("1000")).source_id
    first = await live(layer, source, "600")
    second = an_upgrade(first, source, "600")
    await layer.under.deliver(second, end_of(second, pb.JOURNEY_STATE_WITHDRAWN), retirement_of(first))
    assert await layer.left(source) == (0, 0, 1000)
