"""CloudEvents 1.0, binary mode on Kafka: attributes as headers, the protobuf message as value.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md, clause 3.2.
Header values are ASCII; extensions: correlation, causation, sequence, actor, traceparent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from google.protobuf.message import DecodeError, Message
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.contract import Topic
from stratapolis.chassis.errors import Permanent

CONTENT_TYPE = "application/protobuf"
Headers = Sequence[tuple[str, bytes]]
Stamp = tuple[bytes | None, bytes | None, bytes | None]


class Envelope(NamedTuple):
    """The attributes of an event as its headers say them; absent ones are empty, an absent sequence is None."""

    id: str
    type: str
    source: str
    time: str
    content_type: str
    correlation: str
    causation: str
    actor: str
    traceparent: str
    sequence: int | None


def headers(*, event_id: str, event_type: str, writer: str, at: datetime, sequence: int, cause: Cause, correlation: str, traceparent: str) -> dict[str, str]:
    """The headers of an event said by `writer`; empty extensions are left out."""
    said = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": event_type,
        "ce_source": source(writer),
        "ce_time": at.isoformat().replace("+00:00", "Z"),
        "ce_sequence": str(sequence),
        "ce_correlation": correlation,
        "ce_causation": cause.causation,
        "ce_actor": cause.actor,
        "ce_traceparent": traceparent,
        "content-type": CONTENT_TYPE,
    }
    return {name: value for name, value in said.items() if value}


def source(writer: str) -> str:
    """The CloudEvents source of a layer."""
    return f"/city/{writer}"


def wire(said: dict[str, str]) -> list[tuple[str, bytes]]:
    """Headers as Kafka takes them. Not ASCII is a bug of ours and is raised where the event is appended."""
    return [(name, value.encode("ascii")) for name, value in said.items()]


def read(found: Headers) -> Envelope:
    """The envelope in a record's headers; one that is not ASCII or stands twice, a name that is no UTF-8, a sequence that is no number, is Permanent."""
    values: dict[str, str] = {}
    for name, raw in found:
        if not name.isascii() and not _is_text(name):
            raise Permanent("a header name is not UTF-8")
        if not (name.startswith("ce_") or name == "content-type"):
            continue
        if name in values:
            raise Permanent(f"header {name} stands twice")
        try:
            values[name] = (raw or b"").decode("ascii")
        except UnicodeDecodeError:
            raise Permanent(f"header {name} is not ASCII") from None
    sequence = values.get("ce_sequence")
    if sequence is not None and not (sequence.isdecimal() and 0 < int(sequence) < 2**63):
        raise Permanent(f"header ce_sequence is no positive number: {sequence[:40]!r}")
    return Envelope(
        id=values.get("ce_id", ""),
        type=values.get("ce_type", ""),
        source=values.get("ce_source", ""),
        time=values.get("ce_time", ""),
        content_type=values.get("content-type", ""),
        correlation=values.get("ce_correlation", ""),
        causation=values.get("ce_causation", ""),
        actor=values.get("ce_actor", ""),
        traceparent=values.get("ce_traceparent", ""),
        sequence=int(sequence) if sequence is not None else None,
    )


def _is_text(name: str) -> bool:
    """Whether a name was UTF-8; `readable` has other bytes as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def decode(envelope: Envelope, payload: bytes | None, topic: Topic) -> Message | None:
    """The event in a record, or None for a type of the topic's own package that this release does not know (a newer writer: skipped).

    Raises Permanent for everything that is not an event of this topic's writer: foreign source, another package or major version, bytes that do not parse.
    """
    if envelope.source != source(topic.writer):
        raise Permanent(f"source {envelope.source!r} is not {source(topic.writer)!r}, the topic's writer")
    if envelope.content_type != CONTENT_TYPE:
        raise Permanent(f"content-type {envelope.content_type!r} is not {CONTENT_TYPE!r}")
    kind = topic.types.get(envelope.type)
    if kind is None:
        if envelope.type.rpartition(".")[0] == topic.package:
            return None
        raise Permanent(f"type {envelope.type!r} does not belong on {topic.name}")
    return parse(kind, payload)


def parse(kind: type[Message], payload: bytes | None) -> Message:
    """The event in a payload; raises Permanent where there is none."""
    if payload is None:
        raise Permanent("no payload")
    try:
        return kind.FromString(payload)
    except DecodeError:
        raise Permanent(f"payload is not a {kind.DESCRIPTOR.full_name}") from None


def stamp(found: Headers) -> Stamp | None:
    """Type, source and content type as they came, for raw streams, where `read` would be a seventh of all work; None where only `read` can judge."""
    given = dict(found)
    try:
        plain = len(given) == len(found) and "".join(given).isascii() and b"".join(given.values()).isascii() and "ce_sequence" not in given
    except TypeError:  # a header without a value
        return None
    return (given.get("ce_type"), given.get("ce_source"), given.get("content-type")) if plain else None


def stamp_of(kind: type[Message], topic: Topic) -> Stamp:
    """The stamp of an event by the topic's writer."""
    return kind.DESCRIPTOR.full_name.encode(), source(topic.writer).encode(), CONTENT_TYPE.encode()
