"""The audit trail and its seals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.connectivity.domain.audit import Entry, Record, Seal

RECORD = "insert into audit (recorded_at, subject, action, object, outcome, detail) values ($1, $2, $3, $4, $5, $6)"
SELECT = "select a.*, coalesce(s.seal, 0) as seal from audit a left join sealed s using (number)"
QUERY = f"""
    {SELECT} where ($1 = '' or a.subject = $1) and ($2 = '' or a.action = $2) and ($3 = '' or a.object = $3)
      and ($4::timestamptz is null or a.recorded_at >= $4) and ($5::timestamptz is null or a.recorded_at < $5) and ($6::bigint is null or a.number < $6)
    order by a.number desc limit $7"""
UNSEALED = f"{SELECT} where a.number in (select number from unsealed order by number limit $1) order by a.number"  # noqa: S608 - nothing but constants
TAKE = "delete from unsealed where number = any($1)"
UNDER = f"{SELECT} where s.seal = $1 order by a.number"
LOST = """
    select count(*) from audit a where a.number > $1 and ($2::bigint is null or a.number <= $2)
      and not exists (select from sealed s where s.number = a.number) and not exists (select from unsealed u where u.number = a.number)"""


async def record(tx: Tx, entry: Entry) -> None:
    """Add an entry to the trail, in the transaction of what it records."""
    await tx.execute(RECORD, tx.at, entry.subject, entry.action, entry.object, entry.outcome, dict(entry.detail))


async def query(
    tx: Tx, *, subject: str, action: str, object_: str, since: datetime | None, until: datetime | None, after: int | None, limit: int
) -> list[Record]:
    """Records, newest first, behind the number `after`."""
    return [record_of(row) for row in await tx.fetch(QUERY, subject, action, object_, since, until, after, limit)]


async def unsealed(tx: Tx, limit: int) -> list[Record]:
    """The oldest records that no seal covers yet."""
    return [record_of(row) for row in await tx.fetch(UNSEALED, limit)]


async def newest_seal(tx: Tx) -> Seal | None:
    """The newest seal."""
    row = await tx.row("select * from seal order by number desc limit 1")
    return seal_of(row) if row else None


async def add_seal(tx: Tx, seal: Seal, numbers: Sequence[int]) -> None:
    """Put a seal over records."""
    await tx.execute("insert into seal (number, hash, records, sealed_at) values ($1, $2, $3, $4)", seal.number, seal.hash, seal.records, seal.sealed_at)
    await tx.execute("insert into sealed (number, seal) select unnest($1::bigint[]), $2", list(numbers), seal.number)
    await tx.execute(TAKE, list(numbers))


async def seals(tx: Tx, after: int, limit: int) -> list[Seal]:
    """Seals in order, behind the number `after`."""
    return [seal_of(row) for row in await tx.fetch("select * from seal where number > $1 order by number limit $2", after, limit)]


async def under(tx: Tx, seal: int) -> list[Record]:
    """The records under a seal, in order."""
    return [record_of(row) for row in await tx.fetch(UNDER, seal)]


async def seal_hash(tx: Tx, number: int) -> str | None:
    """The hash of a seal; None where there is none of that number."""
    found: str | None = await tx.value("select hash from seal where number = $1", number)
    return found


async def count_unsealed(tx: Tx) -> int:
    """How many records wait for a seal."""
    return int(await tx.value("select count(*) from unsealed"))


async def count_lost(tx: Tx, after: int, upto: int | None) -> int:
    """How many records behind the number `after`, up to and with `upto`, neither wait nor are sealed: nothing but tampering brings that about."""
    return int(await tx.value(LOST, after, upto))


def record_of(row: Row) -> Record:
    """A row as the value."""
    entry = Entry(subject=row["subject"], action=row["action"], object=row["object"], outcome=row["outcome"], detail=row["detail"])
    return Record(number=row["number"], at=row["recorded_at"], entry=entry, seal=row["seal"])


def seal_of(row: Row) -> Seal:
    """A row as the value."""
    return Seal(number=row["number"], hash=row["hash"], records=row["records"], sealed_at=row["sealed_at"])
