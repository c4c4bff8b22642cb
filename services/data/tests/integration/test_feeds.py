"""Indicator feeds: a day is computed from its rows when it is over, again when they change, and said when its value does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from city.data.v1 import indicator_feeds_service_pb2 as pb
from city.data.v1.events_pb2 import IndicatorComputed
from stratapolis.chassis.app import Every, OnBatch
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.jobs import job_name

from services.data.tests.builders import DAY, HOUR, MIA, OLGA, PM25, Layer, observed, reading

START = datetime(2026, 3, 1, 23, tzinfo=UTC)
"""Midnight of 2026-03-02 in Berlin."""


async def computed(layer: Layer) -> dict[tuple[str, str], tuple[int, str, int]]:
    """Run the job; what it said: revision, value and observations by scope and period."""
    await layer.under.run("compute_windows")
    return {(one.scope, one.period): (one.revision, one.value, one.observations) for one in await layer.said(IndicatorComputed)}


async def test_a_day_is_each_things_mean_and_the_city_the_mean_of_the_things(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    await layer.under.deliver_raw(observed("air.1", START, 10), observed("air.1", START + HOUR, 20), observed("air.2", START + DAY - HOUR, 30))
    await layer.under.deliver_raw(observed("air.1", START - HOUR, 99), observed("air.1", START + DAY, 77), observed("air.1", START, 5, property="no2"))
    said = await computed(layer)
    assert said["thing:air.1", "2026-03-02"] == (1, "15", 2)
    assert said["thing:air.2", "2026-03-02"] == (1, "30", 1)
    assert said["city", "2026-03-02"] == (1, "22.5", 3)
    assert said["city", "2026-03-01"] == (1, "99", 1) and said["city", "2026-03-03"] == (1, "77", 1)
    assert len(said) == 7
    assert await computed(layer) == {}


async def test_the_event_says_indicator_unit_and_series(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    await layer.under.deliver_raw(observed("air.1", START, 10))
    await layer.under.run("compute_windows")
    one = next(event for event in await layer.said(IndicatorComputed) if event.scope == "city")
    assert one.indicator == PM25 and one.unit == "ug/m3" and one.series == "u4ssc/EN: EN: AQ: 1C/PM 2.5/city"


async def test_late_and_corrected_rows_make_a_new_revision_and_doubles_none(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    await layer.under.deliver_raw(observed("air.1", START, 10))
    await computed(layer)
    await layer.under.deliver_raw(observed("air.1", START, 10))
    assert await computed(layer) == {}
    await layer.under.deliver_raw(observed("air.1", START + HOUR, 20))
    assert (await computed(layer))["city", "2026-03-02"] == (2, "15", 2)
    await layer.under.deliver_raw(observed("air.1", START, 11))
    assert (await computed(layer))["thing:air.1", "2026-03-02"] == (3, "15.5", 2)


async def test_more_rows_of_the_same_mean_say_nothing(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    await layer.under.deliver_raw(observed("air.1", START, 10))
    await computed(layer)
    await layer.under.deliver_raw(observed("air.1", START + HOUR, 10))
    assert await computed(layer) == {}
    assert await layer.value("select observations from computed where scope = 'city'") == 2


async def test_a_day_that_is_not_over_waits(layer: Layer) -> None:
    await layer.product(zone="UTC")
    await layer.feed()
    now = datetime.now(UTC)
    await layer.under.deliver_raw(observed("air.1", now, 10), observed("air.1", now - DAY, 20))
    assert {period for _, period in await computed(layer)} == {f"{now - DAY:%Y-%m-%d}"}
    assert await layer.value("select count(*) from dirty_window") == 1


async def test_days_observed_before_the_feed_are_computed_too(layer: Layer) -> None:
    await layer.product()
    await layer.publish(*(reading("air.1", START + day * DAY, str(day)) for day in range(3)))
    await layer.feed()
    said = await computed(layer)
    assert {period: value for (scope, period), (_, value, _) in said.items() if scope == "city"} == {f"2026-03-0{2 + day}": str(day) for day in range(3)}


async def test_a_row_that_comes_while_its_day_is_computed_is_not_lost(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    await layer.under.deliver_raw(observed("air.1", START, 10))
    async with layer.db.transaction() as tx:
        (on,) = (every.job for every in layer.under.app.every if isinstance(every, Every) and job_name(every).endswith("compute_windows"))
        await on(tx=tx, at=tx.at)
        writing = asyncio.create_task(layer.under.deliver_raw(observed("air.1", START + HOUR, 20)))
        await asyncio.wait({writing}, timeout=0.2)
        assert not writing.done()
    await writing
    assert (await computed(layer))["city", "2026-03-02"][1] == "15"


async def test_a_day_that_a_batch_is_still_writing_to_is_left_for_later(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    await layer.under.deliver_raw(observed("air.1", START, 10))
    (on,) = (on for on in layer.under.app.hears if isinstance(on, OnBatch))
    async with layer.db.transaction() as tx:
        await on.handler([observed("air.1", START + HOUR, 20)], tx=tx, at=tx.at)
        assert await computed(layer) == {}
    assert (await computed(layer))["city", "2026-03-02"] == (1, "15", 2)


async def test_an_indicator_has_one_feed_of_a_published_product_that_has_the_property(layer: Layer) -> None:
    await layer.product()
    await layer.product("draft", publish=False)
    await layer.feed()
    given = {"request_id": new_id(), "product": "air", "property": "pm25", "indicator": PM25}
    for changes, reason in (
        ({}, "FEED_EXISTS"),
        ({"product": "none"}, "PRODUCT_NOT_FOUND"),
        ({"product": "draft"}, "PRODUCT_NOT_PUBLISHED"),
        ({"property": "rain"}, "PROPERTY_NOT_IN_PRODUCT"),
    ):
        with pytest.raises(Refused) as caught:
            await layer.ask(pb.RegisterIndicatorFeedRequest(**(given | changes)), OLGA)  # type: ignore[arg-type]
        assert caught.value.reason == reason
    assert [(feed.product, feed.property, feed.unit) for feed in (await layer.ask(pb.ListIndicatorFeedsRequest(), MIA)).feeds] == [("air", "pm25", "ug/m3")]


async def test_a_day_of_25_hours_counts_all_of_them(layer: Layer) -> None:
    await layer.product()
    await layer.feed()
    start = datetime(2025, 10, 25, 22, tzinfo=UTC)
    await layer.under.deliver_raw(*(observed("air.1", start + timedelta(hours=n), n) for n in range(26)))
    said = await computed(layer)
    assert said["city", "2025-10-26"] == (1, "12", 25) and said["city", "2025-10-27"] == (1, "25", 1)
