"""What the platform measures itself by, on a real database: counted again from its records, by days of the city's zone."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from city.governance.v1 import indicator_service_pb2 as pb
from city.governance.v1 import journey_service_pb2
from city.governance.v1.events_pb2 import IndicatorMeasured, IndicatorOffTarget, IndicatorRecovered, StageRequested
from city.journey.v1 import journey_pb2
from city.types.v1.types_pb2 import IndicatorKey
from city.value_catalog.v1.events_pb2 import RequestOpened, RequestOverdue, RequestUpdated
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.wiring import app

from services.governance.tests.integration.asking import OFFICER, Asking, a_person, an_answer
from services.governance.tests.integration.paying import COURSE, a_paid_service, a_use, subscribe

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, OTHER = "service-one", "service-other"


@pytest.fixture
async def berlin(make_database: Any) -> Asking:
    """Governance of a city whose days begin two hours before UTC's in summer."""
    return Asking(AppUnderTest(app(COURSE, timedelta(hours=48), zone="Europe/Berlin"), await make_database("governance")))


async def measured(asking: Asking, code: str, scope: str = "city") -> list[tuple[str, int, str, int]]:
    """Every revision of an own indicator, after the job has run: period, revision, value, what it rests on."""
    await asking.city.run("measure_platform")
    request = pb.ListMeasurementsRequest(key=IndicatorKey(framework="city", code=code), scope=scope)
    found = (await asking("list_measurements", request, a_person("ada"))).measurements
    return [(one.period, one.revision, one.value, one.observations) for one in found]


def opened(case_id: str, *, service_id: str = ONE, due: datetime = NOON) -> RequestOpened:
    return RequestOpened(service_id=service_id, case_id=case_id, due_time=to_timestamp(due), opened_time=to_timestamp(due - 48 * HOUR))


def updated(case_id: str, at: datetime, state: str = "closed", *, service_id: str = ONE, due: datetime = NOON) -> RequestUpdated:
    return RequestUpdated(service_id=service_id, case_id=case_id, state=state, due_time=to_timestamp(due), update_time=to_timestamp(at))


def overdue(case_id: str, *, service_id: str = ONE, due: datetime = NOON) -> RequestOverdue:
    return RequestOverdue(service_id=service_id, case_id=case_id, due_time=to_timestamp(due))


async def test_requests_are_judged_once_in_time_when_answered_and_missed_when_due(asking: Asking) -> None:
    await asking.city.deliver(opened("a"), opened("b"), opened("c", service_id=OTHER))
    assert await measured(asking, "requests_closed_on_time") == []
    await asking.city.deliver(updated("a", NOON - HOUR, "acknowledged"), updated("a", NOON))
    assert await measured(asking, "requests_closed_on_time") == [("2026-05-20", 1, "100", 1)]
    await asking.city.deliver(overdue("b"), updated("c", NOON - HOUR, "refused", service_id=OTHER))
    assert await measured(asking, "requests_closed_on_time") == [("2026-05-20", 2, "66.666666667", 3), ("2026-05-20", 1, "100", 1)]
    assert await measured(asking, "requests_closed_on_time", f"service:{ONE}") == [("2026-05-20", 2, "50", 2), ("2026-05-20", 1, "100", 1)]
    assert await measured(asking, "requests_closed_on_time", f"service:{OTHER}") == [("2026-05-20", 1, "100", 1)]
    await asking.city.deliver(updated("b", NOON + 30 * HOUR))
    assert len(await measured(asking, "requests_closed_on_time")) == 2


async def test_a_late_answer_is_a_miss_even_where_nobody_said_that_it_was_overdue(asking: Asking) -> None:
    await asking.city.deliver(updated("a", NOON + 30 * HOUR))
    assert await measured(asking, "requests_closed_on_time") == [("2026-05-20", 1, "0", 1)]


async def test_an_answer_in_time_stays_in_time_whatever_is_heard_after_it(asking: Asking) -> None:
    await asking.city.deliver(updated("a", NOON - 24 * HOUR), overdue("a"))
    assert await measured(asking, "requests_closed_on_time") == [("2026-05-19", 1, "100", 1)]


async def test_uses_are_counted_by_service_and_for_the_city_and_doubles_are_not(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    subscription = await subscribe(asking, service_id, plan="free", at=NOON - 48 * HOUR)
    for number in range(3):
        await asking.city.deliver(a_use(service_id, subscription, use_id=f"use-{number}", quantity=5, at=NOON))
    assert await measured(asking, "uses") == [("2026-05-20", 1, "3", 3)]
    await asking.city.deliver(a_use(service_id, subscription, use_id="use-0", at=NOON))
    await asking.city.deliver(a_use(service_id, subscription, use_id="late", at=NOON - 24 * HOUR))
    await asking.city.deliver(a_use(service_id, subscription, use_id="more", at=NOON))
    wanted = [("2026-05-20", 2, "4", 4), ("2026-05-20", 1, "3", 3), ("2026-05-19", 1, "1", 1)]
    assert await measured(asking, "uses") == wanted == await measured(asking, "uses", f"service:{service_id}")


async def test_a_day_is_the_citys_own(berlin: Asking) -> None:
    service_id = await a_paid_service(berlin)
    subscription = await subscribe(berlin, service_id, plan="free", at=NOON - 48 * HOUR)
    midnight = datetime(2026, 5, 19, 22, tzinfo=UTC)
    for moment in (midnight - timedelta(microseconds=1), midnight, midnight + 24 * HOUR - timedelta(microseconds=1), midnight + 24 * HOUR):
        await berlin.city.deliver(a_use(service_id, subscription, at=moment))
    assert [(period, value) for period, _, value, _ in await measured(berlin, "uses")] == [("2026-05-21", "1"), ("2026-05-20", "2"), ("2026-05-19", "1")]


async def test_a_day_has_23_to_25_hours(berlin: Asking) -> None:
    service_id = await a_paid_service(berlin)
    subscription = await subscribe(berlin, service_id, plan="free", at=datetime(2026, 3, 1, tzinfo=UTC))
    for hour in range(24 * 3):
        await berlin.city.deliver(a_use(service_id, subscription, at=datetime(2026, 3, 28, tzinfo=UTC) + hour * HOUR))
        await berlin.city.deliver(a_use(service_id, subscription, at=datetime(2026, 10, 24, tzinfo=UTC) + hour * HOUR))
    found = {period: value for period, _, value, _ in await measured(berlin, "uses")}
    assert (found["2026-03-29"], found["2026-10-25"]) == ("23", "25")


async def test_onboarding_is_the_median_of_the_days_journeys_and_a_withdrawal_counts_nowhere(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await asking.propose(member)
    await asking.go_live(journey.journey_id)
    ended = await asking.journey(journey.journey_id)
    took = (ended.ended_time.ToDatetime() - ended.proposed_time.ToDatetime()).total_seconds()
    other = await asking.a_member("Paper Boats", "founder-2")
    refused = await asking.propose(other)
    for event in await asking.city.published():
        if isinstance(event, StageRequested) and event.journey_id == refused.journey_id:
            for layer in event.layers:
                await asking.city.deliver(an_answer(event, layer, journey_pb2.Reason(layer=layer, code="NO", message="no")), writer=layer)
    third = await asking.propose(await asking.a_member("Tin Soldiers", "founder-3"))
    asked = journey_service_pb2.WithdrawProposalRequest(request_id=new_id(), journey_id=third.journey_id)
    await asking("withdraw_proposal", asked, OFFICER)
    today = ended.ended_time.ToDatetime().date().isoformat()
    ((period, _, value, count),) = await measured(asking, "time_to_onboard")
    assert (period, count) == (today, 1) and float(value) == pytest.approx(took)
    assert await measured(asking, "proposals_live_share") == [(today, 1, "50", 2)]
    assert await measured(asking, "proposals_live_share", f"service:{refused.service_id}") == [(today, 1, "0", 1)]
    assert await measured(asking, "time_to_onboard", f"service:{refused.service_id}") == []


async def test_an_own_indicator_misses_and_meets_the_target_that_an_officer_set(asking: Asking) -> None:
    request = pb.SetTargetRequest(
        request_id=new_id(), key=IndicatorKey(framework="city", code="requests_closed_on_time"), value="90", source="the council's word", scope="city"
    )
    await asking("set_target", request, OFFICER)
    await asking.city.deliver(overdue("a"))
    await asking.city.run("measure_platform")
    await asking.city.deliver(updated("b", NOON + 24 * HOUR, due=NOON + 48 * HOUR))
    await asking.city.run("measure_platform")
    events = await asking.city.published()
    turns = [(type(event), event.scope, event.period) for event in events if isinstance(event, IndicatorOffTarget | IndicatorRecovered)]
    assert turns == [(IndicatorOffTarget, "city", "2026-05-20"), (IndicatorRecovered, "city", "2026-05-21")]
    assert sum(isinstance(event, IndicatorMeasured) for event in events) == 4


async def test_what_is_being_marked_just_now_is_left_for_the_next_run(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    subscription = await subscribe(asking, service_id, plan="free", at=NOON - HOUR)
    await asking.city.deliver(a_use(service_id, subscription, at=NOON))
    record = asking.city.as_record(a_use(service_id, subscription, at=NOON))
    inbox = asking.city._inbox
    async with asking.city.db.transaction() as tx, asyncio.timeout(10):
        await inbox.apply(tx, [record])
        assert await measured(asking, "uses") == []
    assert await measured(asking, "uses") == [("2026-05-20", 1, "2", 2)]


async def test_a_run_takes_so_many_marks_and_the_next_one_goes_on(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratapolis.governance.jobs.MARKS_AT_ONCE", 2)
    for number in range(5):
        await asking.city.deliver(overdue(f"case-{number}", service_id=f"service-{number}"))
    for _ in range(2):
        await asking.city.run("measure_platform")
    assert await measured(asking, "requests_closed_on_time", "service:service-4") == [("2026-05-20", 1, "0", 1)]
    async with asking.city.db.transaction() as tx:
        assert await tx.value("select count(*) from to_measure") == 0
