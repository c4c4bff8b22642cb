"""The city's books: what must hold of them at any moment, and what uses must have been charged when all are counted."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC
from decimal import Decimal

import asyncpg
from stratapolis.cli.local.city import until

from e2e_tests.conftest import Town
from e2e_tests.paying import CITYS, Paid, rows

UNBALANCED = "select charge_id from entry group by charge_id, currency having sum(amount) <> 0"
SUMS = "select currency, sum(amount) as left_over, count(*) as entries from entry group by currency"
USES_WITHOUT_CHARGE = """
    select count(*) from used u join subscription using (subscription_id, service_id)
    where plan = 'per-lock' and not exists (select from charge where source = 'use:' || u.service_id || ':' || u.use_id)"""
CHARGES_WITHOUT_USE = (
    "select count(*) from charge c where kind = 'use' and not exists (select from used u where c.source = 'use:' || u.service_id || ':' || u.use_id)"
)


async def a_snapshot(connection: asyncpg.Connection) -> int:
    """The ledger as it stands at one moment, while it is written to; returns how many entries that were."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        sums = await connection.fetch(SUMS)
        assert all(row["left_over"] == 0 for row in sums), [dict(row) for row in sums]
        assert await connection.fetch(UNBALANCED) == []
        assert await connection.fetchval(USES_WITHOUT_CHARGE) == 0
        assert await connection.fetchval(CHARGES_WITHOUT_USE) == 0
        return int(sum(row["entries"] for row in sums))


async def charged(town: Town, paid: Paid) -> None:
    """Until governance has counted every use that the catalogue has recorded, and heard whatever else was said of the service."""
    (recorded,) = await rows(town, "value_catalog", "select count(*) as n from recorded_use where service_id = $1", paid.service_id)
    (last,) = await rows(town, "value_catalog", "select last from outbox_sequence where topic = 'city.value_catalog.v1' and key = $1", paid.service_id)

    async def counted() -> bool:
        (used,) = await rows(town, "governance", "select count(*) as n from used where service_id = $1", paid.service_id)
        heard = await rows(town, "governance", "select last from inbox where topic = 'city.value_catalog.v1' and key = $1", paid.service_id)
        return bool(used["n"] == recorded["n"] and heard and heard[0]["last"] >= last["last"])

    await until(counted, "every use to be counted", within=60)


async def is_priced(town: Town, paid: Paid) -> None:
    """Each subscription owes, month by month, what its recorded uses cost when they are priced one by one."""
    uses = await rows(town, "value_catalog", "select subscription_id, quantity, used_at from recorded_use where service_id = $1", paid.service_id)
    plans = {r["subscription_id"]: r["plan"] for r in await rows(town, "value_catalog", "select subscription_id, plan from subscription")}
    used: dict[tuple[str, str], int] = defaultdict(int)
    for use in uses:
        used[use["subscription_id"], f"{use['used_at'].astimezone(UTC):%Y-%m}"] += use["quantity"]
    wanted = {key: _price(plans[key[0]], quantity) for key, quantity in used.items()}
    found = await rows(
        town, "governance", "select subscription_id, service_period, sum(amount) as owed, count(*) as charges from charge where kind = 'use' and service_id = $1 group by 1, 2",
        paid.service_id,
    )  # fmt: skip
    assert {(r["subscription_id"], r["service_period"]): r["owed"] for r in found} == {key: price for key, price in wanted.items() if price}
    priced = [use for use in uses if plans[use["subscription_id"]] == "per-lock"]
    assert sum(r["charges"] for r in found if plans[r["subscription_id"]] == "per-lock") == len(priced)


def _price(plan: str, quantity: int) -> Decimal:
    if plan == "per-lock":
        return sum((Decimal("0.11") if n <= 10 else Decimal("0.05") for n in range(1, quantity + 1)), Decimal(0))
    return min(Decimal("0.30") * quantity, Decimal("6.00")) if plan == "capped" else Decimal(0)


async def is_shared(town: Town, paid: Paid) -> None:
    """The city has its part of every charge to the billionth, the value creator the rest."""
    found = await rows(
        town, "governance", "select c.amount, e.account, e.amount as leg from charge c join entry e using (charge_id) where c.service_id = $1", paid.service_id
    )  # fmt: skip
    for row in found:
        if row["account"] == "revenue:city":
            assert abs(row["leg"] + row["amount"] * CITYS / 10_000) < Decimal("1e-9")
    assert {row["account"] for row in found if row["leg"] < 0} == {"revenue:city", f"payable:{town.creator.creator_id}"}
