"""Money keeps every nano and rounds only where it says so."""

from __future__ import annotations

from decimal import Decimal

import pytest
from city.types.v1.types_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis import money
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.tables.currencies import UnknownCurrency

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=9)


@given(amounts)
def test_every_amount_survives_the_way_to_the_contract_and_back(amount: Decimal) -> None:
    assert money.to_decimal(money.to_money(amount, "EUR")) == amount


@given(amounts)
def test_units_and_nanos_have_one_sign_and_nanos_are_less_than_a_unit(amount: Decimal) -> None:
    made = money.to_money(amount, "EUR")
    assert made.units * made.nanos >= 0
    assert abs(made.nanos) < 10**9


@given(amounts)
def test_written_amounts_are_read_back(amount: Decimal) -> None:
    assert money.parse_amount(f"{amount:f}") == amount


@pytest.mark.parametrize("text", ["", "1,5", "1e3", "NaN", "+1", "1.", ".5", "1.0000000001", "٣", "1_000", "10000000000000", "--1", " 1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|too large"):
        money.parse_amount(text)


@pytest.mark.parametrize("amount", ["0.0000000001", "NaN", "Infinity", "1000000000001"])
def test_what_money_cannot_hold_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"places|no amount"):
        money.to_money(Decimal(amount), "EUR")


def test_units_and_nanos_of_different_signs_are_refused() -> None:
    with pytest.raises(InvalidField):
        money.to_decimal(Money(currency_code="EUR", units=1, nanos=-1))


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "EUR", "0.12"),
        ("0.135", "EUR", "0.14"),
        ("-0.125", "EUR", "-0.12"),
        ("0.5", "JPY", "0"),
        ("1.5", "JPY", "2"),
        ("1.0005", "KWD", "1.000"),
        ("999999999999.995", "EUR", "1000000000000.00"),
    ],
)
def test_halves_go_to_the_even_minor_unit(amount: str, currency: str, rounded: str) -> None:
    assert str(money.round_minor(Decimal(amount), currency)) == rounded


def test_no_currency_no_rounding() -> None:
    with pytest.raises(UnknownCurrency):
        money.round_minor(Decimal(1), "XAU")
