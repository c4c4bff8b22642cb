"""Observations from the raw stream and by RPC: once each, in their month, in their unit, or refused with the reason."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from city.data.v1 import observations_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stratapolis.chassis.ids import new_id
from stratapolis.data import jobs

from services.data.tests.builders import ADA, DAY, HOUR, MIA, OPERATOR, Layer, a_place, observed, reading

T0 = datetime(2024, 5, 4, 12, tzinfo=UTC)
COUNTS = (
    "select coalesce(sum(accepted), 0) as a, coalesce(sum(duplicates), 0) as d, coalesce(sum(corrected), 0) as c, coalesce(sum(refused), 0) as r from intake"
)


async def counts(layer: Layer) -> tuple[int, ...]:
    """Accepted, duplicates, corrected, refused, as counted."""
    (row,) = await layer.rows(COUNTS)
    return tuple(int(row[key]) for key in "adcr")


async def test_the_same_observation_again_is_a_counted_duplicate(layer: Layer) -> None:
    await layer.under.deliver_raw(observed("air.1", T0), observed("air.1", T0), observed("air.2", T0))
    await layer.under.deliver_raw(observed("air.1", T0, "12.50"))
    assert await counts(layer) == (2, 2, 0, 0)
    assert await layer.value("select count(*) from observation") == 2


async def test_another_value_is_a_correction_and_the_old_one_goes_to_history(layer: Layer) -> None:
    await layer.under.deliver_raw(observed("air.1", T0, 10))
    await layer.under.deliver_raw(observed("air.1", T0, 11), observed("air.1", T0, 11), observed("air.1", T0, 12))
    assert await counts(layer) == (1, 1, 2, 0)
    assert await layer.value("select value from observation") == 12
    assert [row["value"] for row in await layer.rows("select value from observation_history order by id")] == [10, 11]
    assert await layer.value("select value from series") == 12


async def test_one_batch_may_have_first_value_doubles_and_corrections_of_one_identity(layer: Layer) -> None:
    await layer.under.deliver_raw(*(observed("air.1", T0, value) for value in (1, 1, 2, 2, 1)))
    assert await counts(layer) == (1, 2, 2, 0)
    assert await layer.value("select value from observation") == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12), min_size=1, max_size=4))
async def test_any_cut_into_batches_gives_what_one_by_one_would(layer: Layer, batches: list[list[tuple[int, int, int]]]) -> None:
    things = new_id()
    before = await counts(layer)
    kept: dict[tuple[int, int], int] = {}
    expected = [0, 0, 0]
    for batch in batches:
        await layer.under.deliver_raw(*(observed(f"{things}.{thing}", T0 + minute * HOUR, value) for thing, minute, value in batch))
        for thing, minute, value in batch:
            standing = kept.get((thing, minute))
            expected[0 if standing is None else 1 if standing == value else 2] += 1
            kept[thing, minute] = value
    after = await counts(layer)
    assert [one - other for one, other in zip(after[:3], before[:3], strict=True)] == expected
    stored = await layer.rows("select thing, o.observed_at, o.value from observation o join series using (series_id) where thing like $1", f"{things}.%")
    assert {(int(row["thing"].rpartition(".")[2]), int((row["observed_at"] - T0) / HOUR)): int(row["value"]) for row in stored} == kept


async def test_observations_lie_in_the_partition_of_their_month(layer: Layer) -> None:
    edge = datetime(2013, 3, 1, tzinfo=UTC)
    await layer.under.deliver_raw(
        observed("air.1", edge - timedelta(milliseconds=1)), observed("air.1", edge), observed("air.1", datetime(2017, 2, 28, 23, tzinfo=UTC))
    )
    rows = await layer.rows("select tableoid::regclass::text as partition from observation order by observed_at")
    assert [row["partition"] for row in rows] == ["observation_2013_02", "observation_2013_03", "observation_2017_02"]


async def test_the_coming_months_are_made_before_they_are_needed(layer: Layer) -> None:
    await layer.under.run("make_partitions")
    now = datetime.now(UTC)
    names = [row["n"] for row in await layer.rows("select inhrelid::regclass::text as n from pg_inherits where inhparent = 'observation'::regclass")]
    assert f"observation_{now:%Y_%m}" in names and len(names) == 3


async def test_a_hundred_thousand_rows_end_exactly_once_each(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    hours, things, at_once = 2_500, 40, 5_000
    rows = [observed(f"air.{thing}", T0 - hour * HOUR, hour % 97) for hour in range(hours) for thing in range(things)]
    for start in range(0, len(rows), at_once):
        await layer.under.deliver_raw(*rows[start : start + at_once])
    doubled = [observed(f"air.{thing}", T0 - hour * HOUR, hour % 97) for hour in range(50) for thing in range(things)]
    corrected = [observed(f"air.{thing}", T0 - hour * HOUR, 1000) for hour in range(50, 75) for thing in range(things)]
    refused = [observed(f"air.{thing}", T0, "NaN") for thing in range(things)]
    await layer.under.deliver_raw(*doubled, *corrected, *refused)
    assert await counts(layer) == (100_000, 2_000, 1_000, 40)
    assert await layer.value("select count(*) from observation") == 100_000
    assert await layer.value("select sum(value) from observation") == sum((hour % 97 if not 50 <= hour < 75 else 1000) * things for hour in range(hours))
    assert await layer.value("select count(*) from refused_observation") == 40
    assert await layer.value("select count(*) from observation_history") == 1_000


async def test_values_are_kept_in_the_canonical_unit(layer: Layer) -> None:
    outcomes = await layer.publish(
        reading("air.1", T0, "0.0125", unit="mg/m3"),
        reading("air.1", T0, "12.5"),
        reading("air.1", T0, "68", property="temperature", unit="[degF]"),
    )
    assert outcomes == ["ACCEPTED", "DUPLICATE", "ACCEPTED"]
    assert await layer.value("select value from series where property = 'temperature'") == 20


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": "NaN"}, "VALUE_NOT_MEASURABLE"),
        ({"value": "Infinity"}, "VALUE_NOT_MEASURABLE"),
        ({"value": ""}, "VALUE_NOT_MEASURABLE"),
        ({"value": "1_000"}, "VALUE_NOT_MEASURABLE"),
        ({"value": "1e200"}, "VALUE_NOT_MEASURABLE"),
        ({"property": "pm_25"}, "UNKNOWN_PROPERTY"),
        ({"unit": "ug/m^3"}, "UNKNOWN_UNIT"),
        ({"unit": "hPa"}, "UNITS_NOT_CONVERTIBLE"),
        ({"unit": "\0"}, "UNKNOWN_UNIT"),
        ({"thing": ""}, "THING_MISSING"),
        ({"thing": "a\0b"}, "THING_MISSING"),
        ({"place": a_place(116.4, 39.9)}, "PLACE_NOT_ON_EARTH"),
        ({"place": a_place(float("nan"), 39.9)}, "PLACE_NOT_ON_EARTH"),
        ({"observed_time": Timestamp(seconds=0)}, "OUT_OF_RANGE"),
        ({"observed_time": Timestamp(seconds=10**15)}, "OUT_OF_RANGE"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_its_reason_and_the_rest_is_kept(layer: Layer, changes: dict[str, object], reason: str) -> None:
    await layer.under.deliver_raw(observed("air.1", T0), observed(**({"thing": "air.2", "at": T0} | changes)), observed("air.3", T0))  # type: ignore[arg-type]
    assert await counts(layer) == (2, 0, 0, 1)
    listed = await layer.ask(pb.ListRefusedObservationsRequest(reason=reason), MIA)
    assert [one.reason for one in listed.refused] == [reason]
    assert not (await layer.ask(pb.ListRefusedObservationsRequest(), ADA)).refused


async def test_an_hour_ahead_is_taken_and_more_is_not(layer: Layer) -> None:
    now = datetime.now(UTC)
    outcomes = await layer.publish(reading("air.1", now + 59 * timedelta(minutes=1)), reading("air.1", now + 61 * timedelta(minutes=1)))
    assert outcomes == ["ACCEPTED", "OUT_OF_RANGE"]


async def test_what_is_before_the_products_earliest_time_is_refused(layer: Layer) -> None:
    earliest = Timestamp()
    earliest.FromDatetime(T0)
    await layer.product(earliest_time=earliest)
    assert await layer.publish(reading("air.1", T0 - timedelta(milliseconds=1)), reading("air.1", T0)) == ["OUT_OF_RANGE", "ACCEPTED"]
    assert await layer.publish(reading("other.1", T0 - DAY)) == ["ACCEPTED"]


async def test_two_owners_things_of_one_name_are_two_things(layer: Layer) -> None:
    assert await layer.publish(reading("air.1", T0, "1"), caller=MIA) == ["ACCEPTED"]
    assert await layer.publish(reading("air.1", T0, "2"), caller=ADA) == ["ACCEPTED"]
    assert sorted(row["value"] for row in await layer.rows("select value from observation")) == [1, 2]


async def test_refused_rows_are_pruned_by_age_and_by_number(layer: Layer) -> None:
    await layer.under.deliver_raw(*(observed("air.1", T0, "NaN") for _ in range(3)))
    async with layer.db.transaction() as tx:
        await tx.execute("update refused_observation set refused_at = now() - interval '30 days' where id = (select min(id) from refused_observation)")
    await layer.under.run("prune")
    assert await layer.value("select count(*) from refused_observation") == 2


async def test_operators_see_what_came_in_by_the_hour(layer: Layer) -> None:
    await layer.under.deliver_raw(observed("air.1", T0), observed("air.1", T0))
    await layer.publish(reading("air.2", T0))
    shown = (await layer.ask(pb.ListIntakeRequest(), OPERATOR)).intake
    assert {(one.way, one.accepted, one.duplicates) for one in shown} == {("raw", 1, 1), ("grpc", 1, 0)}


async def test_retention_erases_only_what_no_product_keeps_longer(layer: Layer) -> None:
    await layer.product("short", retention_days=30, thing_prefix="air.")
    await layer.product("long", retention_days=0, thing_prefix="air.kept")
    old, new = datetime.now(UTC) - 40 * DAY, datetime.now(UTC) - 10 * DAY
    await layer.publish(*(reading(thing, at) for thing in ("air.1", "air.kept.1", "other.1") for at in (old, new)))
    await layer.under.run("erase_old")
    rows = await layer.rows("select thing, count(*) as n from observation join series using (series_id) group by thing order by thing")
    assert [(row["thing"], row["n"]) for row in rows] == [("air.1", 1), ("air.kept.1", 2), ("other.1", 2)]


async def test_what_comes_again_while_its_series_is_half_erased_is_no_second_observation(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    await layer.product(retention_days=30)
    times = [datetime.now(UTC).replace(microsecond=0) - days * DAY for days in (50, 45, 40)]
    await layer.publish(*(reading("air.1", at) for at in times))
    monkeypatch.setattr(jobs, "ROWS_AT_ONCE", 1)
    await layer.under.run("erase_old")
    assert sorted(await layer.publish(*(reading("air.1", at) for at in times))) == ["ACCEPTED", "DUPLICATE", "DUPLICATE"]
    for _ in times:
        await layer.under.run("erase_old")
    assert (await layer.value("select count(*) from observation"), await layer.value("select observed_at from series")) == (0, None)


async def test_values_are_rounded_to_nine_places_once(layer: Layer) -> None:
    assert await layer.publish(reading("air.1", T0, "0.1234567890123")) == ["ACCEPTED"]
    assert await layer.publish(reading("air.1", T0, "0.1234567890123")) == ["DUPLICATE"]
    assert await layer.value("select value from observation") == Decimal("0.123456789")
