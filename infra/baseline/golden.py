"""An example of every event: each field filled as far as the rules let it, as the bytes that lie on topics and as text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from stratapolis.chassis import contract
from stratapolis.chassis.validation import broken_rules

from e2e_tests import shapes

F = FieldDescriptor
DEEPEST = 4
TEXTS = ("a", "1.5", "2026-11-27", "2026-11", "EUR", "Europe/Berlin", "a-name", "de", "https://city.example/a", "0123456789abcdef")
"""Tried one after the other, until one keeps the rules."""


def events() -> Mapping[str, Message]:
    """An example of every event of the contract, by its full name."""
    kinds = {name: kind for topic in contract.topics().values() for name, kind in topic.types.items()}
    return {name: example(kind) for name, kind in sorted(kinds.items())}


def example(kind: type[Message]) -> Message:
    """An event that keeps every rule, with all of its fields filled that may be filled together."""
    described: Any = kind.DESCRIPTOR
    made: Message = shapes.valid(described)
    _fill(made, made, DEEPEST)
    if not contract.key_of(made):
        raise AssertionError(f"{kind.DESCRIPTOR.full_name}: its example has no key")
    return made


def written(file: Path) -> None:
    """Write today's examples."""
    texts = {name: {"payload": base64.b64encode(_bytes(event)).decode(), "fields": fields(event)} for name, event in events().items()}
    file.write_text(json.dumps(texts, indent=1, sort_keys=True) + "\n")


def fields(event: Message) -> dict[str, Any]:
    """What an event says, field by field."""
    found: dict[str, Any] = MessageToDict(event, preserving_proto_field_name=True, use_integers_for_enums=True)
    return found


def _bytes(event: Message) -> bytes:
    return event.SerializeToString(deterministic=True)


def _fill(whole: Message, part: Any, depth: int) -> None:
    """Set each field of a part that is not set yet, if the whole keeps its rules then."""
    for field in part.DESCRIPTOR.fields:
        if field.containing_oneof and part.WhichOneof(field.containing_oneof.name):
            continue
        if not is_set(part, field):
            _try(whole, part, field)
        if field.type == F.TYPE_MESSAGE and not _is_map(field) and depth and is_set(part, field):
            for inner in getattr(part, field.name) if field.is_repeated else [getattr(part, field.name)]:
                _fill(whole, inner, depth - 1)


def _try(whole: Message, part: Any, field: FieldDescriptor) -> None:
    for candidate in _candidates(field):
        _set(part, field, candidate)
        if not broken_rules(whole):
            return
        part.ClearField(field.name)


def _candidates(field: FieldDescriptor) -> Iterator[Any]:
    if field.type == F.TYPE_MESSAGE:
        yield None
    elif field.type == F.TYPE_STRING:
        yield from TEXTS
    elif field.type == F.TYPE_BYTES:
        yield from (b"a", b"0123456789abcdef", bytes(32))
    elif field.type == F.TYPE_ENUM:
        yield from (value.number for value in (field.enum_type.values if field.enum_type else ()) if value.number)
    elif field.type == F.TYPE_BOOL:
        yield True
    elif field.type in {F.TYPE_DOUBLE, F.TYPE_FLOAT}:
        yield from (1.5, 0.5)
    else:
        yield from (1, 7, 100)


def _set(part: Any, field: Any, value: Any) -> None:
    if _is_map(field):
        key, inner = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        if inner.type != F.TYPE_MESSAGE:
            getattr(part, field.name)[next(_candidates(key))] = next(_candidates(inner))
    elif field.type == F.TYPE_MESSAGE:
        made = getattr(part, field.name).add() if field.is_repeated else getattr(part, field.name)
        made.SetInParent()
        if (required := _required(made)) is not None:
            made.MergeFrom(required)
    elif field.is_repeated:
        getattr(part, field.name).append(value)
    else:
        setattr(part, field.name, value)


def _required(made: Any) -> Message | None:
    """What a message of this kind must have; None where the contract has no such example of it."""
    try:
        return shapes.valid(made.DESCRIPTOR)
    except AssertionError:
        return None


def is_set(part: Any, field: Any) -> bool:
    """Whether an event says something in a field."""
    if field.is_repeated:
        return bool(len(getattr(part, field.name)))
    if field.has_presence:
        return bool(part.HasField(field.name))
    return bool(getattr(part, field.name) != field.default_value)


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
