"""Positions: one row per (topic, partition), moved by compare-and-set in the transaction of the effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aiokafka import ConsumerRecord, TopicPartition
from stratapolis.chassis.db import Database, Tx

BEGIN = "insert into position (topic, part, next) select t, p, 0 from unnest($1::text[], $2::int[]) n(t, p) on conflict do nothing"
NEXT = "select topic, part, next from position where topic = any($1)"
MOVE = """
    update position p set next = n.next from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) n(topic, part, seen, next)
    where p.topic = n.topic and p.part = n.part and p.next = n.seen"""

TAKEN = "select topic, part, taken from position where topic = any($1) and part = any($2)"
TAKE = """
    update position p set taken = n.taken from unnest($1::text[], $2::int[], $3::bigint[]) n(topic, part, taken)
    where p.topic = n.topic and p.part = n.part and p.taken < n.taken"""


class Lost(Exception):
    """Another process has moved a position of ours: what is in hand is no longer ours."""


class OtherCluster(Exception):
    """The positions in the database belong to another Kafka cluster."""


async def load(db: Database, assigned: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The next offset of each assigned partition; 0 where nothing was read yet."""
    wanted = sorted(assigned)
    async with db.transaction() as tx:
        await tx.execute(BEGIN, [tp.topic for tp in wanted], [tp.partition for tp in wanted])
        rows = await tx.fetch(NEXT, list({tp.topic for tp in wanted}))
    found = {TopicPartition(row["topic"], row["part"]): int(row["next"]) for row in rows}
    return {tp: found[tp] for tp in wanted}


async def move(tx: Tx, moves: Mapping[TopicPartition, tuple[int, int]]) -> None:
    """Move each partition from the offset we believe in to the next; raises Lost when one stands elsewhere."""
    pairs = sorted(moves.items())
    moved = await tx.execute(
        MOVE, [tp.topic for tp, _ in pairs], [tp.partition for tp, _ in pairs], [seen for _, (seen, _) in pairs], [after for _, (_, after) in pairs]
    )
    if moved != f"UPDATE {len(pairs)}":
        raise Lost(f"{moved} of {len(pairs)} positions")


async def take(tx: Tx, records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
    """Those records that are taken for the first time, and note that they are: what a reading from an earlier position brings again is left out.

    For raw streams, which have no inbox: a correction is known by its time alone, and would be undone and made again.
    """
    places = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}  # the last of each counts
    rows = await tx.fetch(TAKEN, sorted({tp.topic for tp in places}), sorted({tp.partition for tp in places}))
    taken = {TopicPartition(row["topic"], row["part"]): row["taken"] for row in rows}
    ordered = sorted(places.items())
    await tx.execute(TAKE, [tp.topic for tp, _ in ordered], [tp.partition for tp, _ in ordered], [after for _, after in ordered])
    return [record for record in records if record.offset >= taken[record.topic, record.partition]]


async def check_cluster(db: Database, cluster_id: str) -> None:
    """Remember the cluster's id at first sight; raises OtherCluster when the database knows another."""
    async with db.transaction() as tx:
        await tx.execute("insert into cluster (id) values ($1) on conflict do nothing", cluster_id)
        known = await tx.value("select id from cluster")
    if known != cluster_id:
        raise OtherCluster(f"the database holds positions of Kafka cluster {known}, this is {cluster_id}: wipe both together or restore the right one")
