from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.data.tables.units import MOST_DIGITS, UnitsNotConvertible, UnknownUnit, ValueNotMeasurable, convert, unit_of, units

values = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=9)
pairs = st.sampled_from([(a, b) for a in units().values() for b in units().values() if a.dimension == b.dimension])


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        ("0.3", "mg/m3", "ug/m3", "300"),
        ("300", "ug/m3", "mg/m3", "0.3"),
        ("0", "Cel", "K", "273.15"),
        ("0", "K", "Cel", "-273.15"),
        ("-40", "[degF]", "Cel", "-40"),
        ("212", "[degF]", "Cel", "100"),
        ("32", "[degF]", "K", "273.15"),
        ("101325", "Pa", "hPa", "1013.25"),
        ("101.325", "kPa", "hPa", "1013.25"),
        ("1", "atm", "mbar", "1013.25"),
        ("36", "km/h", "m/s", "10"),
        ("10", "m/s", "km/h", "36"),
        ("1", "[mi_i]/h", "m/s", "0.44704"),
        ("2.54", "cm", "[in_i]", "1"),
        ("0.2", "cm", "mm", "2"),
        ("50", "%", "1", "0.5"),
        ("2", "d", "h", "48"),
        ("1", "kW.h", "MJ", "3.6"),
    ],
)
def test_a_value_becomes_another_unit_exactly(value: str, unit: str, to: str, expected: str) -> None:
    assert convert(Decimal(value), unit, to) == Decimal(expected)


def test_what_does_not_end_is_rounded_to_38_digits() -> None:
    assert convert(Decimal(10), "km/h", "m/s") == Decimal("2." + "7" * 36 + "8")


@given(values, pairs)
def test_there_and_back_is_the_same_value(value: Decimal, pair: tuple[object, object]) -> None:
    there, back = pair[0].code, pair[1].code  # type: ignore[attr-defined]
    again = convert(convert(value, there, back), back, there)
    assert abs(again - value) <= max(abs(value), Decimal(1000)) * Decimal(10) ** (3 - MOST_DIGITS)


@given(values, values, pairs)
def test_the_order_of_values_is_kept(one: Decimal, other: Decimal, pair: tuple[object, object]) -> None:
    low, high = sorted((one, other))
    there, back = pair[0].code, pair[1].code  # type: ignore[attr-defined]
    assert convert(low, there, back) <= convert(high, there, back)


@given(values, st.sampled_from(sorted(units())))
def test_a_unit_to_itself_changes_nothing(value: Decimal, unit: str) -> None:
    assert str(convert(value, unit, unit)) == str(value)


@pytest.mark.parametrize("unit", ["", "UG/M3", "µg/m3", "celsius", "km/h ", "mph", "vehicle", "{bus}"])
def test_an_unknown_unit_is_refused_on_either_side(unit: str) -> None:
    with pytest.raises(UnknownUnit) as refused:
        convert(Decimal(1), unit, "Cel")
    assert refused.value.unit == unit
    with pytest.raises(UnknownUnit):
        convert(Decimal(1), "Cel", unit)


@pytest.mark.parametrize(("unit", "to"), [("ug/m3", "Cel"), ("km/h", "km"), ("{vehicle}", "1"), ("{vehicle}", "{person}"), ("deg", "Cel"), ("dB", "1")])
def test_different_dimensions_do_not_convert(unit: str, to: str) -> None:
    with pytest.raises(UnitsNotConvertible, match=unit_of(unit).dimension):
        convert(Decimal(1), unit, to)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1e29", "-1e29", "1e999999", "1e-999999", "1." + "1" * 38])
def test_what_cannot_be_kept_is_refused_even_unconverted(value: str) -> None:
    for to in ("Cel", "K"):
        with pytest.raises(ValueNotMeasurable):
            convert(Decimal(value), "Cel", to)


@pytest.mark.parametrize("value", ["9.9e28", "-9.9e28", "1e-37", "0", "-0", "1." + "1" * 37])
def test_neighbours_of_what_cannot_be_kept_are_accepted(value: str) -> None:
    assert convert(Decimal(value), "Cel", "Cel") == Decimal(value)


def test_what_grows_too_large_by_conversion_is_refused() -> None:
    assert convert(Decimal("9e25"), "mg/m3", "ug/m3") == Decimal("9e28")
    with pytest.raises(ValueNotMeasurable):
        convert(Decimal("1e26"), "mg/m3", "ug/m3")


def test_freezing_point_is_a_plain_zero_however_it_was_written() -> None:
    assert str(convert(Decimal("32." + "0" * 36), "[degF]", "Cel")) == "0"


def test_each_dimension_has_one_reference_unit_and_no_factor_is_zero() -> None:
    references = [unit.dimension for unit in units().values() if unit.factor == 1 and unit.offset == 0]
    assert len(references) == len(set(references)) == len({unit.dimension for unit in units().values()})
    assert all(unit.factor > 0 for unit in units().values())
