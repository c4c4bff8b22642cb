from decimal import Decimal

import pytest
from stratapolis.data.tables.properties import PropertyHasAnotherUnit, UnknownProperty, city_properties
from stratapolis.data.tables.units import UnitsNotConvertible, UnknownUnit, unit_of

CANONICAL = {
    **dict.fromkeys(("pm25", "pm10", "so2", "no2", "co", "o3"), "ug/m3"),
    **dict.fromkeys(("temperature", "dew_point"), "Cel"),
    **dict.fromkeys(("vehicle_count", "car_count", "truck_count"), "{vehicle}"),
    **dict.fromkeys(("vehicle_speed", "car_speed", "truck_speed"), "km/h"),
    "pressure": "hPa",
    "rain": "mm",
    "wind_speed": "m/s",
    "wind_direction": "deg",
}


def test_the_city_keeps_each_property_in_its_one_unit() -> None:
    assert dict(city_properties().canonical) == CANONICAL
    assert all(unit_of(unit) for unit in city_properties().canonical.values())


def test_a_value_is_kept_in_the_canonical_unit() -> None:
    assert city_properties().keep("temperature", Decimal("273.15"), "K") == 0
    assert city_properties().keep("pm25", Decimal("0.015"), "mg/m3") == 15
    assert city_properties().keep("wind_speed", Decimal(18), "km/h") == 5
    assert city_properties().keep("vehicle_count", Decimal("7"), "{vehicle}") == 7


def test_a_unit_of_another_kind_is_refused() -> None:
    with pytest.raises(UnitsNotConvertible):
        city_properties().keep("pm25", Decimal(15), "hPa")


def test_a_property_nobody_declared_is_refused() -> None:
    with pytest.raises(UnknownProperty, match="noise"):
        city_properties().keep("noise", Decimal(60), "dB")


def test_a_product_declares_its_own_property() -> None:
    product = city_properties().declaring({"noise": "dB", "pm25": "ug/m3"})
    assert product.keep("noise", Decimal(60), "dB") == 60
    assert product.unit("pm10") == "ug/m3"
    with pytest.raises(UnknownProperty):
        city_properties().unit("noise")


def test_a_known_property_cannot_be_given_another_unit() -> None:
    with pytest.raises(PropertyHasAnotherUnit) as refused:
        city_properties().declaring({"pm25": "mg/m3"})
    assert (refused.value.name, refused.value.known, refused.value.declared) == ("pm25", "ug/m3", "mg/m3")


def test_an_own_property_needs_a_known_unit() -> None:
    with pytest.raises(UnknownUnit):
        city_properties().declaring({"noise": "decibel"})
