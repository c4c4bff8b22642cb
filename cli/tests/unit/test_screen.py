"""Amounts as people read them."""

from decimal import Decimal

import pytest
from stratapolis.cli.screen import money


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1.200000000", "EUR", "1.20 EUR"),
        ("49", "EUR", "49.00 EUR"),
        ("0.045000000", "EUR", "0.045 EUR"),
        ("-0.000000001", "EUR", "-0.000000001 EUR"),
        ("1000.000000000", "JPY", "1000 JPY"),
        ("0.5", "JPY", "0.5 JPY"),
    ],
)
def test_money_has_the_digits_of_its_currency_or_all_it_has(amount: str, currency: str, shown: str) -> None:
    assert money(Decimal(amount), currency) == shown
