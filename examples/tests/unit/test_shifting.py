import gzip
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stratapolis.examples.recorded import Flag, Recording, berlin_traffic

START = datetime.fromisoformat("2024-10-26T00:00")
"""Three local days, the second of which has its 02:00 twice; one row an hour."""
LOCAL_HOURS = [START + timedelta(hours=hour) for hour in range(72)]


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("berlin")
    write(folder, [f"{local:%Y-%m-%dT%H:%M},TE001,{number},50,0,-1,0,-1" for number, local in enumerate(LOCAL_HOURS)])
    return berlin_traffic(folder)


def write(folder: Path, rows: list[str]) -> None:
    for name, lines in {
        "berlin-traffic-sites.csv.gz": ["site_id,street,direction,lat,lon", "TE001,A115,Nord,52.4,13.2"],
        "berlin-traffic.csv.gz": ["local_time,site_id,veh_count,veh_speed,car_count,car_speed,truck_count,truck_speed", *rows],
    }.items():
        (folder / name).write_bytes(gzip.compress("\n".join(lines).encode()))


def counts(recording: Recording) -> dict[int, datetime]:
    """When the n-th recorded hour is said to have been."""
    return {int(o.value): o.observed_at for o in recording.observations() if o.property == "vehicle_count"}


@given(st.dates(date(2000, 1, 1), date(2035, 12, 31)))
@example(date(2025, 3, 30))
@example(date(2025, 10, 26))
@example(date(2024, 10, 28))
def test_whole_days_are_added_and_the_local_hour_is_kept(traffic: Recording, days_end: date) -> None:
    shifted = traffic.shift_to(days_end)
    moments = counts(shifted)
    for number, moment in moments.items():
        assert moment.astimezone(traffic.zone).replace(tzinfo=None, fold=0) == LOCAL_HOURS[number] + timedelta(days=shifted.shifted_days)
    assert shifted.days == tuple(days_end - timedelta(days=back) for back in (2, 1, 0))
    assert sorted(moments.values()) == list(moments.values())
    assert len(set(moments.values())) == len(moments)


@given(st.dates(date(2000, 1, 1), date(2035, 12, 31)))
@example(date(2025, 3, 30))
def test_only_an_hour_that_the_new_day_skips_is_left_out(traffic: Recording, days_end: date) -> None:
    shifted = traffic.shift_to(days_end)
    missing = {LOCAL_HOURS[number] + timedelta(days=shifted.shifted_days) for number in set(range(72)) - set(counts(shifted))}
    # Berlin's clocks go forward on the last Sunday of March, from 02:00 to 03:00.
    springs = {datetime.combine(day, time(2)) for day in shifted.days if day.month == 3 and day.weekday() == 6 and day.day > 24}
    assert missing == springs


def test_shifting_back_restores_what_was_recorded(traffic: Recording) -> None:
    there_and_back = traffic.shift_to(date(2025, 3, 30)).shift_to(traffic.days[-1])
    assert list(there_and_back.observations()) == list(traffic.observations())


def test_an_hour_doubled_only_on_the_new_day_is_flagged_too(traffic: Recording) -> None:
    shifted = traffic.shift_to(date(2025, 10, 26))
    flagged = {o.observed_at for o in shifted.observations() if Flag.AMBIGUOUS_TIME in o.flags}
    # 2025-10-26 02:00 is doubled by the calendar; 2025-10-25 02:00 was doubled when it was recorded.
    assert flagged == {datetime(2025, 10, 26, 0, tzinfo=UTC), datetime(2025, 10, 25, 0, tzinfo=UTC)}


def test_over_a_clock_change_the_distance_in_utc_is_not_whole_days(traffic: Recording) -> None:
    recorded, shifted = counts(traffic), counts(traffic.shift_to(date(2025, 7, 3)))
    assert shifted[71] - recorded[71] == timedelta(days=(date(2025, 7, 3) - date(2024, 10, 28)).days, hours=-1)


def test_a_recorded_time_that_never_was_is_refused(tmp_path: Path) -> None:
    write(tmp_path, ["2024-03-31T02:00,TE001,1,50,0,-1,0,-1"])
    with pytest.raises(ValueError, match=r"line 2: .*2024-03-31 02:00:00 does not exist in Europe/Berlin"):
        list(berlin_traffic(tmp_path).observations())
