"""What uses cost: tier by tier, up to a cap, however they are cut into reports; and which months there are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.governance.domain.subscription import Subscription, begun, fees_due
from stratapolis.governance.domain.tariff import (
    MOST_USES,
    NOTICE,
    Model,
    Plan,
    Position,
    Tariff,
    Tier,
    after,
    first_open,
    is_dearer,
    month_costs,
    moves_at,
    period_of,
    rate,
    start_of,
)

PRICES = st.decimals(0, 100, places=9, allow_nan=False)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
CAPS = st.none() | st.decimals(1, 500, places=2, allow_nan=False)
MONTHS = TIMES.map(period_of)


@st.composite
def plans(draw: st.DrawFn, capped: st.SearchStrategy[Decimal | None] = CAPS) -> Plan:
    """Any tiers in rising order, the last without an end."""
    ends = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    prices = [draw(PRICES) for _ in range(len(ends) + 1)]
    tiers = tuple(Tier(unit_price=price, up_to=end) for price, end in zip(prices, [*ends, None], strict=True))
    return Plan(name="any", model=Model.PAY_PER_USE, tiers=tiers, cap=draw(capped))


def one_by_one(plan: Plan, first: int, last: int) -> Decimal:
    """The price of each use of the month by itself, added up."""
    return sum((next(t.unit_price for t in plan.tiers if t.up_to is None or n <= t.up_to) for n in range(first, last + 1)), Decimal(0))


@given(plans(capped=st.none()), st.integers(0, 80), st.integers(1, 80))
def test_without_a_cap_each_use_costs_what_its_tier_says(plan: Plan, used: int, quantity: int) -> None:
    moved, amount = rate(plan, Position(used=used), quantity)
    assert amount == one_by_one(plan, used + 1, used + quantity)
    assert moved == Position(used=used + quantity, charged=amount)


@given(plans(), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_how_uses_are_cut_into_reports_changes_nothing(plan: Plan, quantities: list[int]) -> None:
    position, amounts = Position(), []
    for quantity in quantities:
        position, amount = rate(plan, position, quantity)
        amounts.append(amount)
    whole, at_once = rate(plan, Position(), sum(quantities))
    assert position == whole
    assert sum(amounts) == at_once
    assert all(amount >= 0 for amount in amounts)
    free_of_cap = one_by_one(plan, 1, sum(quantities))
    assert at_once == (free_of_cap if plan.cap is None else min(free_of_cap, plan.cap))


@given(MONTHS)
def test_months_follow_each_other_without_a_gap(month: str) -> None:
    next_one = after(month)
    assert month < next_one
    assert period_of(start_of(next_one) - timedelta(microseconds=1)) == month == period_of(start_of(month))


@given(MONTHS, st.sets(st.integers(0, 12)))
def test_the_first_open_month_is_open_and_none_before_it_is(month: str, offsets: set[int]) -> None:
    way = [month]
    while len(way) < 15:
        way.append(after(way[-1]))
    closed = {way[n] for n in offsets}
    found = first_open(month, closed)
    assert found not in closed
    assert set(way[: way.index(found)]) <= closed


def a_subscription(plan: Plan, started_at: datetime, ended_at: datetime | None = None) -> Subscription:
    about = {"subscription_id": "subscription-1", "service_id": "service-1", "subscriber": "person:ada", "tariff_id": "tariff-1", "plan": plan.name}
    return begun(Subscription(**about, started_at=started_at, ended_at=ended_at), plan)


MONTHLY = Plan(name="monthly", model=Model.SUBSCRIPTION, fee=Decimal("9.90"))


@given(TIMES, st.none() | st.timedeltas(timedelta(0), timedelta(days=200)), st.lists(st.timedeltas(timedelta(0), timedelta(days=300)), min_size=1, max_size=5))
def test_each_month_in_which_it_runs_is_due_once_when_it_has_begun(started: datetime, lasts: timedelta | None, looks: list[timedelta]) -> None:
    subscription = a_subscription(MONTHLY, started, None if lasts is None else started + lasts)
    charged: list[str] = []
    for look in sorted(looks):
        subscription, months = fees_due(subscription, at=started + look)
        charged += months
    until = started + max(looks) if lasts is None else min(started + max(looks), started + lasts)
    wanted, month = [], period_of(started)
    while start_of(month) <= until and (month == period_of(started) or lasts is None or start_of(month) < started + lasts):
        wanted.append(month)
        month = after(month)
    assert charged == wanted
    assert fees_due(subscription, at=started + max(looks)) == (subscription, ())


def test_a_month_at_whose_first_moment_it_ends_is_not_due() -> None:
    subscription = a_subscription(MONTHLY, datetime(2026, 5, 20, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
    assert fees_due(subscription, at=datetime(2026, 8, 1, tzinfo=UTC))[1] == ("2026-05", "2026-06")


@pytest.mark.parametrize(
    "plan",
    [
        Plan(name="free", model=Model.FREE),
        Plan(name="per-trip", model=Model.PAY_PER_USE, tiers=(Tier(unit_price=Decimal(1)),)),
        Plan(name="gift", model=Model.SUBSCRIPTION, fee=Decimal(0)),
    ],
)
def test_a_plan_without_a_fee_never_owes_one(plan: Plan) -> None:
    subscription = a_subscription(plan, datetime(2026, 5, 20, tzinfo=UTC))
    assert fees_due(subscription, at=datetime(2027, 1, 1, tzinfo=UTC)) == (subscription, ())


MODELS = st.one_of(
    plans(),
    st.decimals(0, 100, places=2).map(lambda fee: Plan(name="any", model=Model.SUBSCRIPTION, fee=fee)),
    st.just(Plan(name="any", model=Model.FREE)),
)


@given(MODELS, MODELS)
def test_a_plan_is_dearer_when_a_month_with_some_number_of_uses_costs_more(new: Plan, old: Plan) -> None:
    found = is_dearer(new, old)
    assert found or all(month_costs(new, uses) <= month_costs(old, uses) for uses in range(700))
    assert not found or any(month_costs(new, uses) > month_costs(old, uses) for uses in (*range(700), *range(700, 60_000, 97), MOST_USES))


@given(MODELS)
def test_no_plan_is_dearer_than_itself(plan: Plan) -> None:
    assert not is_dearer(plan, plan)


def a_tariff(fee: str, *, currency: str = "EUR", name: str = "monthly") -> Tariff:
    plan = Plan(name=name, model=Model.SUBSCRIPTION, fee=Decimal(fee))
    return Tariff(tariff_id=fee, service_id="s", valid_from=datetime(2026, 1, 1, tzinfo=UTC), currency=currency, plans=(plan,), shares=())


@given(TIMES)
def test_dearer_prices_hold_with_the_first_month_that_begins_after_the_notice(at: datetime) -> None:
    when = moves_at(a_tariff("9.90"), a_tariff("12.90"), "monthly", at=at)
    assert when is not None and when == start_of(period_of(when))
    assert at + NOTICE <= when < at + NOTICE + timedelta(days=31)


def test_cheaper_and_equal_prices_hold_at_once_another_currency_needs_notice_and_a_plan_that_goes_is_kept() -> None:
    at, old = datetime(2026, 5, 20, tzinfo=UTC), a_tariff("9.90")
    assert moves_at(old, a_tariff("7.90"), "monthly", at=at) == at
    assert moves_at(old, old, "monthly", at=at) == at
    assert moves_at(old, a_tariff("1.00", currency="CHF"), "monthly", at=at) == datetime(2026, 7, 1, tzinfo=UTC)
    assert moves_at(old, a_tariff("1.00", name="yearly"), "monthly", at=at) is None
