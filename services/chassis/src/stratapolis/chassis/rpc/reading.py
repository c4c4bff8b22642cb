"""From bytes to a message that keeps all rules of its contract."""

from __future__ import annotations

from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.rpc.refusals import InvalidRequest, Unreadable
from stratapolis.chassis.times import in_range
from stratapolis.chassis.validation import Broken, broken_rules

LONGEST_DURATION = 315_576_000_000
"""Seconds, ten thousand years, as google.protobuf.Duration says."""


def read(kind: type[Message], body: bytes) -> Message:
    """The message; raises Unreadable or, with every broken rule, InvalidRequest."""
    try:
        request = kind.FromString(body)
    except DecodeError as error:
        raise Unreadable(f"no {kind.DESCRIPTOR.name}: {error}") from error
    broken = list(broken_rules(request))
    if b"\0" in body or _has_times(kind.DESCRIPTOR):
        _walk(request, "", broken)
    if broken:
        raise InvalidRequest(broken)
    return request


@cache
def _has_times(descriptor: Descriptor) -> bool:
    return bool({"google.protobuf.Timestamp", "google.protobuf.Duration"} & _reachable(descriptor, frozenset()))


def _reachable(descriptor: Descriptor, seen: frozenset[str]) -> frozenset[str]:
    if descriptor.full_name in seen:
        return seen
    seen |= {descriptor.full_name}
    for field in descriptor.fields:
        if field.message_type is not None:
            seen = _reachable(field.message_type, seen)
    return seen


def _walk(message: Message, path: str, broken: list[Broken]) -> None:
    """What holds of every request and no rule needs to repeat: PostgreSQL keeps no NUL in texts, and a time is a time."""
    if isinstance(message, Timestamp) and not in_range(message):
        broken.append(Broken(path, "must be a time of the years 1 to 9999"))
    elif isinstance(message, Duration) and not (
        abs(message.seconds) <= LONGEST_DURATION and message.seconds * message.nanos >= 0 and abs(message.nanos) < 10**9
    ):
        broken.append(Broken(path, "must be a duration"))
    for field, value in message.ListFields():
        at = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _walk_map(value, at, broken)
        elif field.is_repeated:
            for index, item in enumerate(value):
                _walk_value(field, item, f"{at}[{index}]", broken)
        else:
            _walk_value(field, value, at, broken)


def _walk_map(entries: object, path: str, broken: list[Broken]) -> None:
    for key, value in entries.items():  # type: ignore[attr-defined]
        broken.extend(Broken(f"{path}[...]", "must not contain NUL") for part in (key, value) if isinstance(part, str) and "\0" in part)
        if isinstance(value, Message):
            _walk(value, f"{path}[...]", broken)


def _walk_value(field: FieldDescriptor, value: object, path: str, broken: list[Broken]) -> None:
    if isinstance(value, Message):
        _walk(value, path, broken)
    elif field.type == FieldDescriptor.TYPE_STRING and isinstance(value, str) and "\0" in value:
        broken.append(Broken(path, "must not contain NUL"))
