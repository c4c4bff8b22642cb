"""Partitions of observations: a table a month, made before it is needed."""

from collections.abc import Collection
from datetime import UTC, date, datetime

from stratapolis.chassis.db import Tx

LOCK = 0x5741_0D01
NAME = "observation_{:%Y_%m}"
MISSING = """
    select n from unnest($1::text[]) n
    where not exists (select from pg_class c where c.relname = n and c.relnamespace = current_schema()::regnamespace)"""


def month_of(moment: datetime) -> date:
    """The first day of the month, in UTC."""
    return date(moment.year, moment.month, 1)


def month_after(month: date) -> date:
    """The first day of the next month."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


async def ensure(tx: Tx, months: Collection[date]) -> int:
    """Make the partitions that are missing; returns how many.

    CREATE and ATTACH, unlike CREATE ... PARTITION OF, let reads and writes of the other months go on; the advisory lock lets one process
    make them at a time.
    """
    if not await _missing(tx, months):
        return 0
    await tx.execute("select pg_advisory_xact_lock($1)", LOCK)
    made = await _missing(tx, months)
    for month in made:
        name, start, end = NAME.format(month), _midnight(month), _midnight(month_after(month))
        await tx.execute(f"create table {name} (like observation including all)")
        await tx.execute(f"alter table observation attach partition {name} for values from ('{start}') to ('{end}')")
    return len(made)


async def _missing(tx: Tx, months: Collection[date]) -> list[date]:
    # pg_class itself is asked: to_regclass would answer from a cache that is not refreshed within a transaction.
    by_name = {NAME.format(month): month for month in sorted(months)}
    rows = await tx.fetch(MISSING, list(by_name))
    return [by_name[row["n"]] for row in rows]


def _midnight(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat()
