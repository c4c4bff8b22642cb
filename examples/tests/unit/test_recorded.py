import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from zoneinfo import ZoneInfo

import pytest
from stratapolis.examples.recorded import BadRecord, Flag, Observation, Recording, beijing_air, berlin_traffic, data_folder

WHO_24_HOURS = 15
"""PM2.5 in ug/m3, WHO Global Air Quality Guidelines (2021)."""


@pytest.fixture(scope="module")
def air() -> Recording:
    return beijing_air(data_folder())


@pytest.fixture(scope="module")
def traffic() -> Recording:
    return berlin_traffic(data_folder())


def raw(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(data_folder() / name, "rt", encoding="utf-8") as text:
        yield from csv.DictReader(text)


def station_means(air: Recording, day: date) -> dict[str, float]:
    values = defaultdict(list)
    for seen in air.observations(on=day):
        if seen.property == "pm25":
            values[seen.thing].append(float(seen.value))
    return {thing: fmean(of_the_day) for thing, of_the_day in values.items() if len(of_the_day) == 24}


def test_every_cell_that_is_neither_empty_nor_the_sentinel_is_one_observation(air: Recording, traffic: Recording) -> None:
    air_cells = [cell for row in raw("beijing-air.csv.gz") for name, cell in row.items() if name not in ("observed_at", "station")]
    traffic_cells = [cell for row in raw("berlin-traffic.csv.gz") for name, cell in row.items() if name not in ("local_time", "site_id")]
    assert "" in air_cells
    assert "-1" in traffic_cells
    assert sum(1 for _ in air.observations()) == len(air_cells) - air_cells.count("")
    assert sum(1 for _ in traffic.observations()) == len(traffic_cells) - traffic_cells.count("-1")


def test_no_vehicle_is_a_count_of_zero_and_no_speed(traffic: Recording) -> None:
    hour = next(row for row in raw("berlin-traffic.csv.gz") if row["truck_speed"] == "-1" and row["car_speed"] != "-1")
    moment = datetime.fromisoformat(hour["local_time"]).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    seen = {o.property: o.value for o in traffic.observations(on=moment.date()) if o.thing == hour["site_id"] and o.observed_at == moment}
    assert "truck_speed" not in seen
    assert (seen["truck_count"], seen["car_speed"]) == (Decimal(0), Decimal(hour["car_speed"]))
    assert min(o.value for o in traffic.observations() if o.property.endswith("_speed")) >= 0


def test_below_zero_is_a_value_where_it_is_no_sentinel(air: Recording) -> None:
    assert min(o.value for o in air.observations() if o.property == "dew_point") < -1


def test_the_doubled_hour_is_taken_as_the_first_and_flagged(traffic: Recording) -> None:
    flagged = [o for o in traffic.observations() if Flag.AMBIGUOUS_TIME in o.flags]
    assert flagged
    assert {o.observed_at for o in flagged} == {datetime(2024, 10, 27, 0, tzinfo=UTC)}
    around = sorted({o.observed_at.hour for o in traffic.observations(on=date(2024, 10, 27))})
    # 01:00 UTC is the second 02:00, which the source does not have; local midnight is 22:00 UTC.
    assert around == [0, *range(2, 23), 23]


def test_units_and_properties_are_the_citys(air: Recording, traffic: Recording) -> None:
    units = {(o.property, o.unit) for recording in (air, traffic) for o in recording.observations()}
    assert units == {
        *((name, "ug/m3") for name in ("pm25", "pm10", "so2", "no2", "co", "o3")),
        *(("temperature", "Cel"), ("dew_point", "Cel"), ("pressure", "hPa"), ("rain", "mm"), ("wind_speed", "m/s"), ("wind_direction", "deg")),
        *((f"{kind}_{what}", unit) for kind in ("vehicle", "car", "truck") for what, unit in (("count", "{vehicle}"), ("speed", "km/h"))),
    }


def test_wind_text_becomes_the_degrees_it_comes_from(air: Recording) -> None:
    text = Counter(row["wd"] for row in raw("beijing-air.csv.gz"))
    degrees = Counter(o.value for o in air.observations() if o.property == "wind_direction")
    for point, angle in {"N": "0", "NNE": "22.5", "E": "90", "SSE": "157.5", "S": "180", "W": "270", "NNW": "337.5"}.items():
        assert degrees[Decimal(angle)] == text[point] > 0
    assert text[""] > 0
    assert degrees.total() == text.total() - text[""]


def test_times_are_utc_and_identities_do_not_repeat(air: Recording, traffic: Recording) -> None:
    for recording in (air, traffic):
        identities = [(o.thing, o.property, o.observed_at) for o in recording.observations()]
        assert len(set(identities)) == len(identities)
        assert all(moment.tzinfo is UTC for _, _, moment in identities)
    assert min(o.observed_at for o in air.observations()) == datetime(2016, 11, 17, 16, tzinfo=UTC)


def test_things_have_places_whether_they_report_or_not(air: Recording, traffic: Recording) -> None:
    assert len(air.things) == 12
    assert {o.thing for o in air.observations()} == set(air.things)
    assert len(traffic.things) == 42
    assert set(traffic.things) - {o.thing for o in traffic.observations()} == {"TE072", "TE549"}
    assert all(39 < thing.place.latitude < 41 and 115 < thing.place.longitude < 118 for thing in air.things.values())
    assert all(52.3 < thing.place.latitude < 52.7 and 13 < thing.place.longitude < 13.8 for thing in traffic.things.values())
    assert all(o.place == traffic.things[o.thing].place for o in traffic.observations())


@pytest.mark.parametrize("day", [date(2016, 11, 18), date(2016, 11, 19), date(2016, 11, 20)])
def test_these_days_miss_the_who_guideline_at_every_station(air: Recording, day: date) -> None:
    means = station_means(air, day)
    assert len(means) == 12
    assert min(means.values()) > 2 * WHO_24_HOURS


@pytest.mark.parametrize("day", [date(2016, 11, 21), date(2016, 11, 22)])
def test_these_days_meet_the_who_guideline_at_every_station(air: Recording, day: date) -> None:
    means = station_means(air, day)
    assert len(means) == 12
    assert max(means.values()) < WHO_24_HOURS


def test_one_day_is_the_local_day_and_the_days_are_all(traffic: Recording) -> None:
    assert traffic.days == tuple(date(2024, 10, day) for day in (26, 27, 28, 29))
    by_day = [list(traffic.observations(on=day)) for day in traffic.days]
    assert [o for one in by_day for o in one] == list(traffic.observations())
    assert {o.observed_at.astimezone(traffic.zone).date() for o in by_day[1]} == {date(2024, 10, 27)}
    assert list(traffic.observations(on=date(2024, 10, 30))) == []


# What a damaged file says. The good file is one row of each; each case breaks one thing.


def a_folder(folder: Path, row: str) -> Path:
    for name, text in {
        "beijing-air-stations.csv.gz": "station,lat,lon\nDongsi,39.929,116.417\n",
        "beijing-air.csv.gz": f"observed_at,station,pm25,pm10,so2,no2,co,o3,temp,pres,dewp,rain,wd,wspm\n{row}\n",
    }.items():
        (folder / name).write_bytes(gzip.compress(text.encode()))
    return folder


def test_a_row_of_empty_cells_is_no_observation(tmp_path: Path) -> None:
    assert list(beijing_air(a_folder(tmp_path, "2016-11-20T00:00:00+08:00,Dongsi,,,,,,,,,,,,")).observations()) == []


def test_a_sound_row_is_read_whole(tmp_path: Path) -> None:
    seen: list[Observation] = list(beijing_air(a_folder(tmp_path, "2016-11-20T00:00:00+08:00,Dongsi,-1,2,3,4,5,6,7,8,9,0,ENE,1.5")).observations())
    assert [str(o.value) for o in seen] == ["-1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "67.5", "1.5"]


@pytest.mark.parametrize(
    "row",
    [
        "2016-11-20T00:00:00+08:00,Dongsi,x,2,3,4,5,6,7,8,9,0,ENE,1.5",
        "2016-11-20T00:00:00+08:00,Dongsi,NaN,2,3,4,5,6,7,8,9,0,ENE,1.5",
        "2016-11-20T00:00:00+08:00,Dongsi,1,2,3,4,5,6,7,8,9,0,EEN,1.5",
        "2016-11-20T00:00:00+08:00,Nowhere,1,2,3,4,5,6,7,8,9,0,ENE,1.5",
        "2016-11-20T25:00:00+08:00,Dongsi,1,2,3,4,5,6,7,8,9,0,ENE,1.5",
        "2016-11-20T00:00:00+08:00,Dongsi,1,2,3,4,5,6,7,8,9,0,ENE",
        "2016-11-20T00:00:00+08:00,Dongsi,1,2,3,4,5,6,7,8,9,0,ENE,1.5,9",
    ],
)
def test_a_cell_that_cannot_be_read_is_named_by_file_and_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(BadRecord, match=r"beijing-air.csv.gz, line 2"):
        list(beijing_air(a_folder(tmp_path, row)).observations())


def test_shifting_says_by_how_many_days(air: Recording) -> None:
    shifted = air.shift_to(date(2026, 11, 23))
    assert shifted.days[-1] == date(2026, 11, 23)
    assert shifted.shifted_days == (date(2026, 11, 23) - date(2016, 11, 22)).days
    assert [(o.thing, o.property, o.value, o.observed_at + timedelta(days=shifted.shifted_days)) for o in air.observations()] == [
        (o.thing, o.property, o.value, o.observed_at) for o in shifted.observations()
    ]


def test_a_day_of_a_shifted_recording_is_asked_for_by_its_new_date(air: Recording) -> None:
    shifted = air.shift_to(date(2026, 11, 23))
    assert [o.value for o in shifted.observations(on=date(2026, 11, 22))] == [o.value for o in air.observations(on=date(2016, 11, 21))] != []
    assert list(shifted.observations(on=date(2016, 11, 21))) == []
