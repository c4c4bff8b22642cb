"""Copies of what one journey left: its rows in every layer's database, its records in every topic, under ids of their own."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from city.governance.v1.journey_pb2 import Journey
from stratapolis.chassis import contract
from stratapolis.chassis.relay import make_producer

ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\bs[0-9a-f]{12}\b")
TAIL = 12
"""The last characters of an id: in a copy they say its number."""
ROWS_AT_ONCE, RECORDS_AT_ONCE = 500, 2_000
COLUMNS = """
    select c.relname::text as name, array_agg(quote_ident(a.attname) order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
      and a.attidentity = '' and a.attgenerated = '' and c.relname not in ('migration', 'cluster', 'position', 'audit')
    group by c.relname order by c.relname"""
"""The audit trail is left alone: its seals hold every record."""
Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bytes with the ids of one journey in them, as text or in hexadecimal."""

    pieces: tuple[bytes | bool, ...]
    """Bytes that stay, and places of an id's tail: True where it is in hexadecimal."""

    @classmethod
    def of(cls, text: bytes, ids: Sequence[bytes]) -> Pattern:
        """Find the ids' tails in a text; all texts of one journey are given the same ids in the same order."""
        wanted: dict[bytes, tuple[bytes, bool]] = {}
        for one, head in _heads(ids).items():
            wanted |= {one: (head, False), one.hex().encode(): (head.hex().encode(), True)}
        if not wanted:
            return cls((text,))
        pieces: list[bytes | bool] = [b""]
        for part in re.split(b"(" + b"|".join(map(re.escape, wanted)) + b")", text):
            pieces += wanted.get(part, (part,))
        return cls(tuple(pieces))

    def copy(self, tail: bytes) -> bytes:
        """The copy whose ids end so."""
        hexed = tail.hex().encode()
        return b"".join([piece if isinstance(piece, bytes) else hexed if piece else tail for piece in self.pieces])


@dataclass(frozen=True, slots=True)
class Left:
    """What a journey left, and the ids that are its own."""

    ids: tuple[bytes, ...]
    found: tuple[ConsumerRecord, ...]

    async def rows(self, dsn: str, count: int) -> None:
        """Copy a database's rows of the journey, in one go and without triggers, since what they would check held for the journey itself."""
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("set session_replication_role = replica")
            for table, columns in await connection.fetch(COLUMNS):
                if text := await _rows_of(connection, table, columns, self.ids):
                    await connection.copy_to_table(
                        table, columns=[c.strip('"') for c in columns], source=_chunks(Pattern.of(text, self.ids), count), timeout=600
                    )
            await connection.execute("vacuum analyze", timeout=600)
        finally:
            await connection.close()

    async def records(self, bootstrap: str, count: int) -> None:
        """Copy the journey's records into their topics, each key's in their order."""
        patterns = [(r.topic, Pattern.of(r.key, self.ids), Pattern.of(r.value, self.ids), self._headers(r.headers)) for r in self.found]
        producer = make_producer(bootstrap, "copies")
        await producer.start()
        try:
            waiting: list[Any] = []
            for number in range(count):
                tail = b"%012x" % number
                for topic, key, value, headers in patterns:
                    heads = [(name, pattern.copy(tail)) for name, pattern in headers]
                    waiting.append(await producer.send(topic, value.copy(tail), key.copy(tail), headers=heads))
                if len(waiting) > RECORDS_AT_ONCE:
                    await asyncio.gather(*waiting)
                    waiting.clear()
            await asyncio.gather(*waiting)
        finally:
            await producer.stop()

    def _headers(self, headers: Sequence[Header]) -> list[tuple[str, Pattern]]:
        return [(name, Pattern.of(value, self.ids)) for name, value in headers]


def _heads(ids: Sequence[bytes]) -> dict[bytes, bytes]:
    """What comes before each id's tail in copies: its own first part, or the next one where another id of the same moment has that already."""
    heads: dict[bytes, bytes] = {}
    for one in ids:
        head = one[:-TAIL]
        while head in heads.values():
            head = head[:-4] + b"%03x-" % ((int(head[-4:-1], 16) + 1) % 4096)
        heads[one] = head
    return heads


async def of_journey(journey: Journey, other: Journey, dsns: Mapping[str, str], bootstrap: str) -> Left:
    """What a journey left. Ids that another journey's rows name too, such as the value creator's, are not its own and stay as they are in copies."""
    records = await _everything(bootstrap)
    mine, theirs = [(one.journey_id.encode(), one.service_id.encode()) for one in (journey, other)]
    ids = tuple(sorted(await _ids(mine, dsns, records) - await _ids(theirs, dsns, records)))
    return Left(ids, tuple(r for r in records if any(one in _text(r) for one in ids)))


async def heard_all(dsn: str, bootstrap: str) -> None:
    """Put a layer's positions behind all that is in the topics."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    connection = await asyncpg.connect(dsn)
    await consumer.start()
    try:
        places = [TopicPartition(row["topic"], row["part"]) for row in await connection.fetch("select topic, part from position")]
        ends = await consumer.end_offsets(places)
        await connection.executemany("update position set next = $3 where topic = $1 and part = $2", [(*tp, end) for tp, end in ends.items()])
    finally:
        await consumer.stop()
        await connection.close()


async def _ids(named: Sequence[bytes], dsns: Mapping[str, str], records: Sequence[ConsumerRecord]) -> set[bytes]:
    """All ids in what names one of these."""
    texts = [text for text in map(_text, records) if any(one in text for one in named)]
    for dsn in dsns.values():
        connection = await asyncpg.connect(dsn)
        try:
            for table, columns in await connection.fetch(COLUMNS):
                texts.append(await _rows_of(connection, table, columns, named))
        finally:
            await connection.close()
    return {found for text in texts for found in ID.findall(text)}


async def _rows_of(connection: Any, table: str, columns: Sequence[str], ids: Sequence[bytes]) -> bytes:
    """A table's rows that name one of these ids, as COPY writes them."""
    forms = [f"%{form}%" for one in ids for form in (one.decode(), one.hex())]
    chosen = await connection.fetchval(f'select array_agg(ctid) from "{table}" t where t::text like any($1)', forms)  # noqa: S608 - names of the catalogue
    if not chosen:
        return b""
    places = ",".join(f"'({page},{item})'" for page, item in chosen)
    into = io.BytesIO()
    await connection.copy_from_query(f'select {", ".join(columns)} from "{table}" where ctid in ({places})', output=into)  # noqa: S608 - likewise
    return into.getvalue()


async def _chunks(pattern: Pattern, count: int) -> AsyncIterator[bytes]:
    for first in range(0, count, ROWS_AT_ONCE):
        yield b"".join([pattern.copy(b"%012x" % n) for n in range(first, min(first + ROWS_AT_ONCE, count))])


async def _everything(bootstrap: str) -> list[ConsumerRecord]:
    """Every record of every topic of the contract."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, part) for topic in contract.topics().values() for part in range(topic.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    finally:
        await consumer.stop()
    return found


def _text(record: ConsumerRecord) -> bytes:
    return b" ".join([record.key or b"", record.value or b"", *(value for _, value in record.headers)])
