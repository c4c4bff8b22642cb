"""Money at the edge: Decimal with nine places inside, `city.types.v1.Money` in the contracts. No float anywhere."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from city.types.v1.types_pb2 import Money
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.tables.currencies import minor_units

_NANOS = 1_000_000_000
_LARGEST = 1_000_000_000_000
_AMOUNT = re.compile(r"-?\d{1,13}(\.\d{1,9})?")
_EXACT = Context(prec=60)
"""Wide enough that nothing is ever rounded but where a function says so."""


def to_decimal(money: Money) -> Decimal:
    """The amount; raises InvalidField when units and nanos differ in sign, or nanos are a whole unit."""
    if money.units * money.nanos < 0:
        raise InvalidField("nanos", "units and nanos have the same sign")
    if abs(money.nanos) >= _NANOS:
        raise InvalidField("nanos", "less than a whole unit")
    return _EXACT.add(Decimal(money.units), Decimal(money.nanos).scaleb(-9, _EXACT))


def to_money(amount: Decimal, currency: str) -> Money:
    """The amount in a currency, exactly; raises ValueError for more than nine places, no number, or more than 10^12 units."""
    if not amount.is_finite() or abs(amount) > _LARGEST:
        raise ValueError(f"no amount of money: {amount}")
    nanos = _EXACT.multiply(amount, Decimal(_NANOS))
    if nanos != nanos.to_integral_value():
        raise ValueError(f"more than nine places: {amount}")
    whole = int(nanos)
    units, rest = divmod(abs(whole), _NANOS)
    sign = -1 if whole < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def parse_amount(text: str) -> Decimal:
    """An amount as people write it, such as `-12.50`: point, no thousands marks, at most nine places. Raises ValueError."""
    if not _AMOUNT.fullmatch(text) or not text.isascii():
        raise ValueError(f"not an amount: {text!r}; write it like 1234.56, with at most nine places")
    amount = Decimal(text)
    if abs(amount) > _LARGEST:
        raise ValueError(f"too large: {text}")
    return amount


def round_minor(amount: Decimal, currency: str) -> Decimal:
    """Rounded half-even to the currency's minor unit (ISO 4217); raises UnknownCurrency for what is no currency."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_EVEN, context=_EXACT)
