"""Whether a database and its topics belong together (docs/hazards/restore.md).

A topic that was deleted and made again, or that is shorter than it was, is read from its beginning and filled again from the outbox: inboxes drop
what they know. A database restored from a dump does not know what its app has said since, and would use sequences again that readers have had: it
is refused, until an operator has it go on behind them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from stratapolis.chassis import contract, envelope, metrics
from stratapolis.chassis.db import Database, Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.readable import read_every_record
from stratapolis.chassis.stopping import pause
from stratapolis.chassis.topic_ids import topic_ids

log = structlog.get_logger(__name__)
LOOK_SECONDS = 5.0

KNOWN = "select name, id from topic"
NOTE = "insert into topic (name, id) select * from unnest($1::text[], $2::text[]) on conflict do nothing"
CLAIM = "update topic set id = $2 where name = $1 and (id <> $2 or $3)"
READ_AGAIN = "update position set next = 0, taken = 0 where topic = $1"
LETTERS_APART = "update dead_letter set position = -id where topic = $1 and position >= 0"
SAY_AGAIN = "update outbox set published_at = null where topic = $1 and published_at is not null"
UNSAID = "delete from said where topic = $1"
STANDS = "select topic, part, next from said union all select topic, part, next from position"
SAID = "select topic, part, next from said where topic = any($1)"
LAST = "select topic, key, last from outbox_sequence where (topic, key) in (select * from unnest($1::text[], $2::text[]))"
WAITING = "select topic, key, sequence, headers->>'ce_id' as id from outbox where published_at is null"

KEEP = """
    insert into forgotten (topic, part, position, key, sequence, type, event_id, payload, headers)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing"""
UNSAID_OF_KEY = "select id from outbox where topic = $1 and key = $2 and sequence >= $3 and published_at is null order by id desc"
RENUMBER = "update outbox set sequence = $2, headers = jsonb_set(headers, '{ce_sequence}', to_jsonb($2::bigint::text)) where id = $1"
CONTINUE = "insert into outbox_sequence (topic, key, last) values ($1, $2, $3) on conflict (topic, key) do update set last = excluded.last"
SAID_UP_TO = """
    insert into said (topic, part, next) select * from unnest($1::text[], $2::int[], $3::bigint[])
    on conflict (topic, part) do update set next = greatest(said.next, excluded.next)"""


class DatabaseIsOlder(Exception):
    """The database does not know what its own app has said: it was restored from a dump."""


class TopicsRemade(Exception):
    """Topics were deleted and made again while the app ran: it starts again, and reads them from their beginning."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An event of ours that lies on a topic and that the database does not know."""

    record: ConsumerRecord
    key: str
    sequence: int
    type: str
    id: str


async def check_topics(db: Database, bootstrap: str) -> Mapping[str, str]:
    """See that the topics are those that the database knows; what was made again, or is shorter than it was, is read and said again. Their ids."""
    ids = await topic_ids(bootstrap, contract.topics())
    async with db.transaction() as tx:
        await tx.execute(NOTE, list(ids), list(ids.values()))
        known = {row["name"]: row["id"] for row in await tx.fetch(KNOWN)}
        stands = await tx.fetch(STANDS)
    ends = await _ends(bootstrap, {row["topic"] for row in stands} & ids.keys())
    shorter = {row["topic"] for row in stands if row["next"] > ends.get((row["topic"], row["part"]), row["next"])}
    for name in sorted(shorter | {name for name in ids if known[name] != ids[name]}):
        await _begin_again(db, name, ids[name], is_shorter=name in shorter)
    return ids


async def watch_topics(bootstrap: str, ids: Mapping[str, str], stopping: asyncio.Event) -> None:
    """Raise TopicsRemade when a topic has another id than it had; a broker that is away, and a topic that is missing, are waited for."""
    while not stopping.is_set():
        await pause(stopping, LOOK_SECONDS)
        try:
            now = await topic_ids(bootstrap, ids)
        except Exception as error:  # noqa: BLE001 - whatever keeps it from looking, it looks again
            log.debug("topics_not_seen", error=repr(error))
            continue
        if remade := sorted(name for name, found in now.items() if found != ids[name]):
            raise TopicsRemade(f"topics were deleted and made again: {', '.join(remade)}; this process starts again and reads them from their beginning")


async def check_database(db: Database, bootstrap: str, app: str, *, forget: int = 0) -> None:
    """See that the database knows what its app has said. Raises DatabaseIsOlder where it does not, unless `forget` is how many events those are."""
    own = [topic for topic in contract.topics().values() if topic.writer == app]
    async with db.transaction(readonly=True) as tx:
        since = {(row["topic"], row["part"]): int(row["next"]) for row in await tx.fetch(SAID, [topic.name for topic in own])}
    partitions = [TopicPartition(topic.name, number) for topic in own for number in range(topic.partitions)]
    records, ends = await _behind(bootstrap, partitions, since)
    ours = [found for record in records if (found := _ours(record, app)) is not None]
    async with db.transaction() as tx:
        forgotten = await _unknown(tx, ours)
        if forgotten and forget != len(forgotten):
            raise DatabaseIsOlder(_told(app, forgotten))
        await _go_on(tx, forgotten)
        await tx.execute(SAID_UP_TO, [tp.topic for tp in ends], [tp.partition for tp in ends], list(ends.values()))
    if forgotten:
        log.warning("forgotten", events=len(forgotten), keys=len({(f.record.topic, f.key) for f in forgotten}))


async def _begin_again(db: Database, name: str, topic_id: str, *, is_shorter: bool) -> None:
    """Read a topic from its beginning, and say again what the outbox has of it; once, whichever process comes first."""
    async with db.transaction() as tx:
        if await tx.execute(CLAIM, name, topic_id, is_shorter) != "UPDATE 1":
            return
        for statement in (READ_AGAIN, LETTERS_APART, SAY_AGAIN, UNSAID):
            await tx.execute(statement, name)
    metrics.TOPICS_REMADE.labels(tx.writer, name).inc()
    log.error("topic_begun_again", topic=name, why="it is shorter than it was" if is_shorter else "it was deleted and made again")


async def _ends(bootstrap: str, names: Iterable[str]) -> dict[tuple[str, int], int]:
    wanted = [TopicPartition(name, number) for name in names if name in contract.topics() for number in range(contract.topics()[name].partitions)]
    if not wanted:
        return {}
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(wanted)).items()}


async def _behind(
    bootstrap: str, partitions: Sequence[TopicPartition], since: Mapping[tuple[str, int], int]
) -> tuple[list[ConsumerRecord], dict[TopicPartition, int]]:
    """The records from these offsets to where the partitions end now, and these ends."""
    read_every_record()
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=100) as consumer:
        consumer.assign(partitions)
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for tp, start in starts.items():
            consumer.seek(tp, max(start, since.get((tp.topic, tp.partition), 0)))
        found: list[ConsumerRecord] = []
        while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
            for records in (await consumer.getmany(*behind, timeout_ms=1_000)).values():
                found += records
    return found, dict(ends)


def _ours(record: ConsumerRecord, app: str) -> Forgotten | None:
    """A record as an event that this app said; None for what somebody else wrote: no relay adds headers of its own."""
    if any(not (name.startswith("ce_") or name == "content-type") for name, _ in record.headers):
        return None
    try:
        found = envelope.read(record.headers)
    except Permanent:
        return None
    if found.source != envelope.source(app) or not found.id or found.sequence is None or record.key is None:
        return None
    return Forgotten(record, record.key.decode("utf-8", "replace"), found.sequence, found.type, found.id)


async def _unknown(tx: Tx, said: Sequence[Forgotten]) -> list[Forgotten]:
    """Those that the database does not know: they follow on its last sequence of their key, or have the sequence of one that still waits to be said.

    What stands further off is nobody's: an app numbers without gaps, and somebody else wrote it.
    """
    by_key: defaultdict[tuple[str, str], dict[int, Forgotten]] = defaultdict(dict)
    for one in said:
        by_key[one.record.topic, one.key].setdefault(one.sequence, one)
    last = {(row["topic"], row["key"]): row["last"] for row in await tx.fetch(LAST, [t for t, _ in by_key], [k for _, k in by_key])}
    waiting = {(row["topic"], row["key"], row["sequence"]): row["id"] for row in await tx.fetch(WAITING)}
    found: list[Forgotten] = []
    for key, events in by_key.items():
        at = last.get(key, 0)
        for sequence in sorted(events):
            if sequence == at + 1:
                at = sequence
                found.append(events[sequence])
            elif waiting.get((*key, sequence), events[sequence].id) != events[sequence].id:
                found.append(events[sequence])
    return found


async def _go_on(tx: Tx, forgotten: Sequence[Forgotten]) -> None:
    """Keep what was forgotten, and number what is said from now on, or waits to be, behind it."""
    ends: dict[tuple[str, str], tuple[int, int]] = {}
    for one in forgotten:
        record = one.record
        heads = [[name, (value or b"").decode("utf-8", "backslashreplace")] for name, value in record.headers]
        await tx.execute(KEEP, record.topic, record.partition, record.offset, one.key, one.sequence, one.type, one.id, record.value, heads)
        first, last = ends.get((record.topic, one.key), (one.sequence, one.sequence))
        ends[record.topic, one.key] = (min(first, one.sequence), max(last, one.sequence))
    for (topic, key), (first, last) in sorted(ends.items()):
        rows = await tx.fetch(UNSAID_OF_KEY, topic, key, first)
        for number, row in enumerate(rows):
            await tx.execute(RENUMBER, row["id"], last + len(rows) - number)
        await tx.execute(CONTINUE, topic, key, last + len(rows))


def _told(app: str, forgotten: Sequence[Forgotten]) -> str:
    first, topics = forgotten[0], ", ".join(sorted({one.record.topic for one in forgotten}))
    return (
        f"the database of {app} does not know {len(forgotten)} events of {len({one.key for one in forgotten})} keys on {topics}: restore a newer dump, or start once "
        f"with CITY_{app.upper()}_FORGET={len(forgotten)} (docs/hazards/restore.md); the first is {first.type} {first.sequence} of {first.key}"
    )
