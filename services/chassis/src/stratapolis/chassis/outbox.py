"""The outbox: facts ride the transaction that makes them true; the relay publishes them after it."""

from __future__ import annotations

from collections import Counter

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


async def append(tx: Tx, *events: Message) -> None:
    """Say events in this transaction, in this order. Each gets the next sequence of its (topic, key), under that row's lock.

    Raises NotInContract when the app may not say one, EventTooLarge when one does not fit its topic.
    """
    if not events:
        return
    writer = tx.writer
    said = [(contract.topic_said(e.DESCRIPTOR.full_name, writer), contract.key_of(e), e, e.SerializeToString(deterministic=True)) for e in events]
    for topic, key, event, payload in said:
        if len(payload) + len(key) + RECORD_OVERHEAD > topic.max_bytes:
            raise EventTooLarge(f"{event.DESCRIPTOR.full_name} of {len(payload)} bytes on {topic.name}, which takes {topic.max_bytes}")
    counts = Counter((topic.name, key) for topic, key, _, _ in said)
    ordered = sorted(counts)
    rows = await tx.fetch(SEQUENCE, [t for t, _ in ordered], [k for _, k in ordered], [counts[pair] for pair in ordered])
    following = {(row["topic"], row["key"]): row["last"] - counts[row["topic"], row["key"]] for row in rows}
    cause, trace = causes.current(), traceparent()
    rows_said: list[tuple[str, str, int, bytes, dict[str, str]]] = []
    for topic, key, event, payload in said:
        following[topic.name, key] += 1
        heads = envelope.headers(
            event_id=new_id(), event_type=event.DESCRIPTOR.full_name, writer=writer, at=tx.at, sequence=following[topic.name, key],
            cause=cause, correlation=getattr(event, "journey_id", "") or cause.correlation, traceparent=trace,
        )  # fmt: skip
        envelope.wire(heads)
        rows_said.append((topic.name, key, following[topic.name, key], payload, heads))
    await tx.execute(INSERT, *(list(column) for column in zip(*rows_said, strict=True)), tx.at)
    tx.said = True
