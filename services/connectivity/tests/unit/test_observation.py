"""Items of a batch: each is taken or refused alone, with the field that is wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.connectivity.domain.observation import Device, ItemRefused, Observation, Place, read

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
STATION = Device("thing:1", "creator-1", "air-quality-station", Place(52.5, 13.4), frozenset({"pm25", "no2"}), NOW, NOW)


def an_item(**changes: Any) -> dict[str, Any]:
    return {"property": "pm25", "value": "12.5", "unit": "ug/m3", "observed_at": "2026-01-05T11:00:00Z", **changes}


def taken(item: object) -> Observation:
    found = read(item, STATION, at=NOW)
    assert isinstance(found, Observation), found
    return found


def refused(item: object) -> ItemRefused:
    found = read(item, STATION, at=NOW)
    assert isinstance(found, ItemRefused), found
    return found


def test_an_item_is_taken_with_the_devices_place_where_it_says_none() -> None:
    assert taken(an_item()) == Observation("pm25", "12.5", "ug/m3", datetime(2026, 1, 5, 11, tzinfo=UTC), Place(52.5, 13.4))
    moved = an_item(place={"latitude": Decimal("52.1"), "longitude": 13}, flags=["ambiguous_time"])
    assert taken(moved).place == Place(52.1, 13.0)
    assert taken(moved).flags == ("ambiguous_time",)


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=9, allow_nan=False))
def test_no_digit_of_a_value_is_lost(value: Decimal) -> None:
    assert Decimal(taken(an_item(value=value)).value) == value
    assert Decimal(taken(an_item(value=f"{value:f}")).value) == value


@pytest.mark.parametrize(("written", "plain"), [(Decimal("1E+3"), "1000"), ("-0.5", "-0.5"), (7, "7"), (Decimal("1.50"), "1.50")])
def test_a_value_is_written_out(written: object, plain: str) -> None:
    assert taken(an_item(value=written)).value == plain


@pytest.mark.parametrize(
    "value", ["", "NaN", "Infinity", "-Infinity", Decimal("NaN"), "1,5", "1e30", "0.0000000001", True, None, [], {}, "1" * 16, "1e-12", "٣"]
)
def test_what_is_no_finite_decimal_is_no_value(value: object) -> None:
    assert refused(an_item(value=value)).field == "value"


@pytest.mark.parametrize("time", ["", "2026-01-05", "2026-01-05T11:00:00", "yesterday", 1767610800, None, "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z"])
def test_a_time_has_its_offset_and_its_place_in_the_calendar(time: object) -> None:
    assert refused(an_item(observed_at=time)).field == "observed_at"


def test_a_time_is_utc_to_the_millisecond() -> None:
    assert taken(an_item(observed_at="2026-01-05T12:30:00.123999+01:00")).observed_at == datetime(2026, 1, 5, 11, 30, 0, 123000, tzinfo=UTC)


def test_a_clock_may_be_an_hour_ahead_and_no_more() -> None:
    assert taken(an_item(observed_at=(NOW + timedelta(hours=1)).isoformat())).observed_at == NOW + timedelta(hours=1)
    assert refused(an_item(observed_at=(NOW + timedelta(hours=1, seconds=1)).isoformat())).reason == "OBSERVED_TIME_OUT_OF_RANGE"


def test_a_device_observes_what_it_is_registered_for() -> None:
    assert refused(an_item(property="noise")).reason == "PROPERTY_NOT_OBSERVED"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"property": 5}, "property"), ({"unit": ""}, "unit"), ({"unit": "µg/m3"}, "unit"), ({"place": {"latitude": 1}}, "place"),
        ({"place": {"latitude": Decimal("90.1"), "longitude": 0}}, "place.latitude"), ({"place": {"latitude": True, "longitude": 0}}, "place.latitude"),
        ({"flags": ["Bad"]}, "flags"), ({"flags": ["a"] * 9}, "flags"), ({"thing": "thing:2"}, "thing"), ({"owner": "creator-2"}, "owner"),
    ],
)  # fmt: skip
def test_the_wrong_field_is_named(changes: dict[str, Any], field: str) -> None:
    assert refused(an_item(**changes)).field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.sampled_from(["latitude", "longitude"]), inner, max_size=4),
)


@given(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(("property", "value", "unit", "observed_at", "place", "flags"), JSON)))
def test_whatever_is_posted_gets_a_result(item: object) -> None:
    assert isinstance(read(item, STATION, at=NOW), Observation | ItemRefused)


@given(st.sampled_from(["value", "place", "observed_at", "flags", "unit"]), JSON)
def test_whatever_stands_in_one_field_gets_a_result(field: str, value: object) -> None:
    assert isinstance(read(an_item(**{field: value}), STATION, at=NOW), Observation | ItemRefused)
