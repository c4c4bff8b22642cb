"""Reading: history, newest values, areas, windows of days that change clocks, and streams that miss nothing."""

import asyncio
from datetime import UTC, datetime

import pytest
from city.data.v1 import data_contracts_service_pb2 as contracts_pb
from city.data.v1 import data_product_pb2 as products_pb
from city.data.v1 import observations_service_pb2 as pb
from stratapolis.chassis.errors import InvalidField, Refused
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_time, to_timestamp

from services.data.tests.builders import HOUR, MIA, OLGA, Layer, a_place, a_use, observed, reading

T0 = datetime(2026, 3, 1, tzinfo=UTC)
TWO = [products_pb.ProductProperty(name="pm25"), products_pb.ProductProperty(name="no2")]


async def test_history_pages_by_thing_property_and_time_without_skip_or_repeat(layer: Layer) -> None:
    await layer.product(properties=TWO)
    rows = [(thing, prop, T0 + n * 10 * 24 * HOUR) for thing in ("air.1", "air.2", "air.3") for prop in ("no2", "pm25") for n in range(4)]
    await layer.publish(*(reading(thing, at, property=prop) for thing, prop, at in rows), reading("other.1", T0))
    seen: list[tuple[str, str, datetime]] = []
    token = ""
    while True:
        page = await layer.ask(pb.QueryObservationsRequest(product="air", page_size=5, page_token=token))
        seen += [(one.thing, one.property, to_time(one.observed_time)) for one in page.observations]
        if not (token := page.next_page_token):
            break
    assert seen == rows


async def test_history_is_cut_by_thing_property_and_half_open_time(layer: Layer) -> None:
    await layer.product(properties=TWO)
    await layer.publish(*(reading(thing, T0 + n * HOUR, property=prop) for thing in ("air.1", "air.2") for prop in ("no2", "pm25") for n in range(4)))
    asked = pb.QueryObservationsRequest(
        product="air", things=["air.2"], properties=["pm25"], start_time=to_timestamp(T0 + HOUR), end_time=to_timestamp(T0 + 3 * HOUR)
    )
    found = (await layer.ask(asked)).observations
    assert [(one.thing, one.property, to_time(one.observed_time)) for one in found] == [("air.2", "pm25", T0 + HOUR), ("air.2", "pm25", T0 + 2 * HOUR)]
    assert (found[0].value, found[0].unit) == ("12.5", "ug/m3")


async def test_a_token_of_another_query_is_refused(layer: Layer) -> None:
    await layer.product()
    await layer.publish(*(reading("air.1", T0 + n * HOUR) for n in range(3)))
    token = (await layer.ask(pb.QueryObservationsRequest(product="air", page_size=1))).next_page_token
    with pytest.raises(InvalidField):
        await layer.ask(pb.QueryObservationsRequest(product="air", things=["air.1"], page_size=1, page_token=token))


async def test_the_newest_is_by_time_of_observation_not_of_arrival(layer: Layer) -> None:
    await layer.product()
    await layer.publish(reading("air.1", T0 + HOUR, "2"))
    await layer.publish(reading("air.1", T0, "1"), reading("air.2", T0, "3"))
    newest = (await layer.ask(pb.LatestObservationsRequest(product="air"))).observations
    assert [(one.thing, one.value) for one in newest] == [("air.1", "2"), ("air.2", "3")]
    await layer.publish(reading("air.1", T0 + HOUR, "4"))
    assert (await layer.ask(pb.LatestObservationsRequest(product="air", property="pm25"))).observations[0].value == "4"


async def test_the_newest_of_a_batch_is_found_whatever_its_order(layer: Layer) -> None:
    await layer.product()
    await layer.publish(*(reading("air.1", T0 + hour * HOUR, str(hour)) for hour in (2, 0, 1)))
    assert (await layer.ask(pb.LatestObservationsRequest(product="air"))).observations[0].value == "2"
    async with asyncio.timeout(10), layer.streamed(pb.StreamObservationsRequest(product="air")) as stream:
        await anext(stream)
        await layer.publish(*(reading("air.2", T0 + hour * HOUR, str(hour)) for hour in (1, 2, 0)))
        assert [one.value for one in (await anext(stream)).observations] == ["0", "1", "2"]


async def test_the_newest_in_a_box_or_a_circle_across_the_date_line_too(layer: Layer) -> None:
    await layer.product()
    places = {"air.berlin": (52.52, 13.40), "air.potsdam": (52.39, 13.06), "air.fiji": (-17.7, 178.0), "air.samoa": (-13.8, -171.8)}
    await layer.publish(*(reading(thing, T0, place=a_place(*place)) for thing, place in places.items()), reading("air.nowhere", T0))

    async def found(**area: object) -> list[str]:
        seen, token = [], ""
        while True:
            page = await layer.ask(pb.LatestObservationsRequest(product="air", page_size=1, page_token=token, **area))  # type: ignore[arg-type]
            seen += [one.thing for one in page.observations]
            if not (token := page.next_page_token):
                return seen

    assert await found(box=pb.Box(south_west=a_place(52.3, 13.0), north_east=a_place(52.6, 13.5))) == ["air.berlin", "air.potsdam"]
    assert await found(box=pb.Box(south_west=a_place(-20, 170), north_east=a_place(-10, -170))) == ["air.fiji", "air.samoa"]
    assert await found(circle=pb.Circle(center=a_place(52.52, 13.40), radius_meters=20_000)) == ["air.berlin"]
    assert await found(circle=pb.Circle(center=a_place(52.52, 13.40), radius_meters=30_000)) == ["air.berlin", "air.potsdam"]
    assert len(await found()) == 5


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)])
async def test_a_day_has_the_hours_its_clocks_have(layer: Layer, day: str, hours: int) -> None:
    await layer.product()
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - 3 * HOUR
    await layer.publish(*(reading("air.1", start + n * HOUR, str(n)) for n in range(30)))
    asked = {"product": "air", "property": "pm25", "first_day": day, "last_day": day}
    (whole,) = (await layer.ask(pb.AggregateRequest(window=pb.WINDOW_DAY, **asked))).windows  # type: ignore[arg-type]
    by_hour = (await layer.ask(pb.AggregateRequest(window=pb.WINDOW_HOUR, **asked))).windows  # type: ignore[arg-type]
    assert whole.count == len(by_hour) == hours
    assert to_time(whole.end_time) - to_time(whole.start_time) == hours * HOUR
    assert to_time(by_hour[0].start_time) == to_time(whole.start_time) and to_time(by_hour[-1].end_time) == to_time(whole.end_time)
    values = [float(one.mean) for one in by_hour]
    assert (float(whole.min), float(whole.max)) == (min(values), max(values))
    assert float(whole.mean) == pytest.approx(sum(values) / hours)


async def test_windows_page_by_thing_and_time_and_leave_out_empty_ones(layer: Layer) -> None:
    await layer.product()
    await layer.publish(*(reading(thing, T0 + n * 2 * 24 * HOUR + 12 * HOUR) for thing in ("air.1", "air.2") for n in range(3)))
    seen, token = [], ""
    while True:
        asked = pb.AggregateRequest(
            product="air", property="pm25", window=pb.WINDOW_DAY, zone="UTC", first_day="2026-03-01", last_day="2026-03-31", page_size=2, page_token=token
        )
        page = await layer.ask(asked)
        seen += [(one.thing, to_time(one.start_time).day) for one in page.windows]
        if not (token := page.next_page_token):
            break
    assert seen == [(thing, day) for thing in ("air.1", "air.2") for day in (1, 3, 5)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"last_day": "2026-02-28"}, "END_BEFORE_START"),
        ({"last_day": "2027-03-02"}, "RANGE_TOO_LONG"),
        ({"last_day": "2026-02-30"}, "NO_SUCH_DATE"),
        ({"zone": "Mars/Olympus"}, "UNKNOWN_ZONE"),
        ({"property": "rain"}, "PROPERTY_NOT_IN_PRODUCT"),
    ],
)
async def test_windows_that_cannot_be_are_refused(layer: Layer, changes: dict[str, str], reason: str) -> None:
    await layer.product()
    given = {"product": "air", "property": "pm25", "first_day": "2026-03-01", "last_day": "2026-03-01", "window": pb.WINDOW_HOUR}
    with pytest.raises(Refused) as caught:
        await layer.ask(pb.AggregateRequest(**(given | changes)))  # type: ignore[arg-type]
    assert caught.value.reason == reason


async def test_a_stream_sends_what_arrives_late_and_corrected_too_and_resumes_at_its_cursor(layer: Layer) -> None:
    await layer.product()
    await layer.publish(reading("air.1", T0, "1"))
    async with asyncio.timeout(10), layer.streamed(pb.StreamObservationsRequest(product="air")) as stream:
        first = await anext(stream)
        assert not first.observations
        await layer.publish(reading("air.1", T0 - HOUR, "2"), reading("air.1", T0, "3"), reading("other.1", T0))
        second = await anext(stream)
        assert [(one.value, to_time(one.observed_time)) for one in second.observations] == [("2", T0 - HOUR), ("3", T0)]
        await layer.publish(reading("air.2", T0, "4"))
        third = await anext(stream)
    async with asyncio.timeout(10), layer.streamed(pb.StreamObservationsRequest(product="air", cursor=second.cursor)) as stream:
        assert not (await anext(stream)).observations
        assert (await anext(stream)).observations == third.observations


async def test_a_stream_misses_nothing_of_writers_that_commit_out_of_order(layer: Layer) -> None:
    await layer.product()
    seen: list[str] = []

    async def read(stopping: asyncio.Event) -> None:
        async with layer.streamed(pb.StreamObservationsRequest(product="air")) as stream:
            async for batch in stream:
                seen.extend(one.thing for one in batch.observations)
                started.set()
                if len(seen) >= 200:
                    stopping.set()
                    return

    started, done = asyncio.Event(), asyncio.Event()
    reading_on = asyncio.create_task(read(done))
    await asyncio.wait_for(started.wait(), 5)

    async def write(writer: int) -> None:
        for n in range(0, 50, 5):
            await layer.under.deliver_raw(*(observed(f"air.{writer}.{n + k}", T0) for k in range(5)))

    await asyncio.gather(*(write(writer) for writer in range(4)))
    await asyncio.wait_for(reading_on, 10)
    assert len(seen) == len(set(seen)) == 200


async def test_a_stream_ends_with_its_contract_and_says_where(layer: Layer) -> None:
    await layer.product()
    request, system = await layer.live_service(a_use())
    contract = (await layer.ask(contracts_pb.ListContractsRequest(service_id=request.service_id), MIA)).contracts[0]
    asked = pb.StreamObservationsRequest(product="air", purpose="warn of bad air")
    async with asyncio.timeout(10), layer.streamed(asked, system) as stream:
        await anext(stream)
        await layer.publish(reading("air.1", T0, "1"))
        sent = await anext(stream)
        assert len(sent.observations) == 1
        await layer.ask(contracts_pb.RevokeContractRequest(request_id=new_id(), contract_id=contract.contract_id, reason="enough"), OLGA)
        await layer.publish(reading("air.1", T0 + HOUR, "2"))
        with pytest.raises(Refused) as caught:
            await anext(stream)
    assert caught.value.reason == "CONTRACT_ENDED" and caught.value.details["cursor"]
    (disclosed,) = (await layer.ask(contracts_pb.ListDisclosuresRequest(), MIA)).disclosures
    assert (disclosed.rpc, disclosed.observations) == ("StreamObservations", 1)


@pytest.mark.parametrize("cursor", ["x", "1.2", "1.2.3.4", "-1.2.3", "1.2.99999999999999999999", "9" * 30 + ".1.1"])
async def test_a_forged_cursor_is_refused(layer: Layer, cursor: str) -> None:
    await layer.product()
    async with layer.streamed(pb.StreamObservationsRequest(product="air", cursor=cursor)) as stream:
        with pytest.raises(InvalidField):
            await anext(stream)


async def test_a_cursor_older_than_arrivals_are_kept_is_refused(layer: Layer) -> None:
    await layer.product()
    async with layer.streamed(pb.StreamObservationsRequest(product="air")) as stream:
        cursor = (await anext(stream)).cursor
    await layer.publish(reading("air.1", T0))
    async with layer.db.transaction() as tx:
        await tx.execute("update arrival set arrived_at = arrived_at - interval '40 days'")
    await layer.under.run("prune")
    for old in (cursor, "999999999999.1.1"):
        async with layer.streamed(pb.StreamObservationsRequest(product="air", cursor=old)) as stream:
            with pytest.raises(Refused) as caught:
                await anext(stream)
        assert caught.value.reason == "CURSOR_EXPIRED"
