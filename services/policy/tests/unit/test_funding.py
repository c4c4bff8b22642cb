"""Money of a source: never more reserved and committed than there is, and what is let go is free again."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some
from stratapolis.policy.domain.errors import AmountNotValid, FundingExhausted, TermNotValid
from stratapolis.policy.domain.funding import FundingKind, Reservation, commit, register, release, reserve

from services.policy.tests.builders import DAY, NOW, a_source

AMOUNTS = some.decimals(Decimal("0.000000001"), Decimal(1_000_000_000_000), places=9)
STEPS = some.lists(some.tuples(some.sampled_from(["reserve", "commit", "release"]), AMOUNTS, some.integers(0, 30)), max_size=60)


@given(AMOUNTS, STEPS)
def test_whatever_happens_the_books_of_a_source_are_those_of_its_reservations(amount: Decimal, steps: list[tuple[str, Decimal, int]]) -> None:
    source, held = a_source(amount=amount), list[Reservation]()
    for number, (step, asked, which) in enumerate(steps):
        if step == "reserve":
            left = source.available
            try:
                source, reservation = reserve(source, asked, service_id=f"service-{number}", version=1)
                held.append(reservation)
                assert asked <= left
            except FundingExhausted:
                assert asked > left
        elif held and step == "commit":
            source, held[which % len(held)] = commit(source, held[which % len(held)])
        elif held:
            source = release(source, held.pop(which % len(held)))
        assert source.reserved == sum((r.amount for r in held if not r.committed), Decimal(0))
        assert source.committed == sum((r.amount for r in held if r.committed), Decimal(0))
        assert Decimal(0) <= source.available <= source.amount
    for reservation in held:
        source = release(source, reservation)
    assert source == a_source(amount=amount)


def test_all_of_a_source_can_be_had_and_no_more() -> None:
    source, _ = reserve(a_source(), Decimal(1000), service_id="s", version=1)
    assert source.available == 0
    with pytest.raises(FundingExhausted) as refused:
        reserve(source, Decimal("0.000000001"), service_id="t", version=1)
    assert refused.value.details["left"] == "EUR 0"


def test_committing_twice_commits_once() -> None:
    once = commit(*reserve(a_source(), Decimal(10), service_id="s", version=1))
    assert commit(*once) == once
    assert once[0].committed == 10 and once[0].reserved == 0


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(-1)])
def test_nothing_cannot_be_registered_or_reserved(amount: Decimal) -> None:
    with pytest.raises(AmountNotValid):
        register("g", title="a grant", kind=FundingKind.GRANT, currency="EUR", amount=amount, start_at=NOW, end_at=NOW + DAY, at=NOW)
    with pytest.raises(AmountNotValid):
        reserve(a_source(), amount, service_id="s", version=1)


def test_a_source_without_future_is_refused() -> None:
    with pytest.raises(TermNotValid):
        register("g", title="a grant", kind=FundingKind.GRANT, currency="EUR", amount=Decimal(1), start_at=NOW - DAY, end_at=NOW, at=NOW)


def test_a_term_includes_its_start_and_not_its_end() -> None:
    source = a_source(start_at=NOW, end_at=NOW + DAY)
    assert source.runs(NOW) and not source.runs(NOW + DAY) and not source.runs(NOW - DAY)
