"""Uses and fees on a real database: charged once, by the pinned tariff, whoever comes at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.ledger_pb2 import Entry
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain.tariff import after, period_of
from stratapolis.governance.handlers import uses
from stratapolis.governance.jobs import FEES_AT_ONCE

from services.governance.tests.integration.asking import OFFICER, Asking
from services.governance.tests.integration.paying import IN_MAY, MAY, a_paid_service, a_start, a_use, an_end, subscribe

CONNECTIONS = 6
"""Of the pool; two are left for others."""


async def entries(asking: Asking, **only: str) -> list[Entry]:
    """What stands in the ledger, oldest first."""
    return list(reversed((await asking("list_entries", pb.ListEntriesRequest(page_size=500, **only), OFFICER)).entries))


async def owed(asking: Asking, subscriber: str = "person:ada") -> list[Decimal]:
    """What a subscriber was charged, charge by charge."""
    return [to_decimal(entry.amount) for entry in await entries(asking, account=f"receivable:{subscriber}")]


async def hear(asking: Asking, handler: Any, *events: Any) -> None:
    """All at once, each in a transaction of its own and past the inbox, as other replicas would; no more wait than there are connections."""
    turns = asyncio.Semaphore(CONNECTIONS)

    async def one(event: Any) -> None:
        async with turns, asking.city.db.transaction() as tx:
            await handler(event, tx=tx, at=tx.at)

    await asyncio.gather(*map(one, events))


async def test_a_use_is_shared_by_the_agreement_and_says_what_it_is_for(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    await asking.city.deliver(a_use(service, subscription, quantity=12, use_id="trip-1"))
    found = await entries(asking)
    assert [to_decimal(entry.amount) for entry in found] == [Decimal("1.2"), Decimal("-0.84"), Decimal("-0.36")]
    assert [entry.account.partition(":")[0] for entry in found] == ["receivable", "payable", "revenue"]
    assert {(entry.source, entry.service_id, entry.period, entry.service_period) for entry in found} == {(f"use:{service}:trip-1", service, MAY, MAY)}


async def test_a_use_counts_once_whatever_event_brings_it(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    for quantity in (12, 12, 3):
        await asking.city.deliver(a_use(service, subscription, quantity=quantity, use_id="trip-1"))
    assert await owed(asking) == [Decimal("1.2")]
    await hear(asking, uses.on_service_used, *(a_use(service, subscription, use_id="trip-2") for _ in range(20)))
    assert await owed(asking) == [Decimal("1.2"), Decimal("0.05")]


async def test_a_use_that_comes_again_makes_the_next_one_no_cheaper(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    for _ in range(3):
        await asking.city.deliver(a_use(service, subscription, quantity=8, use_id="trip-1"))
    await asking.city.deliver(a_use(service, subscription, quantity=2, use_id="trip-2"))
    assert await owed(asking) == [Decimal("0.88"), Decimal("0.22")]


async def test_the_same_id_is_another_use_of_another_service(asking: Asking) -> None:
    for subject in ("founder-1", "founder-2"):
        service = await a_paid_service(asking, subject=subject)
        await asking.city.deliver(a_use(service, await subscribe(asking, service), use_id="trip-1"))
    assert await owed(asking) == [Decimal("0.11"), Decimal("0.11")]


async def test_fifty_uses_at_once_climb_the_tiers_one_after_the_other(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    await hear(asking, uses.on_service_used, *(a_use(service, subscription) for _ in range(50)))
    assert sorted(await owed(asking)) == [Decimal("0.05")] * 40 + [Decimal("0.11")] * 10


async def test_fifty_uses_at_once_stop_at_the_cap(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service, plan="capped")
    await hear(asking, uses.on_service_used, *(a_use(service, subscription) for _ in range(50)))
    assert sorted(await owed(asking)) == [Decimal("0.1"), *[Decimal("0.3")] * 3]


async def test_each_month_begins_at_the_first_tier(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    for at in (IN_MAY, IN_MAY + timedelta(days=31), IN_MAY):
        await asking.city.deliver(a_use(service, subscription, quantity=10, at=at))
    assert await owed(asking) == [Decimal("1.1"), Decimal("1.1"), Decimal("0.5")]


@pytest.mark.parametrize("plan", ["free", "monthly"])
async def test_a_use_that_costs_nothing_is_counted_and_not_posted(asking: Asking, plan: str) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service, plan=plan)
    before = await owed(asking)
    await asking.city.deliver(a_use(service, subscription, quantity=12))
    assert await owed(asking) == before
    async with asking.city.db.transaction() as tx:
        assert await tx.value("select sum(quantity) from used") == 12


async def test_uses_until_the_end_are_charged_after_it_too(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    await asking.city.deliver(an_end(service, subscription, at=IN_MAY + timedelta(days=2)), a_use(service, subscription, at=IN_MAY + timedelta(days=1)))
    assert await owed(asking) == [Decimal("0.11")]


async def test_a_month_is_paid_from_the_first_to_the_one_it_ends_in(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service, plan="monthly", at=datetime.now(UTC))
    assert await owed(asking) == [Decimal("9.9")]
    await asking.city.deliver(an_end(service, subscription, at=datetime.now(UTC)))
    async with asking.city.db.transaction() as tx:
        assert await tx.value("select fee_due from subscription where subscription_id = $1", subscription) is None


async def test_the_months_of_many_are_charged_in_bounded_runs_each_once(asking: Asking) -> None:
    service = await a_paid_service(asking)
    now, many = datetime.now(UTC), FEES_AT_ONCE + 10
    await asking.city.deliver(*(a_start(service, f"monthly-{n}", plan="monthly", subscriber=f"person:{n}", at=now) for n in range(many)))
    this_month, next_month = period_of(now), after(period_of(now))
    async with asking.city.db.transaction() as tx:
        assert await tx.value("select count(*) from subscription where fee_due = $1", next_month) == many
        await tx.execute("update subscription set fee_due = $1", this_month)
        await tx.execute("insert into subscription select 'late', service_id, subscriber, tariff_id, plan, started_at, null, $1 from subscription limit 1", MAY)
    counts = []
    for _ in range(3):
        await asking.city.run("charge_fees")
        async with asking.city.db.transaction() as tx:
            counts.append(await tx.value("select count(*) from subscription where fee_due = $1", next_month))
    assert counts == [FEES_AT_ONCE, many + 1, many + 1]
    async with asking.city.db.transaction() as tx:
        sources = [row["source"] for row in await tx.fetch("select source from charge")]
    assert len([source for source in sources if source.endswith(f":{this_month}")]) == many + 1
    assert f"fee:late:{MAY}" in sources


async def test_what_the_catalogue_cannot_have_said_is_permanently_wrong(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription, other = await subscribe(asking, service), await a_paid_service(asking, subject="founder-2")
    for handler, event, said in (
        (uses.on_service_used, a_use(service, subscription, quantity=0), "has the quantity 0"),
        (uses.on_service_used, a_use(service, "nobody"), "has no subscription nobody"),
        (uses.on_service_used, a_use(other, subscription), f"has no subscription {subscription}"),
        (uses.on_service_used, a_use(service, subscription, quantity=10**15), "would cost"),
        (uses.on_subscription_started, a_start(service, "subscription-x", plan="no-such-plan"), "has no plan no-such-plan"),
        (uses.on_subscription_started, a_start("no-such-service", "subscription-x", plan="free"), "has no plan free"),
        (uses.on_subscription_ended, an_end(service, "nobody"), "has no subscription nobody"),
    ):
        with pytest.raises(Permanent, match=said):
            await hear(asking, handler, event)
    assert await entries(asking) == []


async def test_the_first_tariff_holds_for_who_subscribes_while_clocks_differ(asking: Asking) -> None:
    service = await a_paid_service(asking)
    async with asking.city.db.transaction() as tx:
        valid_from = await tx.value("select valid_from from tariff where service_id = $1", service)
    start = a_start(service, "subscription-early", plan="per-trip")
    start.start_time.CopyFrom(to_timestamp(valid_from - timedelta(milliseconds=5)))
    await asking.city.deliver(start)
    await asking.city.deliver(a_use(service, "subscription-early"))
    assert await owed(asking) == [Decimal("0.11")]


async def test_an_end_heard_twice_is_the_first(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service)
    for days in (1, 40):
        await asking.city.deliver(an_end(service, subscription, at=IN_MAY + timedelta(days=days)))
    async with asking.city.db.transaction() as tx:
        assert await tx.value("select ended_at from subscription") == IN_MAY + timedelta(days=1)


async def test_a_started_subscription_heard_twice_is_one(asking: Asking) -> None:
    service = await a_paid_service(asking)
    now = datetime.now(UTC)
    for _ in range(2):
        await asking.city.deliver(a_start(service, "subscription-twice", plan="monthly", at=now))
    assert await owed(asking) == [Decimal("9.9")]
