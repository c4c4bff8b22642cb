"""Indicators on a real database: what data computes and officers record, what is said, shown and refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from city.data.v1.events_pb2 import IndicatorComputed
from city.governance.v1 import indicator_pb2
from city.governance.v1 import indicator_service_pb2 as pb
from city.governance.v1.events_pb2 import IndicatorMeasured, IndicatorOffTarget, IndicatorRecovered
from city.journey.v1 import journey_pb2
from city.types.v1 import types_pb2
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import InvalidField, Permanent, Refused
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain import errors
from stratapolis.governance.tables.indicators import UnknownIndicator

from services.governance.tests.integration.asking import OFFICER, Asking, a_manifest, a_person

PM25 = types_pb2.IndicatorKey(framework="u4ssc", code="EN: EN: AQ: 1C", measure="PM 2.5")
TREES = types_pb2.IndicatorKey(framework="city", code="trees_planted")
USES = types_pb2.IndicatorKey(framework="city", code="uses")
SCHOOLS = types_pb2.IndicatorKey(framework="u4ssc", code="SC: EH: ED: 4C")
ADA = a_person("ada")
ON, OFF = types_pb2.SIDE_ON_TARGET, types_pb2.SIDE_OFF_TARGET


def computed(value: str, period: str = "2026-01-30", revision: int = 1, *, scope: str = "city", unit: str = "ug/m3", **more: Any) -> IndicatorComputed:
    key = more.pop("indicator", PM25)
    series = "/".join((key.framework, key.code, key.measure, scope))
    return IndicatorComputed(
        series=series, indicator=key, scope=scope, period=period, revision=revision, value=value, unit=unit, observations=24,
        computed_time=to_timestamp(datetime(2026, 2, 1, tzinfo=UTC)), **more,
    )  # fmt: skip


async def first(asking: Asking, event: IndicatorComputed) -> None:
    """Deliver the first event of its series, as often as it takes."""
    await asking.city.apply(asking.city.as_record(event, sequence=1))


async def define(asking: Asking, key: types_pb2.IndicatorKey = TREES, name: str = "Trees planted", unit: str = "{tree}", **more: Any) -> Any:
    asked: dict[str, Any] = {
        "direction": types_pb2.DIRECTION_HIGHER_IS_BETTER,
        "period_length": indicator_pb2.PERIOD_LENGTH_MONTH,
        "source": "the parks department",
    } | more
    return (await asking("define_indicator", pb.DefineIndicatorRequest(request_id=new_id(), key=key, name=name, unit=unit, **asked), OFFICER)).indicator


async def record(asking: Asking, value: str, period: str = "2026-01", key: types_pb2.IndicatorKey = TREES, unit: str = "{tree}", scope: str = "") -> Any:
    asked = pb.RecordMeasurementRequest(request_id=new_id(), key=key, value=value, unit=unit, period=period, scope=scope)
    return (await asking("record_measurement", asked, OFFICER)).measurement


async def target(asking: Asking, value: str, key: types_pb2.IndicatorKey = TREES, scope: str = "") -> Any:
    asked = pb.SetTargetRequest(request_id=new_id(), key=key, value=value, source="the council's plan", scope=scope)
    return (await asking("set_target", asked, OFFICER)).indicator


async def shown(asking: Asking, key: types_pb2.IndicatorKey = PM25, scope: str = "") -> indicator_pb2.Indicator:
    found = (await asking("list_indicators", pb.ListIndicatorsRequest(framework=key.framework, scope=scope, page_size=500), ADA)).indicators
    (one,) = (indicator for indicator in found if indicator.key == key)
    return one  # type: ignore[no-any-return]


async def values(asking: Asking, key: types_pb2.IndicatorKey = PM25, scope: str = "") -> list[tuple[str, int, str]]:
    found = (await asking("list_measurements", pb.ListMeasurementsRequest(key=key, scope=scope), ADA)).measurements
    return [(one.period, one.revision, one.value) for one in found]


async def said(asking: Asking, *kinds: type) -> list[Any]:
    return [event for event in await asking.city.published() if isinstance(event, kinds)]


async def test_what_data_computes_is_measured_judged_and_said(asking: Asking) -> None:
    assert (await shown(asking)).reading == "not measured"
    await asking.city.deliver(computed("78.250000000"))
    measured, off = await said(asking, IndicatorMeasured, IndicatorOffTarget)
    assert (measured.scope, measured.period, measured.revision, measured.value, measured.unit) == ("city", "2026-01-30", 1, "78.25", "ug/m3")
    assert (measured.target, measured.side, measured.direction) == ("15", OFF, types_pb2.DIRECTION_LOWER_IS_BETTER)
    assert (off.series, off.period, off.value, off.target, off.unit) == (measured.series, "2026-01-30", "78.25", "15", "ug/m3")
    one = await shown(asking)
    assert (one.reading, one.newest.side, one.newest.observations, one.trend) == ("78.25 ug/m3", OFF, 24, indicator_pb2.TREND_UNSPECIFIED)
    assert one.target.value == "15" and "WHO" in one.target.source and not one.target.HasField("set_time")


async def test_a_day_that_meets_the_target_recovers_and_the_trend_says_so(asking: Asking) -> None:
    await asking.city.deliver(computed("78"), computed("9", "2026-01-31"))
    assert [(type(event), event.period) for event in await said(asking, IndicatorOffTarget, IndicatorRecovered)] == [
        (IndicatorOffTarget, "2026-01-30"),
        (IndicatorRecovered, "2026-01-31"),
    ]
    one = await shown(asking)
    assert (one.newest.period, one.newest.side, one.trend) == ("2026-01-31", ON, indicator_pb2.TREND_BETTER)
    (excursion,) = (await asking("list_excursions", pb.ListExcursionsRequest(key=PM25, scope="city"), ADA)).excursions
    assert (excursion.period, excursion.value, excursion.target, excursion.recovered_period, excursion.recovered_value) == (
        "2026-01-30", "78", "15", "2026-01-31", "9",
    )  # fmt: skip
    assert (await asking("list_excursions", pb.ListExcursionsRequest(open_only=True), ADA)).excursions == []


async def test_a_correction_is_the_next_revision_and_doubles_are_nothing(asking: Asking) -> None:
    await asking.city.deliver(computed("20"))
    await asking.city.deliver(computed("20"), computed("12", revision=2), computed("12", revision=2), computed("20"))
    assert await values(asking) == [("2026-01-30", 2, "12"), ("2026-01-30", 1, "20")]
    kinds = [type(event) for event in await said(asking, IndicatorMeasured, IndicatorOffTarget, IndicatorRecovered)]
    assert kinds == [IndicatorMeasured, IndicatorOffTarget, IndicatorMeasured, IndicatorRecovered]


async def test_a_late_revision_of_an_older_day_changes_the_trend_and_says_no_side(asking: Asking) -> None:
    await asking.city.deliver(computed("10"), computed("11", "2026-01-31"))
    assert (await shown(asking)).trend == indicator_pb2.TREND_WORSE
    await said(asking)
    await asking.city.deliver(computed("99", revision=2))
    assert [type(event) for event in await said(asking, IndicatorMeasured, IndicatorOffTarget)] == [IndicatorMeasured]
    one = await shown(asking)
    assert (one.newest.value, one.trend) == ("11", indicator_pb2.TREND_BETTER)


async def test_scopes_are_series_of_their_own(asking: Asking) -> None:
    await asking.city.deliver(computed("20", scope="thing:station-1"), computed("10"))
    (off,) = await said(asking, IndicatorOffTarget)
    assert off.scope == "thing:station-1"
    assert (await shown(asking, scope="thing:station-1")).newest.value == "20"
    assert (await shown(asking)).newest.value == "10"
    assert (await shown(asking, scope="thing:station-2")).reading == "not measured"


async def test_what_is_no_value_of_the_indicator_is_a_dead_letter(asking: Asking) -> None:
    for wrong in (
        computed("NaN"), computed("1", "2026-02-30"), computed("1", "2026-01"), computed("1", scope="moon"), computed("1", revision=0), computed("1e3"),
    ):  # fmt: skip
        with pytest.raises(Permanent, match="no value"):
            await first(asking, wrong)
    with pytest.raises(errors.WrongUnit):
        await first(asking, computed("1", unit="mg/m3"))
    with pytest.raises(UnknownIndicator):
        await first(asking, computed("1", indicator=types_pb2.IndicatorKey(framework="u4ssc", code="XX")))
    assert await values(asking) == []


async def test_an_indicator_that_nobody_has_defined_waits_for_its_definition(asking: Asking) -> None:
    event = computed("92.5", "2026", indicator=SCHOOLS, unit="%")
    with pytest.raises(errors.IndicatorNotDefined):
        await first(asking, event)
    await define(asking, SCHOOLS, name="", unit="%", period_length=indicator_pb2.PERIOD_LENGTH_YEAR)
    await first(asking, event)
    assert (await shown(asking, SCHOOLS)).reading == "92.5 %"


async def test_an_officer_defines_targets_and_records(asking: Asking) -> None:
    assert (await define(asking)).reading == "not measured"
    assert (await target(asking, "100")).target.source == "the council's plan"
    first = await record(asking, "80", "2025-12")
    assert (first.side, first.target, first.recorded_by, first.observations) == (OFF, "100", "officer-1", 0)
    assert (await record(asking, "120")).side == ON
    assert (await record(asking, "120.0")).revision == 1
    assert (await record(asking, "121")).revision == 2
    one = await shown(asking, TREES)
    assert (one.name, one.dimension, one.reading, one.trend) == ("Trees planted", "The city's own", "121 {tree}", indicator_pb2.TREND_BETTER)
    assert await values(asking, TREES) == [("2026-01", 2, "121"), ("2026-01", 1, "120"), ("2025-12", 1, "80")]


async def test_figures_recorded_at_once_are_revisions_one_after_the_other(asking: Asking) -> None:
    await define(asking)
    await target(asking, "100")
    await asyncio.gather(*(record(asking, str(number)) for number in range(90, 110)))
    found = await values(asking, TREES)
    assert [revision for _, revision, _ in found] == list(range(20, 0, -1))
    assert {value for *_, value in found} == {str(number) for number in range(90, 110)}
    measured = await said(asking, IndicatorMeasured)
    assert [(event.revision, event.value) for event in measured] == [(revision, value) for _, revision, value in reversed(found)]
    excursions = (await asking("list_excursions", pb.ListExcursionsRequest(), ADA)).excursions
    assert len(excursions) <= 1, "a period goes off once, however often its figure goes to and fro"


async def test_a_target_is_for_periods_measured_after_it(asking: Asking) -> None:
    await define(asking)
    await record(asking, "80")
    await target(asking, "100")
    corrected = await record(asking, "70")
    assert (corrected.revision, corrected.side, corrected.target) == (2, types_pb2.SIDE_UNSPECIFIED, "")
    assert (await record(asking, "70", "2026-02")).side == OFF


async def test_a_scopes_own_target_goes_before_the_one_for_every_scope(asking: Asking) -> None:
    await target(asking, "50", PM25)
    await target(asking, "30", PM25, scope="thing:a")
    await target(asking, "40", PM25)
    await asking.city.deliver(computed("35", scope="thing:a"), computed("35", scope="thing:b"))
    assert {event.scope: (event.target, event.side) for event in await said(asking, IndicatorMeasured)} == {"thing:a": ("30", OFF), "thing:b": ("40", ON)}
    assert (await shown(asking, scope="thing:a")).target.value == "30"


async def test_the_scorecard_counts_what_is_known_measured_and_on_target(asking: Asking) -> None:
    await asking.city.deliver(computed("20"), computed("10", scope="thing:a"))
    await define(asking)
    await record(asking, "5")
    card = await asking("get_scorecard", pb.GetScorecardRequest(), ADA)
    found = {one.name: (one.known, one.measured, one.on_target, one.off_target) for one in card.dimensions}
    assert found["Environment"] == (28 + 8, 1, 0, 1)
    assert found["The city's own"] == (5, 1, 0, 0)
    assert sum(known for known, *_ in found.values()) == 111 + 100 + 5
    assert [one.key for dimension in card.dimensions for one in dimension.indicators] == [PM25, TREES]
    own = await asking("get_scorecard", pb.GetScorecardRequest(scope="thing:a"), ADA)
    assert [(one.on_target, one.measured) for one in own.dimensions if one.measured] == [(1, 1)]


async def test_indicators_are_paged_by_key_and_may_be_kept_to_what_is_measured(asking: Asking) -> None:
    await asking.city.deliver(computed("20"))
    request, keys = pb.ListIndicatorsRequest(page_size=60), []
    while True:
        page = await asking("list_indicators", request, ADA)
        keys += [(one.key.framework, one.key.code, one.key.measure) for one in page.indicators]
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert len(keys) == 215 and keys == sorted(set(keys))
    measured = await asking("list_indicators", pb.ListIndicatorsRequest(measured_only=True), ADA)
    assert [one.key for one in measured.indicators] == [PM25]


async def test_values_and_excursions_are_paged(asking: Asking) -> None:
    for day in range(1, 7):
        await asking.city.deliver(computed("20" if day % 2 else "10", f"2026-01-0{day}"))
    for method, request, field, wanted in (
        ("list_measurements", pb.ListMeasurementsRequest(key=PM25, page_size=2), "measurements", 6),
        ("list_excursions", pb.ListExcursionsRequest(page_size=2), "excursions", 3),
    ):
        found: list[str] = []
        while True:
            page = await asking(method, request, ADA)
            found += [one.period for one in getattr(page, field)]
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        assert len(found) == wanted and found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"key": types_pb2.IndicatorKey(framework="city", code="Trees!")}, InvalidField),
        ({"key": types_pb2.IndicatorKey(framework="city", code="trees", measure="oak")}, InvalidField),
        ({"name": " x "}, InvalidField),
        ({"key": SCHOOLS}, InvalidField),
        ({"key": types_pb2.IndicatorKey(framework="moon", code="dust"), "name": ""}, UnknownIndicator),
        ({"key": USES}, errors.IndicatorExists),
        ({"key": PM25, "name": ""}, errors.IndicatorExists),
    ],
)
async def test_a_definition_that_cannot_be_is_refused(asking: Asking, wrong: dict[str, Any], refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        await define(asking, **wrong)


async def test_an_indicator_is_defined_once(asking: Asking) -> None:
    await define(asking)
    with pytest.raises(errors.IndicatorExists):
        await define(asking, unit="%")
    assert (await shown(asking, TREES)).unit == "{tree}"


async def test_officers_define_so_many_and_no_more(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratapolis.governance.store.indicators.AT_MOST", 1)
    await define(asking)
    with pytest.raises(errors.TooManyIndicators):
        await define(asking, types_pb2.IndicatorKey(framework="city", code="benches"))


async def test_a_figure_that_cannot_be_is_refused(asking: Asking) -> None:
    await define(asking)
    later = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m")
    for refusal, wrong in (
        (errors.WrongUnit, {"unit": "%"}),
        (InvalidField, {"period": "2026-01-31"}),
        (InvalidField, {"period": "2026-13"}),
        (InvalidField, {"period": later}),
        (InvalidField, {"scope": "service:nowhere"}),
        (errors.MeasuredByThePlatform, {"key": USES, "unit": "{use}", "period": "2026-01-31"}),
        (errors.IndicatorNotDefined, {"key": SCHOOLS}),
        (UnknownIndicator, {"key": types_pb2.IndicatorKey(framework="city", code="benches")}),
    ):
        with pytest.raises(refusal):
            await record(asking, "1", **wrong)
    with pytest.raises(errors.IndicatorNotDefined):
        await target(asking, "1", SCHOOLS)
    with pytest.raises(InvalidField):
        await target(asking, "1", scope="service:nowhere")
    with pytest.raises(UnknownIndicator):
        await values(asking, types_pb2.IndicatorKey(framework="city", code="benches"))
    assert await values(asking, TREES) == []


async def test_an_outcome_may_be_bound_to_an_indicator_that_an_officer_defined(asking: Asking) -> None:
    await define(asking)
    journey = await asking.propose(await asking.a_member(), a_manifest(code="trees_planted"))
    await asking.go_live(journey.journey_id)
    assert (await asking.journey(journey.journey_id)).state == journey_pb2.JOURNEY_STATE_LIVE


async def test_the_schema_keeps_measurements_and_says_each_side_once(asking: Asking) -> None:
    await asking.city.deliver(computed("20"))

    async def run(tx: Tx, statement: str) -> None:
        await tx.execute(statement)

    again = "insert into excursion (series_id, period, value, target, unit, off_at) select series_id, {0}, 1, 1, 'x', now() from series"
    for statement in (
        "update measurement set value = 1",
        "delete from measurement",
        "truncate measurement",
        again.format("'2026-01-30'"),
        again.format("'2026-01-31'"),
    ):
        with pytest.raises(Exception, match=r"never changed|excursion_pkey|excursion_open"):
            async with asking.city.db.transaction() as tx:
                await run(tx, statement)
