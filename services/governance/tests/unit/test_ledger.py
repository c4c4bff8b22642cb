"""Double entry: legs add up to zero, shares to the whole, mirrors undo, statements are rounded once."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.governance.domain.errors import ChargeNotReversible
from stratapolis.governance.domain.ledger import (
    SMALLEST,
    Charge,
    ChargeKind,
    Sum,
    charge_legs,
    line,
    owner_of,
    payable,
    receivable,
    reversal,
    rounding_legs,
    split,
    total,
)
from stratapolis.governance.domain.step import Share
from stratapolis.governance.domain.tariff import ZERO

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
AMOUNTS = st.decimals(SMALLEST, Decimal(10) ** 12, places=9, allow_nan=False)
SUMS = st.decimals(-(Decimal(10) ** 15), Decimal(10) ** 15, places=9, allow_nan=False)


def shares_of(cuts: list[int]) -> tuple[Share, ...]:
    """The parts between cuts of 10 000 basis points; the last party is the city."""
    parts = [high - low for low, high in pairwise([0, *sorted(cuts), 10_000])]
    return tuple(Share(party="city" if n == len(parts) - 1 else f"creator-{n}", basis_points=part) for n, part in enumerate(parts))


SHARES = st.lists(st.integers(0, 10_000), max_size=6).map(shares_of)


def a_charge(amount: Decimal = Decimal("0.10"), shares: tuple[Share, ...] = shares_of([7_000]), kind: ChargeKind = ChargeKind.USE) -> Charge:
    """A use by Ada in May."""
    return Charge(
        charge_id="charge-1",
        kind=kind,
        source="use:service-1:use-1",
        service_id="service-1",
        subscription_id="subscription-1",
        currency="EUR",
        amount=amount,
        period="2026-05",
        service_period="2026-05",
        posted_at=NOW,
        legs=charge_legs("person:ada", amount, shares),
    )


@given(AMOUNTS, SHARES)
def test_parts_add_up_and_none_is_a_billionth_from_what_is_its_due(amount: Decimal, shares: tuple[Share, ...]) -> None:
    parts = split(amount, shares)
    assert sum(map(Fraction, parts)) == Fraction(amount)
    for part, share in zip(parts, shares, strict=True):
        due = Fraction(amount) * share.basis_points / 10_000
        assert abs(Fraction(part) - due) < Fraction(SMALLEST)
        assert part == part.quantize(SMALLEST)


def test_what_cannot_be_split_goes_to_the_largest_remainder_and_ties_to_the_first() -> None:
    thirds = (Share(party="a", basis_points=3_333), Share(party="b", basis_points=3_333), Share(party="city", basis_points=3_334))
    assert split(SMALLEST, thirds) == (ZERO, ZERO, SMALLEST)
    halves = (Share(party="a", basis_points=5_000), Share(party="b", basis_points=5_000))
    assert split(3 * SMALLEST, halves) == (2 * SMALLEST, SMALLEST)


@given(AMOUNTS, SHARES)
def test_the_subscriber_owes_what_the_parties_are_owed(amount: Decimal, shares: tuple[Share, ...]) -> None:
    legs = charge_legs("person:ada", amount, shares)
    assert sum(Fraction(leg.amount) for leg in legs) == 0
    assert (legs[0].account, legs[0].amount) == ("receivable:person:ada", amount)
    assert all(leg.amount < 0 for leg in legs[1:])
    assert {leg.account for leg in legs[1:]} <= {payable(share.party) for share in shares if share.basis_points}


@given(AMOUNTS, SHARES)
def test_a_reversal_leaves_every_account_where_it_was(amount: Decimal, shares: tuple[Share, ...]) -> None:
    charge = a_charge(amount, shares)
    mirror = reversal(charge, charge_id="charge-2", period="2026-06", reason="counted twice", at=NOW)
    left = Counter[str]()
    for leg in (*charge.legs, *mirror.legs):
        left[leg.account] += Fraction(leg.amount)  # type: ignore[assignment]
    assert set(left.values()) == {0}
    assert (mirror.kind, mirror.source, mirror.period, mirror.service_period) == (ChargeKind.REVERSAL, "reversal:charge-1", "2026-06", "2026-05")


@pytest.mark.parametrize("kind", [ChargeKind.REVERSAL, ChargeKind.ROUNDING])
def test_a_correction_is_not_reversed(kind: ChargeKind) -> None:
    with pytest.raises(ChargeNotReversible, match=f"is a {kind}"):
        reversal(a_charge(kind=kind), charge_id="charge-2", period="2026-05", reason="so be it", at=NOW)


@pytest.mark.parametrize(
    ("exact", "digits", "amount"),
    [("0.005", 2, "0.00"), ("0.015", 2, "0.02"), ("-0.025", 2, "-0.02"), ("0.025000001", 2, "0.03"), ("2.5", 0, "2"), ("1.0005", 3, "1.000")],
)
def test_a_line_is_rounded_half_even_to_the_minor_unit(exact: str, digits: int, amount: str) -> None:
    assert line(Sum(service_id="service-1", service_period="2026-05", entries=1, exact=Decimal(exact)), digits).amount == Decimal(amount)


@given(st.lists(SUMS, min_size=1, max_size=8), st.sampled_from([0, 2, 3]))
def test_rounding_takes_an_account_to_its_statement_and_nothing_is_lost(exacts: list[Decimal], digits: int) -> None:
    lines = tuple(line(Sum(service_id=f"service-{n}", service_period="2026-05", entries=1, exact=exact), digits) for n, exact in enumerate(exacts))
    minor = Fraction(1, 10**digits)
    assert all(abs(Fraction(one.amount) - Fraction(one.exact)) <= minor / 2 for one in lines)
    legs = rounding_legs("receivable:person:ada", lines)
    assert sum(Fraction(leg.amount) for leg in legs) == 0
    moved = sum((Fraction(leg.amount) for leg in legs if leg.account == "receivable:person:ada"), Fraction(0))
    assert sum(map(Fraction, exacts)) + moved == Fraction(total(lines))
    assert Fraction(total(lines)) % minor == 0


def test_what_is_exact_needs_no_rounding() -> None:
    assert rounding_legs("revenue:city", (line(Sum(service_id="service-1", service_period="2026-05", entries=2, exact=Decimal("1.20")), 2),)) == ()


@pytest.mark.parametrize(
    ("account", "owner"),
    [(receivable("person:ada"), "person:ada"), (payable("creator-1"), "creator-1"), (payable("city"), "city"), ("rounding", "city")],
)
def test_an_account_says_whose_it_is(account: str, owner: str) -> None:
    assert owner_of(account) == owner
