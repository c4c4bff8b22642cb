"""Decimals are written exactly for programs and shortly for people."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.decimals import plain, reading

EXACT = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**28), max_value=10**28, places=9)


@pytest.mark.parametrize(("value", "text"), [("12.500000000", "12.5"), ("100", "100"), ("0E-9", "0"), ("-0.10", "-0.1"), ("1E+3", "1000")])
def test_idle_zeros_and_exponents_are_left_out(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(EXACT)
def test_nothing_is_lost_to_programs(value: Decimal) -> None:
    assert Decimal(plain(value)) == value and "E" not in plain(value)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("54.979166666", "ug/m3", "54.98 ug/m3"),
        ("9.645833333", "ug/m3", "9.646 ug/m3"),
        ("66.666666667", "%", "66.67 %"),
        ("123456.7", "{use}", "123457 {use}"),
        ("100.000000000", "%", "100 %"),
        ("0.000123456", "m", "0.0001235 m"),
        ("-3.10", "Cel", "-3.1 Cel"),
        ("0.000", "", "0"),
        ("100", "1", "100"),
        ("99999.5", "1", "100000"),
    ],
)
def test_people_read_few_digits_and_the_whole_part(value: str, unit: str, text: str) -> None:
    assert reading(Decimal(value), unit) == text


@given(EXACT)
def test_a_reading_is_near_the_value(value: Decimal) -> None:
    assert abs(Decimal(reading(value, "1")) - value) <= max(abs(value) / 1000, Decimal(0))
