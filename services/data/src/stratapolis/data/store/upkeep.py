"""What is forgotten in time: refused readings, arrivals, observations past their retention. Each call does a bounded part."""

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx

ARRIVALS = """
    with old as (select txid, series_id from arrival where arrived_at < $1 order by arrived_at limit $2),
    gone as (delete from arrival a using old where (a.txid, a.series_id) = (old.txid, old.series_id) returning a.txid)
    update arrivals_forgotten set forgotten = greatest(forgotten, (select max(txid) from gone)) where exists (select from gone)"""
REFUSED_OLD = "delete from refused_observation where id in (select id from refused_observation where refused_at < $1 order by id limit $2)"
REFUSED_MANY = """
    delete from refused_observation where id in (
        select id from refused_observation where id <= (select max(id) from refused_observation) - $1::bigint order by id limit $2)"""
ERASE = """
    delete from observation o using (
        select series_id, observed_at from observation where series_id = any($1) and observed_at < $2 limit $3
    ) old where o.series_id = old.series_id and o.observed_at = old.observed_at and o.observed_at < $2"""
ERASE_HISTORY = """
    delete from observation_history where id in (
        select id from observation_history where series_id = any($1) and observed_at < $2 limit $3)"""
LOCK_OLD = "select from series where series_id = any($1) and observed_at < $2 order by series_id for no key update"
ERASE_LATEST = """
    update series s set observed_at = null, value = null, flags = ''
    where series_id = any($1) and observed_at < $2 and not exists (select from observation o where o.series_id = s.series_id)"""
"""Only where no row is left: what is newer than a series' newest is taken for new without a look (intake.py)."""


async def forget_arrivals(tx: Tx, before: datetime, limit: int) -> None:
    """Forget arrivals of long ago, and remember how far."""
    await tx.execute(ARRIVALS, before, limit)


async def forget_refused(tx: Tx, before: datetime, keep: int, limit: int) -> None:
    """Forget refused readings past their time, and the oldest of too many."""
    await tx.execute(REFUSED_OLD, before, limit)
    await tx.execute(REFUSED_MANY, keep, limit)


async def series_of_owners(tx: Tx, owners: Sequence[str]) -> list[Row]:
    """All series of some owners."""
    return await tx.fetch("select series_id, owner, thing, property from series where owner = any($1)", list(owners))


async def erase(tx: Tx, series_ids: Sequence[int], before: datetime, limit: int) -> int:
    """Erase observations before a time, with their history; returns how many."""
    ids = list(series_ids)
    tag = await tx.execute(ERASE, ids, before, limit)
    await tx.execute(ERASE_HISTORY, ids, before, limit)
    await tx.execute(LOCK_OLD, ids, before)
    await tx.execute(ERASE_LATEST, ids, before)
    return int(tag.rpartition(" ")[2])
