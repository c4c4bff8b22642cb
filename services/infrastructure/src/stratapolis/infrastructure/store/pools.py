"""Pools and what is held of them, as rows. A trigger counts, a check holds the pool's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.infrastructure.domain.pool import Amount, Need, Pool, Share

HELD = """
    select coalesce(sum(cpu_millis), 0)::int as cpu_millis, coalesce(sum(memory_mib), 0)::int as memory_mib, coalesce(sum(replicas), 0)::int as replicas
    from allocation where pool = $1 and owner = $2 and state <> 'released'"""
RESIZE = """
    update pool set cpu_millis = $2, memory_mib = $3, quota_cpu_millis = nullif($4, 0), quota_memory_mib = nullif($5, 0), quota_replicas = nullif($6, 0)
    where name = $1 returning *"""
RESERVE = """
    insert into allocation (journey_id, service_id, version, owner, pool, cpu_millis, memory_mib, replicas, state, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'reserved', $9, $9)"""
UTILISATION = """
    select a.*, coalesce(d.used_cpu_millis, 0) as used_cpu_millis, coalesce(d.used_memory_mib, 0) as used_memory_mib,
        case when d.pid is not null then d.looked_at end as looked_at
    from allocation a left join deployment d using (journey_id)
    where a.state <> 'released' and ($1::text[] is null or a.owner = any($1)) and ($2 = '' or a.pool = $2)
    and ($3::timestamptz is null or (a.created_at, a.journey_id) < ($3, $4::text)) order by a.created_at desc, a.journey_id desc limit $5"""
TOTAL = """
    select coalesce(sum(a.cpu_millis), 0)::int as cpu_millis, coalesce(sum(a.memory_mib), 0)::int as memory_mib,
        coalesce(sum(d.used_cpu_millis), 0)::int as used_cpu_millis, coalesce(sum(d.used_memory_mib), 0)::int as used_memory_mib
    from allocation a left join deployment d using (journey_id)
    where a.state <> 'released' and ($1::text[] is null or a.owner = any($1)) and ($2 = '' or a.pool = $2)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What is held of a pool for a journey."""

    journey_id: str
    service_id: str
    version: int
    owner: str
    pool: str
    amount: Amount
    replicas: int


def amount(row: Row, prefix: str = "") -> Amount:
    """The two columns of an amount."""
    return Amount(cpu_millis=row[f"{prefix}cpu_millis"], memory_mib=row[f"{prefix}memory_mib"])


def pool(row: Row, quota: Share) -> Pool:
    """A row as a value; `quota` fills in what the pool says nothing of."""
    own = Amount(cpu_millis=row["quota_cpu_millis"] or quota.amount.cpu_millis, memory_mib=row["quota_memory_mib"] or quota.amount.memory_mib)
    share = Share(amount=own, replicas=row["quota_replicas"] or quota.replicas)
    return Pool(name=row["name"], capacity=amount(row), used=amount(row, "used_"), quota=share)


async def row_for_update(tx: Tx, name: str) -> Row | None:
    """A pool, locked: whoever reserves of it waits here."""
    return await tx.row("select * from pool where name = $1 for update", name)


async def make(tx: Tx, name: str, at: datetime) -> None:
    """An empty pool, unless there is one."""
    await tx.execute("insert into pool (name, cpu_millis, memory_mib, created_at) values ($1, 0, 0, $2) on conflict do nothing", name, at)


async def resize(tx: Tx, name: str, capacity: Amount, quota: Share) -> Row:
    """Give it its size and quota; a quota of 0 is the city's default."""
    (row,) = await tx.fetch(RESIZE, name, capacity.cpu_millis, capacity.memory_mib, quota.amount.cpu_millis, quota.amount.memory_mib, quota.replicas)
    return row


async def listed(tx: Tx, after: str, limit: int) -> list[Row]:
    """By name."""
    return await tx.fetch("select * from pool where name > $1 order by name limit $2", after, limit)


async def row(tx: Tx, name: str) -> Row | None:
    """A pool as it stands."""
    return await tx.row("select * from pool where name = $1", name)


async def held_by(tx: Tx, name: str, owner: str) -> Share:
    """What a value creator holds of a pool; exact while the pool is locked."""
    (found,) = await tx.fetch(HELD, name, owner)
    return Share(amount=amount(found), replicas=found["replicas"])


async def reserve(tx: Tx, *, journey_id: str, service_id: str, version: int, owner: str, pool: str, need: Need, at: datetime) -> None:
    """Hold it; the pool's check refuses what is not there."""
    total = need.total
    await tx.execute(RESERVE, journey_id, service_id, version, owner, pool, total.cpu_millis, total.memory_mib, need.replicas, at)


async def allocation(tx: Tx, journey_id: str) -> Allocation | None:
    """What a journey holds; None: nothing, or no more."""
    found = await tx.row("select * from allocation where journey_id = $1 and state <> 'released'", journey_id)
    return None if found is None else _allocation(found)


async def commit(tx: Tx, journey_id: str, at: datetime) -> None:
    """The service is live: what is held stays held."""
    await tx.execute("update allocation set state = 'committed', updated_at = $2 where journey_id = $1 and state = 'reserved'", journey_id, at)


async def release(tx: Tx, journey_id: str, at: datetime) -> Allocation | None:
    """Give it back, once; None: there was nothing to give back."""
    found = await tx.row("update allocation set state = 'released', updated_at = $2 where journey_id = $1 and state <> 'released' returning *", journey_id, at)
    return None if found is None else _allocation(found)


async def utilisation(tx: Tx, owners: Sequence[str] | None, pool: str, after: tuple[datetime, str] | None, limit: int) -> list[Row]:
    """What is held and used, newest first."""
    at, journey_id = after or (None, None)
    return await tx.fetch(UTILISATION, owners, pool, at, journey_id, limit)


async def total(tx: Tx, owners: Sequence[str] | None, pool: str) -> tuple[Amount, Amount]:
    """What is held and used in all."""
    (found,) = await tx.fetch(TOTAL, owners, pool)
    return amount(found), amount(found, "used_")


def _allocation(row: Row) -> Allocation:
    return Allocation(
        journey_id=row["journey_id"], service_id=row["service_id"], version=row["version"], owner=row["owner"], pool=row["pool"], amount=amount(row),
        replicas=row["replicas"],
    )  # fmt: skip
