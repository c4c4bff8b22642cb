"""What no code path can do to the ledger: the schema refuses it."""

import asyncpg
import pytest

from services.governance.tests.integration.asking import Asking
from services.governance.tests.integration.paying import MAY
from services.governance.tests.integration.test_ledger import a_used_service, settle

KEPT = {"tariff": "currency", "charge": "reason", "entry": "account", "statement": "account", "statement_line": "service_id"}
CHANGES = ("update {table} set {column} = {column}", "delete from {table}", "truncate {table} cascade")
CHARGE = """
    insert into charge (charge_id, kind, source, service_id, subscription_id, currency, amount, period, service_period, reason, posted_at)
    values ('odd', 'use', 'use:odd', 's', 's', 'EUR', 1, '{period}', '2026-05', '', now());"""
ENTRY = """
    insert into entry (charge_id, source, leg, account, owner, currency, amount, period, service_id, service_period, posted_at)
    values ('{charge}', 'use:odd', {leg}, 'a', 'a', '{currency}', {amount}, '2026-06', 's', '2026-05', now());"""
BALANCED = ENTRY.format(charge="odd", leg=1, currency="EUR", amount=1) + ENTRY.format(charge="odd", leg=2, currency="EUR", amount=-1)


async def run(asking: Asking, sql: str) -> None:
    """In one transaction, which is committed."""
    async with asking.city.db.transaction() as tx:
        await tx.execute(sql)


@pytest.fixture
async def settled(asking: Asking) -> Asking:
    """Something of everything, May closed and June open."""
    await a_used_service(asking)
    await settle(asking)
    await run(asking, "insert into period (period) values ('2026-06')")
    return asking


@pytest.mark.parametrize("table", KEPT)
async def test_what_is_written_is_never_changed(settled: Asking, table: str) -> None:
    await run(settled, f"grant update, delete, truncate on {', '.join(KEPT)} to current_user")
    for change in CHANGES:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=f"{table} is never changed"):
            await run(settled, change.format(table=table, column=KEPT[table]))


@pytest.mark.parametrize("table", KEPT)
async def test_the_right_to_change_it_is_taken_from_the_owner_too(settled: Asking, table: str) -> None:
    is_referred_to = table in {"tariff", "charge", "statement"}
    for change in CHANGES[int(is_referred_to) :]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run(settled, change.format(table=table, column=KEPT[table]))


@pytest.mark.parametrize(
    "entries",
    [
        "",
        ENTRY.format(charge="odd", leg=1, currency="EUR", amount=1),
        ENTRY.format(charge="odd", leg=1, currency="EUR", amount=1) + ENTRY.format(charge="odd", leg=2, currency="EUR", amount="-0.999999999"),
        ENTRY.format(charge="odd", leg=1, currency="EUR", amount=1) + ENTRY.format(charge="odd", leg=2, currency="USD", amount=-1),
    ],
    ids=["none", "one", "a billionth short", "two currencies"],
)
async def test_legs_that_do_not_add_up_are_refused_at_commit(settled: Asking, entries: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="do not add up to zero"):
        await run(settled, CHARGE.format(period="2026-06") + entries)
    await run(settled, CHARGE.format(period="2026-06") + BALANCED)


async def test_a_leg_added_to_an_old_charge_is_refused(settled: Asking) -> None:
    await run(settled, CHARGE.format(period="2026-06") + BALANCED)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="do not add up to zero"):
        await run(settled, ENTRY.format(charge="odd", leg=3, currency="EUR", amount=1))


@pytest.mark.parametrize("period", [MAY, "2026-07"])
async def test_nothing_is_posted_to_a_month_that_is_closed_or_was_never_opened(settled: Asking, period: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=f"period {period} is closed"):
        await run(settled, CHARGE.format(period=period) + BALANCED)


@pytest.mark.parametrize("change", ["update period set closed_at = null", "update period set closed_at = now()", "delete from period"])
async def test_a_closed_month_stays_closed(settled: Asking, change: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=f"period {MAY} is closed"):
        await run(settled, change)
