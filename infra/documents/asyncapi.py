"""AsyncAPI 3.0 of the city's events: topics as channels, events as messages, what each layer says and hears as operations.

https://www.asyncapi.com/docs/reference/specification/v3.0.0; Kafka bindings 0.5.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from stratapolis.chassis import contract
from stratapolis.chassis.comments import comments
from stratapolis.chassis.contract import Topic
from stratapolis.chassis.envelope import CONTENT_TYPE, source

from infra.documents.schema import PROTO_JSON, definitions
from infra.documents.wired import edges

HOUR_MS = 3_600_000
KAFKA_BINDING = "0.5.0"
ABOUT = (
    "What the layers of a Stratapolis city say to each other over Kafka: CloudEvents 1.0 in binary mode with protobuf payloads. "
    "The schemas describe the payloads in their ProtoJSON form; the protos are the source. Delivery is at least once, in order per key; "
    "`ce_sequence` counts a key's events on its topic from 1 without gaps."
)
EXTENSIONS: Mapping[str, str] = {
    "ce_correlation": "the journey that the event belongs to",
    "ce_causation": "the id of the event or the request that led to it",
    "ce_actor": "who acted, for the record; nothing is decided on it",
    "ce_traceparent": "W3C trace context",
}


def document() -> dict[str, Any]:
    """The whole document."""
    topics = sorted(contract.topics().values(), key=lambda topic: topic.name)
    events: dict[str, Any] = {name: kind.DESCRIPTOR for topic in topics for name, kind in topic.types.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Stratapolis",
            "version": version("stratapolis-contracts"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": layer} for layer in contract.layers()],
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {name: operation for topic in topics for name, operation in _operations(topic).items()},
        "components": {
            "messages": {_message_id(topic, name): _message(topic, name) for topic in topics for name in sorted(topic.types)},
            "schemas": definitions(list(events.values()), PROTO_JSON),
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = {"cleanup.policy": ["compact" if topic.compacted else "delete"], "max.message.bytes": topic.max_bytes}
    if topic.retention_hours:
        settings["retention.ms"] = topic.retention_hours * HOUR_MS
    return {
        "address": topic.name,
        "description": f"Written by {topic.writer} alone; may be read by {', '.join(sorted(topic.readers)).replace('*', 'every layer') or 'nobody'}.",
        "messages": {_short(name): {"$ref": f"#/components/messages/{_message_id(topic, name)}"} for name in sorted(topic.types)},
        "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": settings, "bindingVersion": KAFKA_BINDING}},
    }


def _operations(topic: Topic) -> dict[str, Any]:
    heard: dict[str, list[str]] = {}
    for edge in edges():
        if edge.topic == topic.name:
            heard.setdefault(edge.hearer, []).append(edge.event)
    said = {f"{topic.writer} says {topic.name}": _operation("send", topic, topic.writer, sorted(topic.types))}
    return said | {f"{layer} hears {topic.name}": _operation("receive", topic, layer, events) for layer, events in sorted(heard.items())}


def _operation(action: str, topic: Topic, layer: str, events: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "tags": [{"name": layer}],
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{_short(event)}"} for event in events],
    }


def _message(topic: Topic, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": _short(name),
        "summary": comments().get(name, ""),
        "contentType": CONTENT_TYPE,
        "headers": _headers(topic, name),
        "correlationId": {"description": "The journey that the event belongs to.", "location": "$message.header#/ce_correlation"},
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": f"the field {contract.key_field(name)}"}, "bindingVersion": KAFKA_BINDING}},
    }


def _headers(topic: Topic, name: str) -> dict[str, Any]:
    fixed = {"ce_specversion": "1.0", "ce_type": name, "ce_source": source(topic.writer), "content-type": CONTENT_TYPE}
    properties: dict[str, Any] = {header: {"type": "string", "const": value} for header, value in fixed.items()}
    properties["ce_id"] = {"type": "string", "format": "uuid"}
    properties["ce_time"] = {"type": "string", "format": "date-time"}
    properties["ce_sequence"] = {"type": "string", "pattern": "^[1-9][0-9]*$"}
    required = sorted(properties)
    properties |= {header: {"type": "string", "description": text} for header, text in EXTENSIONS.items()}
    return {"type": "object", "properties": dict(sorted(properties.items())), "required": required}


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _message_id(topic: Topic, name: str) -> str:
    """Shared events are a message of their own on each topic: their source differs."""
    return name if name.rpartition(".")[0] == topic.package else f"{topic.writer}.{_short(name)}"
