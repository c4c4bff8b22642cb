"""The outbox: facts ride the transaction that makes them true; the relay publishes them after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from google.protobuf.message import Message
from stratapolis.chassis import cause as causes
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.db import Tx
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.telemetry import traceparent

RECORD_OVERHEAD = 2_048
"""Room left for headers and framing below a topic's largest record, in bytes."""

SEQUENCE = """
    insert into outbox_sequence as s (topic, key, last) select * from unnest($1::text[], $2::text[], $3::bigint[])
    on conflict (topic, key) do update set last = s.last + excluded.last returning topic, key, last"""
INSERT = """
    insert into outbox (topic, key, sequence, payload, headers, created_at)
    select t, k, s, p, h, $6 from unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::jsonb[]) with ordinality n(t, k, s, p, h, i) order by i"""


class EventTooLarge(Exception):
    """An event is larger than its topic takes: caught inside the transaction, since in the topic's queue it would block its key for ever."""


class Saying(NamedTuple):
    """An event on its way into the outbox: all but its sequence is known."""

    topic: str
    key: str
    payload: bytes
    headers: dict[str, str]


async def append(tx: Tx, *events: Message) -> None:
    """Say events in this transaction, in this order. They are written together when it ends, so that a batch of fifty writes once.

    Raises NotInContract when the app may not say one, EventTooLarge when one does not fit its topic.
    """
    cause, trace = causes.current(), traceparent()
    for event in events:
        topic, key, payload = contract.topic_said(event.DESCRIPTOR.full_name, tx.writer), contract.key_of(event), event.SerializeToString(deterministic=True)
        if len(payload) + len(key) + RECORD_OVERHEAD > topic.max_bytes:
            raise EventTooLarge(f"{event.DESCRIPTOR.full_name} of {len(payload)} bytes on {topic.name}, which takes {topic.max_bytes}")
        heads = envelope.headers(
            event_id=new_id(), event_type=event.DESCRIPTOR.full_name, writer=tx.writer, at=tx.at, sequence=0,
            cause=cause, correlation=getattr(event, "journey_id", "") or cause.correlation, traceparent=trace,
        )  # fmt: skip
        envelope.wire(heads)
        tx.at_end(_write, Saying(topic.name, key, payload, heads))


async def _write(tx: Tx, said: Sequence[Saying]) -> None:
    """Give each event the next sequence of its (topic, key), under that row's lock, and write them in order."""
    counts = Counter((one.topic, one.key) for one in said)
    ordered = sorted(counts)
    rows = await tx.fetch(SEQUENCE, [t for t, _ in ordered], [k for _, k in ordered], [counts[pair] for pair in ordered])
    following = {(row["topic"], row["key"]): row["last"] - counts[row["topic"], row["key"]] for row in rows}
    sequences = []
    for one in said:
        following[one.topic, one.key] += 1
        sequences.append(following[one.topic, one.key])
        one.headers["ce_sequence"] = str(sequences[-1])
    topics, keys, payloads, headers = (list(column) for column in zip(*said, strict=True))
    await tx.execute(INSERT, topics, keys, sequences, payloads, headers, tx.at)
