"""Prices from the manifest and back from the database, and money on the wire: exactly, every field."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from city.governance.v1 import ledger_pb2
from city.manifest.v1 import manifest_pb2 as m
from city.value_catalog.v1.events_pb2 import ServiceUsed, SubscriptionStarted
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.codec import ledger as codec
from stratapolis.governance.codec.tariffs import MODELS, tariff_of
from stratapolis.governance.codec.uses import started_of, use_of
from stratapolis.governance.domain.ledger import ChargeKind, Line
from stratapolis.governance.domain.step import Share
from stratapolis.governance.domain.subscription import Use
from stratapolis.governance.domain.tariff import Model, Plan, Tariff, Tier
from stratapolis.governance.store.ledger import Balance, Entry, Total
from stratapolis.governance.store.statements import Statement
from stratapolis.governance.store.tariffs import PLANS, SHARES

from services.governance.tests.unit.builders import NOW, a_proposal

PRICES = st.decimals(0, Decimal(10) ** 12, places=9, allow_nan=False)
AMOUNTS = st.decimals(-(Decimal(10) ** 12), Decimal(10) ** 12, places=9, allow_nan=False)
TIERS = st.lists(st.builds(Tier, unit_price=PRICES, up_to=st.none() | st.integers(1, 10**12)), max_size=4).map(tuple)
PLAN = st.builds(Plan, name=st.text(max_size=20), model=st.sampled_from(Model), fee=PRICES, tiers=TIERS, cap=st.none() | PRICES)
SMALL = Decimal("0.000000001")
TARIFF = Tariff(
    tariff_id="tariff-1",
    service_id="service-1",
    valid_from=NOW,
    currency="EUR",
    plans=(Plan(name="monthly", model=Model.SUBSCRIPTION, fee=Decimal("9.90")),),
    shares=(Share(party="creator-1", basis_points=10_000),),
)


@given(st.lists(PLAN, max_size=4).map(tuple), st.lists(st.builds(Share, party=st.text(max_size=9), basis_points=st.integers(0, 10_000)), max_size=4).map(tuple))
def test_prices_and_shares_survive_the_database_to_the_billionth(plans: tuple[Plan, ...], shares: tuple[Share, ...]) -> None:
    assert PLANS.validate_python(orjson.loads(orjson.dumps(PLANS.dump_python(plans, mode="json")))) == plans
    assert SHARES.validate_python(orjson.loads(orjson.dumps(SHARES.dump_python(shares, mode="json")))) == shares


def test_a_manifests_plans_are_the_tariffs_and_its_shares_the_journeys() -> None:
    tiers = [m.Tier(up_to=10, unit_price="0.000000001"), m.Tier(unit_price="0")]
    plans = [
        m.Plan(name="trial", model=m.MODEL_FREE),
        m.Plan(name="monthly", model=m.MODEL_SUBSCRIPTION, fee="9.90"),
        m.Plan(name="per-trip", model=m.MODEL_PAY_PER_USE, tiers=tiers, cap="20"),
    ]
    tariff = tariff_of(a_proposal(), m.Manifest(spec=m.Spec(price=m.Price(currency="EUR", plans=plans))), at=NOW)
    assert (tariff.tariff_id, tariff.service_id, tariff.valid_from, tariff.currency) == ("tariff-1", "service-1", NOW, "EUR")
    assert tariff.shares == (Share(party="creator-1", basis_points=10_000),)
    assert tariff.plans == (
        Plan(name="trial", model=Model.FREE),
        Plan(name="monthly", model=Model.SUBSCRIPTION, fee=Decimal("9.90")),
        Plan(name="per-trip", model=Model.PAY_PER_USE, tiers=(Tier(unit_price=SMALL, up_to=10), Tier(unit_price=Decimal(0))), cap=Decimal(20)),
    )


def test_every_model_of_the_contract_is_rated() -> None:
    assert set(MODELS) == set(m.Model.values()) - {m.MODEL_UNSPECIFIED} and set(MODELS.values()) == set(Model)


def test_every_kind_of_charge_has_a_word_on_the_wire() -> None:
    assert set(codec.KINDS) == set(ChargeKind)
    assert set(codec.KINDS.values()) == set(ledger_pb2.ChargeKind.values()) - {ledger_pb2.CHARGE_KIND_UNSPECIFIED}


@given(AMOUNTS)
def test_a_decimal_is_written_shortly_and_read_exactly(amount: Decimal) -> None:
    written = codec.text(amount)
    assert Decimal(written) == amount
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)([.][0-9]*[1-9])?", written)


@pytest.mark.parametrize(
    ("amount", "currency", "written"), [("49", "EUR", "49.00"), ("-14.74", "EUR", "-14.74"), ("120", "JPY", "120"), ("1.5", "KWD", "1.500")]
)
def test_what_is_paid_has_the_digits_of_its_currency(amount: str, currency: str, written: str) -> None:
    assert codec.paid(Decimal(amount), currency) == written


@given(AMOUNTS)
def test_an_entry_is_shown_whole(amount: Decimal) -> None:
    entry = Entry(
        entry_id=7,
        charge_id="charge-1",
        kind=ChargeKind.REVERSAL,
        source="reversal:charge-0",
        account="receivable:person:ada",
        currency="EUR",
        amount=amount,
        service_id="service-1",
        period="2026-06",
        service_period="2026-05",
        posted_at=NOW,
        reason="counted twice",
    )
    shown = codec.entry_shown(entry)
    assert to_decimal(shown.amount) == amount and shown.amount.currency_code == "EUR"
    assert shown.posted_time.ToDatetime(UTC) == NOW and shown.kind == ledger_pb2.CHARGE_KIND_REVERSAL
    for name in {field.name for field in fields(Entry)} - {"amount", "currency", "kind", "posted_at"}:
        assert getattr(shown, name) == getattr(entry, name)


def test_what_the_ledger_shows_has_every_field_that_the_contract_has() -> None:
    about = {"period": "2026-05", "account": "receivable:person:ada", "owner": "person:ada", "currency": "EUR"}
    statement = Statement(**about, statement_id="statement-1", total=Decimal("1.20"), lines=1, closed_at=NOW)
    line = Line(service_id="service-1", service_period="2026-05", entries=2, exact=Decimal("1.204"), amount=Decimal("1.20"))
    shown = (
        codec.statement_shown(statement),
        codec.line_shown(line, "EUR"),
        codec.period_shown("2026-05", NOW + timedelta(days=3), NOW),
        codec.balance_shown(Balance(account="rounding", currency="EUR", amount=SMALL, entries=1)),
        codec.total_shown(Total(currency="EUR", debits=SMALL, credits=SMALL, entries=2)),
    )
    for message in shown:
        assert {field.name for field, _ in message.ListFields()} == set(message.DESCRIPTOR.fields_by_name), message.DESCRIPTOR.name
    assert not codec.period_shown("2026-05", NOW, None).HasField("closed_time")


def test_a_started_subscription_owes_from_the_month_it_starts_in() -> None:
    event = SubscriptionStarted(service_id="service-1", subscription_id="subscription-1", subscriber="person:ada", plan="monthly", start_time=to_timestamp(NOW))
    started = started_of(event, TARIFF, TARIFF.plans[0])
    assert (started.subscription_id, started.service_id, started.subscriber, started.tariff_id, started.plan) == (
        "subscription-1", "service-1", "person:ada", "tariff-1", "monthly",
    )  # fmt: skip
    assert (started.started_at, started.ended_at, started.fee_due) == (NOW, None, "2026-01")


@given(st.integers(1, 10**9), st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds are naive
def test_every_field_of_a_use_survives_the_wire(quantity: int, used_at: datetime) -> None:
    event = ServiceUsed(service_id="service-1", use_id="use-1", subscription_id="subscription-1", quantity=quantity, used_time=to_timestamp(used_at))
    assert use_of(event) == Use(service_id="service-1", use_id="use-1", subscription_id="subscription-1", quantity=quantity, used_at=used_at)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_use_of_nothing_is_permanently_wrong(quantity: int) -> None:
    with pytest.raises(Permanent):
        use_of(ServiceUsed(service_id="service-1", use_id="use-1", subscription_id="subscription-1", quantity=quantity))
