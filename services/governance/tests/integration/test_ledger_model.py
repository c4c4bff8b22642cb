"""The ledger on a real database against a naive one: subscriptions, uses (doubled, late), months that pass, fees, reversals, settlements, in any order.

The naive ledger is a list of charges. It prices use by use, remembers which months are closed, and knows nothing of rows and locks.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from city.governance.v1 import ledger_service_pb2 as pb
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from stratapolis.chassis.db import Database
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.migrate import migrate
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.cli.local.postgres import Postgres
from stratapolis.governance import jobs
from stratapolis.governance.handlers import uses
from stratapolis.governance.rpc.ledger import Ledger
from stratapolis.governance.wiring import app

from services.governance.tests.integration.asking import OFFICER, Asking
from services.governance.tests.integration.paying import COURSE, a_paid_service, a_start, a_use, an_end

T = TypeVar("T")
BEGINS = datetime(2030, 1, 20, tzinfo=UTC)
WAIT = timedelta(hours=48)
TIERS = ((10, Decimal("0.11")), (None, Decimal("0.05")))
CAPPED, CAP, FEE = Decimal("0.30"), Decimal("1.00"), Decimal("9.90")
SHARES = (3_334, 3_333, 3_333)
PICK = st.integers(0, 1_000)
NUMBERS = count(1)


@dataclass
class Sub:
    """A subscription of the naive ledger; `used` counts each month's uses."""

    id: str
    plan: str
    subscriber: str
    started: datetime
    ended: datetime | None = None
    used: Counter[str] = field(default_factory=Counter)


@dataclass
class Posted:
    """A charge of the naive ledger."""

    source: str
    subscriber: str
    amount: Decimal
    period: str
    service_period: str


def month(at: datetime) -> str:
    return f"{at.year:04}-{at.month:02}"


def following(name: str) -> str:
    return month(datetime.strptime(name, "%Y-%m").replace(day=28, tzinfo=UTC) + timedelta(days=5))


def begin(name: str) -> datetime:
    return datetime.strptime(name, "%Y-%m").replace(tzinfo=UTC)


def price(sub: Sub, quantity: int, of: str) -> Decimal:
    """What the next uses of a month cost, priced one by one."""
    first = sub.used[of] + 1
    if sub.plan == "per-trip":
        return sum((next(p for end, p in TIERS if end is None or n <= end) for n in range(first, first + quantity)), Decimal(0))
    if sub.plan == "capped":
        before, then = (min(CAPPED * n, CAP) for n in (first - 1, first - 1 + quantity))
        return then - before
    return Decimal(0)


class Ledgers(RuleBasedStateMachine):
    """Both ledgers, told the same."""

    def __init__(self, loop: asyncio.AbstractEventLoop, postgres: Postgres) -> None:
        super().__init__()
        self.loop, self.postgres, self.stack = loop, postgres, AsyncExitStack()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    @initialize()
    def found(self) -> None:
        self.now = BEGINS
        self.subs: list[Sub] = []
        self.uses: dict[str, tuple[Sub, int, datetime]] = {}
        self.posted: list[Posted] = []
        self.closed: set[str] = set()
        self.rounding: Counter[str] = Counter()
        self.service = self.wait(self._found())

    async def _found(self) -> str:
        name = f"test_model_{next(NUMBERS)}"
        dsn = await self.postgres.create_database(name)
        self.stack.push_async_callback(self.postgres.drop_database, name)
        self.db = await self.stack.enter_async_context(Database(dsn, name="governance"))
        await migrate(self.db, Path(__file__).parents[2] / "migrations")
        return await a_paid_service(Asking(AppUnderTest(app(COURSE, WAIT), self.db)), shares=SHARES)

    def teardown(self) -> None:
        self.wait(self.stack.aclose())

    # The two ledgers

    async def _hear(self, handler: Any, event: Any) -> None:
        async with self.db.transaction() as tx:
            await handler(event, tx=tx, at=self.now)

    async def _ask(self, method: str, request: Any) -> Any:
        async with self.db.transaction() as tx:
            return await getattr(Ledger(WAIT), method)(request, Call(caller=OFFICER, at=self.now, owners=None, tx=tx))

    def refused(self, method: str, request: Any) -> str:
        """Why, or nothing."""
        try:
            self.wait(self._ask(method, request))
        except Refused as error:
            return error.reason
        return ""

    def post(self, source: str, subscriber: str, amount: Decimal, of: str) -> None:
        if amount and all(one.source != source for one in self.posted):
            self.posted.append(Posted(source, subscriber, amount, self.open_from(of), of))

    def open_from(self, of: str) -> str:
        while of in self.closed:
            of = following(of)
        return of

    def fees(self) -> None:
        """Every month that has begun, of every subscription to the plan with a fee that ran in it."""
        for sub in self.subs:
            of = month(sub.started)
            while sub.plan == "monthly" and begin(of) <= self.now and (of == month(sub.started) or sub.ended is None or begin(of) < sub.ended):
                self.post(f"fee:{sub.id}:{of}", sub.subscriber, FEE, of)
                of = following(of)

    # What happens to them

    @rule(plan=st.sampled_from(["per-trip", "capped", "monthly", "free"]), who=st.sampled_from(["ada", "bert"]))
    def somebody_subscribes(self, plan: str, who: str) -> None:
        sub = Sub(f"subscription-{len(self.subs)}", plan, f"person:{who}", self.now)
        self.subs.append(sub)
        self.wait(self._hear(uses.on_subscription_started, a_start(self.service, sub.id, plan=plan, subscriber=sub.subscriber, at=self.now)))
        self.fees()

    @precondition(lambda self: self.subs)
    @rule(which=PICK, quantity=st.integers(1, 15), days_ago=st.integers(0, 80))
    def it_is_used(self, which: int, quantity: int, days_ago: int) -> None:
        sub = self.subs[which % len(self.subs)]
        at = max(sub.started, min(self.now, sub.ended or self.now) - timedelta(days=days_ago))
        use_id = f"use-{len(self.uses)}"
        self.uses[use_id] = (sub, quantity, at)
        self.wait(self._hear(uses.on_service_used, a_use(self.service, sub.id, quantity=quantity, use_id=use_id, at=at)))
        self.post(f"use:{self.service}:{use_id}", sub.subscriber, price(sub, quantity, month(at)), month(at))
        sub.used[month(at)] += quantity

    @precondition(lambda self: self.uses)
    @rule(which=PICK, other_quantity=st.integers(1, 15))
    def a_use_arrives_again(self, which: int, other_quantity: int) -> None:
        use_id, (sub, _, at) = list(self.uses.items())[which % len(self.uses)]
        self.wait(self._hear(uses.on_service_used, a_use(self.service, sub.id, quantity=other_quantity, use_id=use_id, at=at)))

    @precondition(lambda self: self.subs)
    @rule(which=PICK)
    def somebody_cancels(self, which: int) -> None:
        sub = self.subs[which % len(self.subs)]
        self.wait(self._hear(uses.on_subscription_ended, an_end(self.service, sub.id, at=self.now)))
        self.fees()
        sub.ended = sub.ended or self.now

    @rule(days=st.integers(1, 40))
    def time_passes_and_fees_fall_due(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.wait(self._fees())
        self.fees()

    async def _fees(self) -> None:
        async with self.db.transaction() as tx:
            await jobs.charge_fees(tx=tx, at=self.now)

    @precondition(lambda self: self.posted)
    @rule(which=PICK)
    def an_officer_reverses(self, which: int) -> None:
        original = self.posted[which % len(self.posted)]
        charge_id = self.wait(self._charge(original.source))
        again = any(one.source == f"reversal:{charge_id}" for one in self.posted)
        wanted = "CHARGE_NOT_REVERSIBLE" if original.source.startswith("reversal:") else "CHARGE_ALREADY_REVERSED" if again else ""
        assert self.refused("reverse_charge", pb.ReverseChargeRequest(request_id=new_id(), charge_id=charge_id, reason="so be it")) == wanted
        if not wanted:
            self.post(f"reversal:{charge_id}", original.subscriber, -original.amount, original.service_period)

    async def _charge(self, source: str) -> str:
        async with self.db.transaction() as tx:
            return str(await tx.value("select charge_id from charge where source = $1", source))

    @rule(months_ago=st.integers(-1, 3))
    def an_officer_settles(self, months_ago: int) -> None:
        of = month(self.now)
        for _ in range(months_ago):
            of = month(begin(of) - timedelta(days=1))
        of = following(of) if months_ago < 0 else of
        wanted = "PERIOD_NOT_OVER" if self.now < begin(following(of)) + WAIT else "PERIOD_CLOSED" if of in self.closed else ""
        assert self.refused("run_settlement", pb.RunSettlementRequest(request_id=new_id(), period=of)) == wanted
        if not wanted:
            self.closed.add(of)
            self.statements_are_what_was_posted(of)

    def statements_are_what_was_posted(self, of: str) -> None:
        """Each subscriber's statement, added up by service month and rounded once, line by line."""
        lines: dict[str, dict[str, Decimal]] = {}
        for one in self.posted:
            if one.period == of:
                mine = lines.setdefault(f"receivable:{one.subscriber}", {})
                mine[one.service_period] = mine.get(one.service_period, Decimal(0)) + one.amount
        wanted = {account: sum((a.quantize(Decimal("0.01"), ROUND_HALF_EVEN) for a in mine.values()), Decimal(0)) for account, mine in lines.items()}
        found = self.wait(self._ask("list_statements", pb.ListStatementsRequest(period=of))).statements
        assert {s.account: Decimal(s.total) for s in found if s.account.startswith("receivable:")} == wanted
        assert sum(Decimal(s.total) for s in found) + self.wait(self._rounding(of)) == 0

    async def _rounding(self, of: str) -> Decimal:
        async with self.db.transaction() as tx:
            return Decimal(await tx.value("select coalesce(sum(amount), 0) from entry where period = $1 and account = 'rounding'", of))

    # What must be so, always

    @invariant()
    def both_ledgers_say_the_same(self) -> None:
        rows = [row for row in self.wait(self._entries()) if not row["source"].startswith("rounding:")]
        owed = {row["source"]: row for row in rows if row["account"].startswith("receivable:")}
        assert {
            source: (row["account"], row["amount"], row["period"], row["service_period"]) for source, row in owed.items()
        } == {one.source: (f"receivable:{one.subscriber}", one.amount, one.period, one.service_period) for one in self.posted}  # fmt: skip
        parts: dict[str, list[Any]] = {}
        for row in rows:
            if not row["account"].startswith("receivable:"):
                parts.setdefault(row["source"], []).append(row)
        for one in self.posted:
            assert sum(row["amount"] for row in parts[one.source]) == -one.amount
            assert {row["period"] for row in parts[one.source]} == {one.period}
            if len(parts[one.source]) == len(SHARES):
                due = [-Fraction(one.amount) * points / 10_000 for points in SHARES]
                assert all(abs(Fraction(row["amount"]) - d) < Fraction(1, 10**9) for row, d in zip(parts[one.source], due, strict=True))

    @invariant()
    def debits_equal_credits(self) -> None:
        for total in self.wait(self._ask("get_totals", pb.GetTotalsRequest())).totals:
            assert total.debits == total.credits

    async def _entries(self) -> list[Any]:
        async with self.db.transaction() as tx:
            return await tx.fetch("select * from entry order by source, leg")


@pytest.mark.slow
async def test_the_ledger_says_what_a_naive_one_says(postgres: Postgres) -> None:
    loop = asyncio.get_running_loop()
    often = settings(max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    both: Any = partial(Ledgers, loop, postgres)
    await asyncio.to_thread(run_state_machine_as_test, both, settings=often)
