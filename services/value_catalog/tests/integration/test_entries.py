"""What an entry shows, and how what the other layers say changes it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked
from city.governance.v1.events_pb2 import IndicatorMeasured
from city.infrastructure.v1.events_pb2 import DeploymentDegraded, DeploymentFailed, DeploymentReady, DeploymentRecovered
from city.manifest.v1.manifest_pb2 import MODEL_PAY_PER_USE, WCAG_LEVEL_AA, DataUse, Outcome
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER, SIDE_OFF_TARGET, SIDE_ON_TARGET, SIDE_UNSPECIFIED, IndicatorKey, Place, Share
from city.value_catalog.v1 import entry_pb2
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest, ListOutcomesRequest, ListServicesRequest, SearchServicesRequest
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_timestamp
from stratapolis.value_catalog.domain.errors import ServiceNotFound

from services.value_catalog.tests.builders import AIR, HARBOUR, ON_TIME, Layer, a_manifest

LATER = datetime(2100, 1, 1, tzinfo=UTC)


async def entry(layer: Layer, service_id: str) -> entry_pb2.Entry:
    return (await layer.call(layer.catalog.get_service, GetServiceRequest(service_id=service_id))).entry  # type: ignore[no-any-return]


def a_value(
    value: str, *, period: str = "2026-01-31", revision: int = 1, scope: str = "city", indicator: IndicatorKey = AIR, unit: str = "ug/m3", **more: Any
) -> IndicatorMeasured:
    series = "|".join((indicator.framework, indicator.code, indicator.measure, scope))
    return IndicatorMeasured(
        series=series, indicator=indicator, scope=scope, period=period, revision=revision, value=value, unit=unit, target="15",
        measured_time=to_timestamp(datetime(2026, 2, 1, tzinfo=UTC)), **more,
    )  # fmt: skip


async def test_an_entry_shows_what_its_manifest_declares(layer: Layer) -> None:
    use = DataUse(product="beijing-air", purpose="warn of bad air", end="2027-01-01")
    manifest = a_manifest(model=MODEL_PAY_PER_USE, data=[use], place=Place(latitude=52.5, longitude=13.4), answer_within_hours=48)
    manifest.spec.price.plans[0].tiers.add(up_to=0, unit_price="0.10")
    manifest.spec.partnership.agreement = "agreement-7"
    (service_id,) = await layer.publish(manifest)
    shown = await entry(layer, service_id)
    assert (shown.title, shown.description, shown.category, shown.name) == ("Air quality alert", manifest.metadata.description, "environment", "air-alert")
    assert list(shown.stakeholders) == list(manifest.spec.stakeholders)
    assert shown.price == manifest.spec.price and not shown.free
    assert shown.agreement == "agreement-7" and list(shown.shares) == [Share(party=HARBOUR, basis_points=10_000)]
    assert [(one.product, one.purpose, one.state) for one in shown.data] == [("beijing-air", "warn of bad air", entry_pb2.GRANT_STATE_DECLARED)]
    assert shown.accessibility.wcag_level == WCAG_LEVEL_AA
    assert (shown.place.latitude, shown.place.longitude, shown.answer_within_hours) == (52.5, 13.4, 48)
    assert shown.status == entry_pb2.SERVICE_STATUS_LIVE and shown.endpoint == "http://127.0.0.1:7301"
    assert (shown.rating.count, shown.rating.average) == (0, 0.0)


async def test_what_is_not_measured_says_so(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    (outcome,) = (await entry(layer, service_id)).outcomes
    assert (outcome.name, outcome.target, outcome.reading) == ("cleaner lungs", "15", "not measured")
    assert not outcome.HasField("measured")


async def test_the_newest_value_of_the_city_is_shown_with_its_unit(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    await layer.under.deliver(a_value("40", period="2026-01-30"), a_value("12.50"))
    (outcome,) = (await entry(layer, service_id)).outcomes
    assert outcome.reading == "12.5 ug/m3"
    assert (outcome.measured.value, outcome.measured.period, outcome.measured.scope, outcome.measured.city_target) == ("12.50", "2026-01-31", "city", "15")


async def test_a_correction_wins_and_a_late_value_of_an_older_period_does_not(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    await layer.under.deliver(a_value("12"), a_value("13", revision=2), a_value("99", period="2026-01-30", revision=5), a_value("7", scope="thing:a"))
    (outcome,) = (await entry(layer, service_id)).outcomes
    assert outcome.reading == "13 ug/m3" and outcome.measured.revision == 2
    assert await layer.count("measured") == 1, "what a single thing measures is not kept"


async def test_doubles_and_older_revisions_under_new_events_change_nothing(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    for value, revision in (("12", 1), ("13", 2), ("13", 2), ("12", 1)):
        await layer.under.deliver(a_value(value, revision=revision))
    (outcome,) = (await entry(layer, service_id)).outcomes
    assert (outcome.measured.value, outcome.measured.revision) == ("13", 2)
    assert await layer.count("measured") == 1


async def test_an_outcome_says_the_side_of_its_own_target_or_else_of_the_citys(layer: Layer) -> None:
    strict = a_manifest(outcomes=[Outcome(name="clean air", indicator=AIR, target="10")])
    plain = a_manifest(outcomes=[Outcome(name="clean air", indicator=AIR)])
    own, citys = await layer.publish(strict, plain)
    assert [(await entry(layer, one)).outcomes[0].side for one in (own, citys)] == [SIDE_UNSPECIFIED, SIDE_UNSPECIFIED]
    await layer.under.deliver(a_value("12", side=SIDE_ON_TARGET, direction=DIRECTION_LOWER_IS_BETTER))
    outcomes = [(await entry(layer, one)).outcomes[0] for one in (own, citys)]
    assert [one.side for one in outcomes] == [SIDE_OFF_TARGET, SIDE_ON_TARGET]
    assert [(one.measured.side, one.measured.direction) for one in outcomes] == [(SIDE_ON_TARGET, DIRECTION_LOWER_IS_BETTER)] * 2
    await layer.under.deliver(a_value("16", revision=2, side=SIDE_OFF_TARGET, direction=DIRECTION_LOWER_IS_BETTER))
    (promised,) = (await layer.call(layer.catalog.list_outcomes, ListOutcomesRequest())).outcomes
    assert (promised.measured.side, promised.reading) == (SIDE_OFF_TARGET, "16 ug/m3")


async def test_lists_and_searches_show_the_same_live_values(layer: Layer) -> None:
    ids = await layer.publish(*[a_manifest(title=f"Air alert {number}") for number in range(5)])
    await layer.under.deliver(a_value("12", side=SIDE_ON_TARGET, direction=DIRECTION_LOWER_IS_BETTER), a_value("9", scope=f"service:{ids[0]}"))
    wanted = {service_id: (await entry(layer, service_id)).outcomes[0] for service_id in ids}
    listed = (await layer.call(layer.catalog.list_services, ListServicesRequest())).entries
    found = (await layer.call(layer.catalog.search_services, SearchServicesRequest(query="air"))).found
    assert {one.service_id: one.outcomes[0] for one in listed} == wanted == {one.entry.service_id: one.entry.outcomes[0] for one in found}
    assert [wanted[service_id].reading for service_id in ids] == ["9 ug/m3", *["12 ug/m3"] * 4]


async def test_a_title_with_a_dash_finds_itself_and_a_dash_before_a_word_leaves_it_out(layer: Layer) -> None:
    flooding, fire = await layer.publish(a_manifest(title="Civil emergencies - flooding"), a_manifest(title="Civil emergencies - fire"))

    async def found(query: str) -> set[str]:
        return {one.entry.service_id for one in (await layer.call(layer.catalog.search_services, SearchServicesRequest(query=query))).found}

    assert await found("Civil emergencies - flooding") == await found("civil – flooding") == {flooding}
    assert await found("civil emergencies") == {flooding, fire}
    assert await found("civil -flooding") == {fire}


async def test_a_services_own_value_is_shown_before_the_citys(layer: Layer) -> None:
    manifest = a_manifest(outcomes=[Outcome(name="quick answers", indicator=ON_TIME), Outcome(name="clean air", indicator=AIR)])
    mine, other = await layer.publish(manifest, manifest)
    await layer.under.deliver(
        a_value("80", indicator=ON_TIME, unit="%"), a_value("95.0", indicator=ON_TIME, unit="%", scope=f"service:{mine}"), a_value("100", unit="1")
    )
    assert [one.reading for one in (await entry(layer, mine)).outcomes] == ["95 %", "100"]
    assert [one.reading for one in (await entry(layer, other)).outcomes] == ["80 %", "100"]


async def test_a_value_that_is_no_decimal_is_a_dead_letter(layer: Layer) -> None:
    with pytest.raises(Permanent, match="no decimal"):
        await layer.under.deliver(a_value("NaN"))


async def test_grants_and_revocations_change_what_is_said_of_data(layer: Layer) -> None:
    use = DataUse(product="beijing-air", purpose="warn of bad air", end="2027-01-01")
    (service_id,) = await layer.publish(a_manifest(data=[use]))
    granted = DataContractGranted(contract_id="c-1", product="beijing-air", service_id=service_id, purpose="warn of bad air", end_time=to_timestamp(LATER))
    by_hand = DataContractGranted(contract_id="c-2", product="berlin-traffic", service_id=service_id, purpose="plan detours", end_time=to_timestamp(LATER))
    past = DataContractGranted(
        contract_id="c-3", product="weather", service_id=service_id, purpose="forecast", end_time=to_timestamp(datetime.now(UTC) - timedelta(days=1))
    )
    await layer.under.deliver(granted, by_hand, past)
    states = {(one.product, one.contract_id): one.state for one in (await entry(layer, service_id)).data}
    assert states == {
        ("beijing-air", "c-1"): entry_pb2.GRANT_STATE_GRANTED,
        ("berlin-traffic", "c-2"): entry_pb2.GRANT_STATE_GRANTED,
        ("weather", "c-3"): entry_pb2.GRANT_STATE_ENDED,
    }
    await layer.under.deliver(DataContractRevoked(contract_id="c-1", product="beijing-air", service_id=service_id, reason="withdrawn"))
    first = (await entry(layer, service_id)).data[0]
    assert (first.product, first.state) == ("beijing-air", entry_pb2.GRANT_STATE_ENDED)


async def test_the_status_follows_the_software(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    about: dict[str, Any] = {"service_id": service_id, "version": 1}
    await layer.under.deliver(DeploymentReady(**about, endpoint="http://127.0.0.1:7311"))
    assert (await entry(layer, service_id)).endpoint == "http://127.0.0.1:7311"
    await layer.under.deliver(DeploymentDegraded(**about, message="no answer for 3 s"))
    shown = await entry(layer, service_id)
    assert (shown.status, shown.status_message) == (entry_pb2.SERVICE_STATUS_DEGRADED, "no answer for 3 s")
    assert shown.endpoint == "http://127.0.0.1:7311"
    await layer.under.deliver(DeploymentRecovered(**about, endpoint="http://127.0.0.1:7312"))
    shown = await entry(layer, service_id)
    assert (shown.status, shown.status_message, shown.endpoint) == (entry_pb2.SERVICE_STATUS_LIVE, "", "http://127.0.0.1:7312")
    await layer.under.deliver(DeploymentFailed(**about, message="died five times"))
    assert (await entry(layer, service_id)).status == entry_pb2.SERVICE_STATUS_DEGRADED


async def test_outcomes_are_listed_with_the_services_that_promise_them(layer: Layer) -> None:
    both = [Outcome(name="fresh air", indicator=AIR), Outcome(name="quick answers", indicator=ON_TIME)]
    await layer.publish(a_manifest(), a_manifest(outcomes=both), a_manifest())
    await layer.under.deliver(a_value("12"), a_value("50", indicator=ON_TIME, scope="service:x"))
    first = await layer.call(layer.catalog.list_outcomes, ListOutcomesRequest(page_size=1))
    second = await layer.call(layer.catalog.list_outcomes, ListOutcomesRequest(page_size=1, page_token=first.next_page_token))
    assert [(one.indicator, list(one.names), one.services, one.reading) for one in (*first.outcomes, *second.outcomes)] == [
        (ON_TIME, ["quick answers"], 1, "not measured"),
        (AIR, ["cleaner lungs", "fresh air"], 3, "12 ug/m3"),
    ]
    assert first.next_page_token and not second.next_page_token


async def test_an_unknown_service_is_not_found(layer: Layer) -> None:
    with pytest.raises(ServiceNotFound):
        await layer.call(layer.catalog.get_service, GetServiceRequest(service_id="nowhere"))
