"""G6: money balances, at any moment and to the billionth; every recorded use is charged exactly once."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.ledger_service_pb2_grpc import LedgerServiceStub
from city.value_catalog.v1.events_pb2 import ServiceUsed
from stratapolis.chassis import contract, outbox
from stratapolis.chassis.db import Database
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli.local.city import until

from e2e_tests.books import a_snapshot, charged, is_priced, is_shared
from e2e_tests.conftest import Town
from e2e_tests.paying import Paid, a_paid_service, report, rows, subscribed

PLANS = ("per-lock", "per-lock", "capped", "monthly")
REPORTS, OF_EACH = 60, 20


@pytest.fixture(scope="module")
async def paid(town: Town) -> Paid:
    """A service with a plan of each model, whose revenue two parties share."""
    return await a_paid_service(town)


async def snapshots(town: Town, charged: asyncio.Event) -> list[int]:
    """Snapshot upon snapshot until all is charged; the officer's totals agree at each."""
    ledger, taken = town.city.stub(LedgerServiceStub, "governance"), []
    connection = await asyncpg.connect(town.city.stores.postgres.dsn("governance"))
    try:
        while not charged.is_set():
            taken.append(await a_snapshot(connection))
            assert all(total.debits == total.credits for total in (await ledger.GetTotals(pb.GetTotalsRequest())).totals)
    finally:
        await connection.close()
    return taken


async def load(town: Town, paid: Paid, subscriptions: list[str], loaded: asyncio.Event) -> None:
    """Reports of many uses, a few at a time."""
    rng, turns = random.Random(6), asyncio.Semaphore(4)

    async def one(subscription: str) -> None:
        async with turns:
            await report(town, paid, subscription, [rng.randint(1, 3) for _ in range(OF_EACH)])

    try:
        await asyncio.gather(*(one(rng.choice(subscriptions)) for _ in range(REPORTS)))
    finally:
        loaded.set()


async def doubled(town: Town, paid: Paid, loaded: asyncio.Event) -> int:
    """What is recorded is said again and again by the catalogue, as new events with other quantities; returns how often."""
    said = 0
    async with Database(town.city.stores.postgres.dsn("value_catalog"), name="value_catalog") as catalog:
        while not loaded.is_set() or not said:
            async with catalog.transaction() as tx:
                recorded = await tx.fetch("select use_id, subscription_id from recorded_use where service_id = $1 order by random() limit 20", paid.service_id)
                again = [ServiceUsed(service_id=paid.service_id, use_id=r["use_id"], subscription_id=r["subscription_id"], quantity=7) for r in recorded]
                for event in again:
                    event.used_time.GetCurrentTime()
                await outbox.append(tx, *again)
                said += len(again)
    return said


async def dead_letters(town: Town) -> list[Any]:
    return await rows(town, "governance", "select id, error from dead_letter where state in ('dead', 'waiting')")


@pytest.mark.timeout(180)
async def test_g6_money_balances_while_uses_flow_and_doubles_change_nothing(town: Town, paid: Paid) -> None:
    before = await dead_letters(town)
    people = [await town.city.enrol(f"cyclist {n} {new_id()[-6:]}") for n in range(len(PLANS))]
    subscriptions = [await subscribed(town, paid, who, plan) for who, plan in zip(people, PLANS, strict=True)]
    loaded, is_charged = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        taken = group.create_task(snapshots(town, is_charged))
        doubles = group.create_task(doubled(town, paid, loaded))
        await load(town, paid, subscriptions, loaded)
        await doubles
        await charged(town, paid)
        is_charged.set()
    assert len(set(taken.result())) > 3, "the ledger grew while it was looked at"
    assert doubles.result() > 100
    await is_priced(town, paid)
    await is_shared(town, paid)
    assert await dead_letters(town) == before


@pytest.mark.timeout(120)
async def test_g6_records_that_stand_in_the_topic_twice_under_other_ids_change_nothing(town: Town, paid: Paid) -> None:
    who = await town.city.enrol(f"cyclist {new_id()[-6:]}")
    await report(town, paid, await subscribed(town, paid, who, "per-lock"), [1] * 30)
    await charged(town, paid)
    entries, letters = await rows(town, "governance", "select * from entry order by entry_id"), await dead_letters(town)
    sent = await _send_again(town, paid)
    assert sent >= 30
    await report(town, paid, await subscribed(town, paid, who, "capped"), [1])
    await charged(town, paid)
    after = await rows(town, "governance", "select * from entry order by entry_id")
    assert after[: len(entries)] == entries
    assert {row["source"].split(":")[0] for row in after[len(entries) :]} == {"use"} and len(after) == len(entries) + 3
    assert await dead_letters(town) == letters


async def _send_again(town: Town, paid: Paid) -> int:
    """Every record of the service's uses, copied to the end of its partition with a new event id; returns how many."""
    topic, kafka = "city.value_catalog.v1", town.city.at.kafka
    reading = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with reading as consumer, AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        partitions = [TopicPartition(topic, p) for p in range(contract.topics()[topic].partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        copied = 0
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    heads = dict(record.headers)
                    if record.key == paid.service_id.encode() and heads["ce_type"].endswith(b".ServiceUsed") and record.offset < ends[partition]:
                        heads["ce_id"] = new_id().encode()
                        await producer.send_and_wait(topic, record.value, key=record.key, partition=partition.partition, headers=list(heads.items()))
                        copied += 1
    return copied


@pytest.mark.timeout(120)
async def test_g6_a_settlement_while_uses_flow_leaves_none_between_two_months(town: Town, paid: Paid) -> None:
    ledger = town.city.stub(LedgerServiceStub, "governance")
    who = await town.city.enrol(f"cyclist {new_id()[-6:]}")
    subscription, loaded = await subscribed(town, paid, who, "per-lock"), asyncio.Event()
    period = (await ledger.ListPeriods(pb.ListPeriodsRequest())).posting_period.period

    async def settled() -> None:
        await until(lambda: _has_entries(town, period, who.subject), "the month to have entries", within=30)
        await ledger.RunSettlement(pb.RunSettlementRequest(request_id=new_id(), period=period), timeout=30)

    async with asyncio.TaskGroup() as group:
        group.create_task(settled())
        group.create_task(load(town, paid, [subscription], loaded))
    await charged(town, paid)
    await is_priced(town, paid)
    assert (await ledger.ListPeriods(pb.ListPeriodsRequest())).posting_period.period > period
    mine = town.city.stub(LedgerServiceStub, "governance", as_=who)
    (statement,) = (await mine.ListStatements(pb.ListStatementsRequest())).statements
    (left,) = await rows(town, "governance", "select sum(amount) as n from entry where account = $1 and period = $2", statement.account, period)
    assert Decimal(statement.total) == left["n"] > 0
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ledger.RunSettlement(pb.RunSettlementRequest(request_id=new_id(), period=period))
    assert refusal(refused.value).reason == "PERIOD_CLOSED"


async def _has_entries(town: Town, period: str, subject: str) -> bool:
    found = await rows(town, "governance", "select from entry where account = $1 and period = $2 limit 1", f"receivable:{subject}", period)
    return bool(found)


async def test_g11_money_is_seen_by_its_owner_alone(town: Town, paid: Paid) -> None:
    who, other = [await town.city.enrol(f"cyclist {n} {new_id()[-6:]}") for n in range(2)]
    await report(town, paid, await subscribed(town, paid, who, "per-lock"), [12])
    await charged(town, paid)
    mine, others, officers = (town.city.stub(LedgerServiceStub, "governance", as_=each) for each in (who, other, town.city.officer))
    assert {e.account for e in (await mine.ListEntries(pb.ListEntriesRequest())).entries} == {f"receivable:{who.subject}"}
    assert not (await others.ListEntries(pb.ListEntriesRequest(owner=who.subject))).entries
    (entry,) = (await officers.ListEntries(pb.ListEntriesRequest(owner=who.subject))).entries
    for call in (
        others.GetTotals(pb.GetTotalsRequest()),
        others.ReverseCharge(pb.ReverseChargeRequest(request_id=new_id(), charge_id=entry.charge_id, reason="too dear")),
        others.RunSettlement(pb.RunSettlementRequest(request_id=new_id(), period="2026-01")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def city_ledger(town: Town, *words: str) -> str:
    """What `city ledger ...` says, as the founding officer types it."""
    command = (str(Path(sys.executable).with_name("city")), "ledger", *words, "--folder", str(town.city.folder))
    ran = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, err = await ran.communicate()
    assert ran.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.timeout(120)
async def test_the_command_shows_what_is_owed_and_reverses_and_settles(town: Town, paid: Paid) -> None:
    who = await town.city.enrol(f"cyclist {new_id()[-6:]}")
    await report(town, paid, await subscribed(town, paid, who, "per-lock"), [12])
    await charged(town, paid)
    (entry,) = json.loads(await city_ledger(town, "entries", "--owner", who.subject, "--json"))["entries"]
    assert "1.20 EUR" in await city_ledger(town, "entries", "--account", f"receivable:{who.subject}")
    assert "is reversed by" in await city_ledger(town, "reverse", entry["chargeId"], "--reason", "the lock was stuck")
    (balance,) = json.loads(await city_ledger(town, "balances", "--owner", who.subject, "--json"))["balances"]
    assert (balance["amount"], balance["entries"]) == ("0", "2")
    period = json.loads(await city_ledger(town, "periods", "--json"))["postingPeriod"]["period"]
    assert f"{period} is settled" in await city_ledger(town, "settle", period)
    (statement,) = json.loads(await city_ledger(town, "statements", "--owner", who.subject, "--json"))["statements"]
    shown = json.loads(await city_ledger(town, "statement", statement["statementId"], "--json"))
    assert (shown["statement"]["total"], [line["entries"] for line in shown["lines"]]) == ("0.00", [2])
    (total,) = json.loads(await city_ledger(town, "totals", "--period", period, "--json"))["totals"]
    assert Decimal(total["debits"]) == Decimal(total["credits"]) > 0
