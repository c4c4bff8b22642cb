"""ISO 4217: the currencies in which the city keeps money, each with the digits of its minor unit.

The table beside this module is list one of ISO 4217 (current currencies and funds) as it stood on 2026-01-01. Left out are the
thirteen codes whose minor unit the list gives as not applicable (metals, bond market units, XDR, XSU, XUA, XTS, XXX): no price can
be rounded in them.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from stratapolis.chassis.errors import Kind, Refused


class UnknownCurrency(Refused):
    """The code is no currency of ISO 4217 in which money can be kept."""

    reason = "UNKNOWN_CURRENCY"
    kind = Kind.INVALID

    def __init__(self, code: str) -> None:
        super().__init__(f"{code!r} is no active ISO 4217 currency with a minor unit", currency=code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """One line of the table: code, digits behind the decimal point, English name."""

    code: str
    minor_units: int
    name: str


@cache
def currencies() -> Mapping[str, Currency]:
    """All currencies by their code; read once."""
    table = files(__package__).joinpath("currencies.csv").read_text(encoding="utf-8").splitlines()
    rows = [Currency(code=row["code"], minor_units=int(row["minor_units"]), name=row["name"]) for row in csv.DictReader(table)]
    return MappingProxyType({row.code: row for row in rows})


def minor_units(code: str) -> int:
    """Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD. Raises UnknownCurrency; codes are upper case."""
    currency = currencies().get(code)
    if currency is None:
        raise UnknownCurrency(code)
    return currency.minor_units
