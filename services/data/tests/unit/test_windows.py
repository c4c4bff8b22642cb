"""Days and hours of zones: without gap or overlap, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.data.domain.errors import EndBeforeStart, NoSuchDate, RangeTooLong, UnknownZone
from stratapolis.data.domain.windows import Window, a_day, boundaries, day_of, day_span, day_start, zone_of

ZONES = ("Europe/Berlin", "Asia/Shanghai", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Apia", "UTC")
DAYS = st.dates(date(2000, 1, 1), date(2036, 12, 31))
HOUR = timedelta(hours=1)
MOMENTS = st.integers(0, 37 * 365 * 86_400).map(lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(st.sampled_from(ZONES), MOMENTS)
def test_every_moment_lies_in_the_span_of_its_day(zone: str, moment: datetime) -> None:
    start, end = day_span(day_of(moment, zone_of(zone)), zone_of(zone))
    assert start <= moment < end


@given(st.sampled_from(ZONES), DAYS, st.integers(0, 20), st.sampled_from(Window))
def test_windows_follow_each_other_from_the_first_day_to_the_last(zone: str, first: date, days: int, window: Window) -> None:
    last = first + timedelta(days=days)
    found = boundaries(first, last, zone_of(zone), window)
    assert found[0] == day_start(first, zone_of(zone)) and found[-1] == day_start(last + timedelta(days=1), zone_of(zone))
    shortest = timedelta(0) if zone == "Pacific/Apia" else timedelta(minutes=30)
    assert all(shortest <= later - earlier <= (HOUR if window is Window.HOUR else 25 * HOUR) for earlier, later in pairwise(found))


@given(st.sampled_from(("Europe/Berlin", "Asia/Shanghai", "America/Sao_Paulo", "Africa/Cairo")), DAYS)
def test_a_day_is_23_to_25_hours_long(zone: str, day: date) -> None:
    start, end = day_span(day, zone_of(zone))
    assert end - start in (23 * HOUR, 24 * HOUR, 25 * HOUR)


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 10, 28), 24)])
def test_berlin_changes_its_clocks(day: date, hours: int) -> None:
    assert len(boundaries(day, day, zone_of("Europe/Berlin"), Window.HOUR)) - 1 == hours


def test_a_day_begins_at_its_first_moment_where_there_is_no_midnight() -> None:
    """On 2018-11-04 the clocks of Sao Paulo went from 00:00 to 01:00, at 03:00 UTC."""
    assert day_start(date(2018, 11, 4), zone_of("America/Sao_Paulo")) == datetime(2018, 11, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Europe/Berlim", "Europe", "", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone_of(name)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "x", "", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(NoSuchDate):
        a_day(text, "start")


def test_ranges_that_end_before_they_start_or_are_too_long_are_refused() -> None:
    zone, first = zone_of("UTC"), date(2024, 1, 1)
    assert len(boundaries(first, date(2024, 12, 31), zone, Window.HOUR)) == 366 * 24 + 1
    with pytest.raises(RangeTooLong):
        boundaries(first, date(2025, 1, 1), zone, Window.HOUR)
    with pytest.raises(EndBeforeStart):
        boundaries(first, date(2023, 12, 31), zone, Window.DAY)
