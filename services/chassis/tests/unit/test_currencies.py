import re

import pytest
from stratapolis.chassis.tables.currencies import UnknownCurrency, currencies, minor_units


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("EUR", 2),
        ("USD", 2),
        ("HUF", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("ISK", 0),
        ("XOF", 0),
        ("UYI", 0),
        ("KWD", 3),
        ("TND", 3),
        ("IQD", 3),
        ("CLF", 4),
        ("UYW", 4),
    ],
)
def test_minor_units_are_those_of_iso_4217(code: str, digits: int) -> None:
    assert minor_units(code) == digits


@pytest.mark.parametrize("code", ["", "eur", " EUR", "EURO", "ZZZ", "978", "HRK", "BGN", "ANG", "ZWL"])
def test_a_code_that_is_not_active_is_refused_by_name(code: str) -> None:
    with pytest.raises(UnknownCurrency, match=re.escape(repr(code))) as refused:
        minor_units(code)
    assert refused.value.code == code


@pytest.mark.parametrize("code", ["XAU", "XDR", "XTS", "XXX"])
def test_what_has_no_minor_unit_is_not_money(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        minor_units(code)


def test_list_one_is_complete() -> None:
    # List one of 2026-01-01 has 178 codes, 13 of them without a minor unit.
    assert len(currencies()) == 178 - 13
    assert all(re.fullmatch("[A-Z]{3}", code) and row.code == code and row.name for code, row in currencies().items())
    assert {row.minor_units for row in currencies().values()} == {0, 2, 3, 4}


def test_the_table_is_read_once_and_cannot_be_changed() -> None:
    assert currencies() is currencies()
    with pytest.raises(TypeError):
        currencies()["ZZZ"] = currencies()["EUR"]  # type: ignore[index]
