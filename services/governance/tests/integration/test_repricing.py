"""Subscriptions move to the prices of a new version: dearer ones with notice, cheaper ones at once, each use by what held when it was made."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.ledger_pb2 import PriceChange
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.times import to_time
from stratapolis.governance import charging
from stratapolis.governance.domain.tariff import NOTICE, period_of, start_of
from stratapolis.governance.store import tariffs

from services.governance.tests.integration.asking import OFFICER, Asking, a_manifest, a_person
from services.governance.tests.integration.paying import FREE, PRICE, a_paid_service, a_start, a_use, subscribe

ADA = a_person("person:ada")
CHEAPER = PRICE.replace(b'unitPrice: "0.11"', b'unitPrice: "0.07"').replace(b'fee: "9.90"', b'fee: "7.90"')
DEARER = PRICE.replace(b'unitPrice: "0.11"', b'unitPrice: "0.19"').replace(b'fee: "9.90"', b'fee: "12.90"')


async def upgrade(asking: Asking, price: bytes) -> None:
    """A further version of the paid service, live."""
    journey = await asking.propose(a_person("founder-1", await creator_of_all(asking)), a_manifest().replace(FREE, price))
    await asking.go_live(journey.journey_id)
    await asking.city.run("move_subscriptions")


async def creator_of_all(asking: Asking) -> str:
    """The value creator of the paid service."""
    async with asking.city.db.transaction() as tx:
        return str(await tx.value("select distinct creator_id from service"))


async def changes(asking: Asking, caller: Caller = ADA) -> list[PriceChange]:
    return list((await asking("list_price_changes", pb.ListPriceChangesRequest(), caller)).price_changes)


async def costs(asking: Asking, service_id: str, subscription_id: str, at: datetime) -> Decimal:
    """What a use made at a time is charged."""
    use = a_use(service_id, subscription_id, at=at)
    await asking.city.deliver(use)
    found = (await asking("list_entries", pb.ListEntriesRequest(account="receivable:person:ada", service_id=service_id), OFFICER)).entries
    return next((to_decimal(entry.amount) for entry in found if entry.source == f"use:{service_id}:{use.use_id}"), Decimal(0))


async def test_cheaper_prices_hold_at_once_and_a_use_made_before_costs_what_it_did(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    mine = await subscribe(asking, service_id)
    before = datetime.now(UTC)
    await upgrade(asking, CHEAPER)
    (change,) = await changes(asking)
    assert (change.subscription_id, change.plan, change.valid_from_time) == (mine, "per-trip", change.notice_time)
    assert await costs(asking, service_id, mine, datetime.now(UTC)) == Decimal("0.07")
    assert await costs(asking, service_id, mine, before - timedelta(days=40)) == Decimal("0.11")


async def test_dearer_prices_hold_with_the_first_month_after_thirty_days_notice(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    mine = await subscribe(asking, service_id)
    await upgrade(asking, DEARER)
    (change,) = await changes(asking)
    valid, noticed = to_time(change.valid_from_time), to_time(change.notice_time)
    assert valid == start_of(period_of(valid)) and noticed + NOTICE <= valid < noticed + NOTICE + timedelta(days=31)
    assert await costs(asking, service_id, mine, valid - timedelta(seconds=1)) == Decimal("0.11")
    assert await costs(asking, service_id, mine, valid) == Decimal("0.19")
    later = await subscribe(asking, service_id, subscriber="person:ben", at=datetime.now(UTC))
    assert {one.subscription_id for one in await changes(asking, OFFICER)} == {mine} != {later}


@pytest.mark.parametrize(("price", "new"), [(DEARER, "12.90"), (CHEAPER, "7.90")])
async def test_a_months_fee_is_what_held_when_the_month_began(asking: Asking, price: bytes, new: str) -> None:
    service_id = await a_paid_service(asking)
    mine = await subscribe(asking, service_id, plan="monthly", at=datetime.now(UTC))
    await upgrade(asking, price)
    valid = to_time((await changes(asking))[0].valid_from_time)
    in_three_months = datetime.now(UTC) + timedelta(days=92)
    async with asking.city.db.transaction() as tx:
        await charging.charge_fees(tx, await tariffs.subscription(tx, mine, service_id, to_change=True), at=in_three_months)
    found = (await asking("list_entries", pb.ListEntriesRequest(account="receivable:person:ada"), OFFICER)).entries
    fees = {entry.service_period: to_decimal(entry.amount) for entry in found}
    this_month = period_of(datetime.now(UTC))
    assert len(fees) == 4
    assert fees == {month: Decimal(new if start_of(month) >= valid and month != this_month else "9.90") for month in fees}


async def test_a_rollback_before_dearer_prices_hold_takes_them_back(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    mine = await subscribe(asking, service_id)
    await upgrade(asking, DEARER)
    pending = to_time((await changes(asking))[0].valid_from_time)
    await upgrade(asking, PRICE)
    assert [to_time(one.valid_from_time) < pending for one in await changes(asking)] == [True]
    assert await costs(asking, service_id, mine, pending + timedelta(days=1)) == Decimal("0.11")


async def test_a_plan_that_is_no_longer_offered_is_kept_at_its_prices(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    mine = await subscribe(asking, service_id)
    await upgrade(asking, PRICE.replace(b"name: per-trip", b"name: by-the-trip"))
    assert await changes(asking) == []
    assert await costs(asking, service_id, mine, datetime.now(UTC)) == Decimal("0.11")


async def test_a_subscription_that_is_heard_of_after_the_upgrade_moves_as_the_others_did(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    before = datetime.now(UTC)
    await upgrade(asking, DEARER)
    await asking.city.deliver(a_start(service_id, "late", plan="per-trip", at=before - timedelta(minutes=1)))
    (change,) = await changes(asking)
    assert change.subscription_id == "late" and to_time(change.valid_from_time) >= before + NOTICE


async def test_many_subscriptions_are_moved_some_at_a_time_each_once(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratapolis.governance.jobs.MOVED_AT_ONCE", 2)
    service_id = await a_paid_service(asking)
    for number in range(5):
        await subscribe(asking, service_id, subscriber=f"person:{number}")
    await upgrade(asking, CHEAPER)
    for _ in range(4):
        await asking.city.run("move_subscriptions")
    moved = [one.subscription_id for one in await changes(asking, OFFICER)]
    assert len(moved) == len(set(moved)) == 5
    async with asking.city.db.transaction() as tx:
        assert await tx.value("select count(*) from repricing") == 0


async def test_a_subscriber_sees_its_own_moves_and_a_value_creator_those_of_its_services(asking: Asking) -> None:
    service_id = await a_paid_service(asking)
    await subscribe(asking, service_id)
    await subscribe(asking, service_id, subscriber="person:ben")
    await upgrade(asking, CHEAPER)
    creator = a_person("founder-1", await creator_of_all(asking))
    seen = [len(await changes(asking, who)) for who in (ADA, creator, OFFICER, a_person("stranger"))]
    assert seen == [1, 2, 2, 0]
