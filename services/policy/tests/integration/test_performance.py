"""Agreed metrics on a real database: missed, said once, taken back where the value was corrected."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from city.governance.v1.events_pb2 import IndicatorMeasured
from city.policy.v1 import agreement_service_pb2
from city.policy.v1.agreement_pb2 import AgreedMetric, PerformanceFailure
from city.policy.v1.events_pb2 import PerformanceFailureRaised, PerformanceFailureWithdrawn
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER, IndicatorKey, Money
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.rpc.call import Call
from stratapolis.policy import performing
from stratapolis.policy.domain.errors import MetricNotValid
from stratapolis.policy.rpc.agreements import Agreements

from services.policy.tests.builders import ADA, BEA, OLGA, Layer

NOISE = IndicatorKey(framework="city", code="noise")
TODAY = datetime.now(UTC).date()
PAST = str(TODAY - timedelta(days=3))
NUMBERS = count(1)


def a_promise(*, party: str = "acme", currency: str = "EUR", units: int = 100) -> AgreedMetric:
    return AgreedMetric(
        indicator=NOISE, direction=DIRECTION_LOWER_IS_BETTER, bound="55.5", party=party, penalty=Money(currency_code=currency, units=units)
    )  # fmt: skip


def a_value(value: str, *, period: str = PAST, revision: int = 0, scope: str = "city", code: str = "noise") -> IndicatorMeasured:
    return IndicatorMeasured(
        series=f"city/{code}/{scope}", indicator=IndicatorKey(framework="city", code=code), scope=scope, period=period,
        revision=revision or next(NUMBERS), value=value, unit="dB",
    )  # fmt: skip


async def agreed(layer: Layer, *metrics: AgreedMetric, days: int = 10, sign: bool = True) -> str:
    """An agreement of acme and the city that began some days ago; its id."""
    made = await layer.agreement(metrics=metrics or (a_promise(),), start_at=datetime.now(UTC) - timedelta(days=days))
    if sign:
        await layer.sign(made.agreement_id, "acme", ADA)
        await layer.sign(made.agreement_id, "city", OLGA)
    await layer.under.published()
    return made.agreement_id


async def failures(layer: Layer, caller: Caller = ADA, *, agreement_id: str = "", standing: bool = False, size: int = 100) -> list[PerformanceFailure]:
    found: list[PerformanceFailure] = []
    token = ""
    while True:
        async with layer.db.transaction(readonly=True) as tx:
            asked = agreement_service_pb2.ListPerformanceFailuresRequest(
                agreement_id=agreement_id, standing_only=standing, page_size=size, page_token=token
            )  # fmt: skip
            call: Call = layer.call(tx, caller)
            page = await Agreements().list_performance_failures(asked, call)
        found += page.failures
        token = page.next_page_token
        if not token:
            return found


async def test_a_missed_period_is_told_once_with_what_is_owed(layer: Layer) -> None:
    agreement_id = await agreed(layer)
    await layer.under.deliver(a_value("55.5"), a_value("60", scope="thing:x"), a_value("60", code="dust"))
    assert await layer.under.published() == []
    await layer.under.deliver(a_value("60.25"), a_value("61"))
    (told,) = await layer.under.published()
    assert isinstance(told, PerformanceFailureRaised)
    assert (told.agreement_id, told.party, told.period, told.value, told.bound, told.unit) == (agreement_id, "acme", PAST, "60.25", "55.5", "dB")
    assert (told.penalty.currency_code, told.penalty.units) == ("EUR", 100)
    (shown,) = await failures(layer)
    assert (shown.failure_id, shown.metric.bound, shown.metric.scope, shown.period) == (told.failure_id, "55.5", "city", PAST)


async def test_a_correction_takes_the_failure_back_and_another_one_raises_it_anew(layer: Layer) -> None:
    agreement_id = await agreed(layer)
    await layer.under.deliver(a_value("60"), a_value("50"), a_value("70"))
    raised, withdrawn, again = await layer.under.published()
    assert isinstance(raised, PerformanceFailureRaised) and isinstance(again, PerformanceFailureRaised)
    assert isinstance(withdrawn, PerformanceFailureWithdrawn)
    assert withdrawn == PerformanceFailureWithdrawn(
        failure_id=raised.failure_id, agreement_id=agreement_id, revision=withdrawn.revision, value="50", unit="dB"
    )  # fmt: skip
    assert raised.failure_id != again.failure_id
    assert {one.failure_id for one in await failures(layer)} == {raised.failure_id, again.failure_id}
    assert [one.failure_id for one in await failures(layer, standing=True)] == [again.failure_id]


async def test_a_period_is_judged_when_it_is_over_by_its_last_value(layer: Layer) -> None:
    await agreed(layer)
    await layer.under.deliver(a_value("70", period=str(TODAY)), a_value("40", period=str(TODAY)), a_value("65", period=str(TODAY)))
    assert await layer.under.published() == []
    for later, told in ((timedelta(0), 0), (timedelta(days=2), 1), (timedelta(days=3), 1)):
        async with layer.db.transaction() as tx:
            await performing.judge_due(tx=tx, at=tx.at + later)
        assert len(await failures(layer)) == told
    (found,) = await layer.under.published()
    assert isinstance(found, PerformanceFailureRaised) and found.value == "65"


@pytest.mark.parametrize("period", [str(TODAY - timedelta(days=11)), "2020-05", "2020"])
async def test_what_lies_before_the_term_is_not_promised(layer: Layer, period: str) -> None:
    await agreed(layer)
    await layer.under.deliver(a_value("99", period=period))
    assert await failures(layer) == []


async def test_nothing_is_promised_before_the_last_signature(layer: Layer) -> None:
    agreement_id = await agreed(layer, sign=False)
    await layer.under.deliver(a_value("99"))
    await layer.sign(agreement_id, "acme", ADA)
    await layer.sign(agreement_id, "city", OLGA)
    assert await failures(layer) == []
    await layer.under.deliver(a_value("98"))
    assert [one.value for one in await failures(layer)] == ["98"]


async def test_failures_are_shown_to_the_parties_by_page_and_to_nobody_else(layer: Layer) -> None:
    first, other = await agreed(layer), await agreed(layer)
    days = [str(TODAY - timedelta(days=n)) for n in (3, 4, 5)]
    await layer.under.deliver(*(a_value("99", period=day) for day in days))
    assert len(await failures(layer, size=2)) == len(await failures(layer, OLGA)) == 6
    assert {one.period for one in await failures(layer, agreement_id=first)} == set(days)
    assert await failures(layer, BEA) == await failures(layer, BEA, agreement_id=other) == []


@pytest.mark.parametrize("wrong", [a_promise(party="beta"), a_promise(party="city"), a_promise(units=0), a_promise(currency="USD")])
async def test_a_promise_that_cannot_be_kept_or_paid_is_refused_and_nothing_is_stored(layer: Layer, wrong: AgreedMetric) -> None:
    with pytest.raises(MetricNotValid, match=r"metrics\[1\]"):
        await layer.agreement(metrics=(a_promise(), wrong))
    async with layer.db.transaction(readonly=True) as tx:
        assert await tx.value("select count(*) from agreement") == await tx.value("select count(*) from metric") == 0
