"""Requests from the contract: for every RPC one that keeps its rules, and for every field neighbours that just keep or just break them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import find
from hypothesis import strategies as st
from stratapolis.chassis import contract
from stratapolis.chassis.validation import broken_rules

F = FieldDescriptor
WHOLE = (F.TYPE_INT32, F.TYPE_INT64, F.TYPE_UINT32, F.TYPE_UINT64)
UNKNOWN_ENUM = 999


@dataclass(frozen=True, slots=True)
class Case:
    """A request with one field changed. `breaks` is the path that a refusal must name; empty: the rules are kept."""

    name: str
    payload: bytes
    breaks: str


def rpcs() -> list[MethodDescriptor]:
    """Every RPC of the contract."""
    return [m for f in contract.files() for s in f.services_by_name.values() for m in s.methods]


@cache
def _request_class(descriptor: Descriptor) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)


def valid(descriptor: Descriptor) -> Message:
    """A request that keeps every rule, with as little in it as can be."""
    made = _request_class(descriptor)()
    _fill(made)
    if broken := broken_rules(made):
        raise AssertionError(f"{descriptor.full_name}: {broken}")
    return made


def cases(descriptor: Descriptor) -> Iterator[Case]:
    """Every field's neighbours: one change each against the valid request."""
    base = valid(descriptor)
    for field in descriptor.fields:
        for name, breaks, change in _changes(field):
            changed = type(base).FromString(base.SerializeToString())
            for other in field.containing_oneof.fields if field.containing_oneof else ():
                changed.ClearField(other.name)
            change(changed)
            yield Case(f"{field.name} {name}", changed.SerializeToString(), field.name if breaks else "")
        if field.type == F.TYPE_STRING:
            bad = b"\xff\xfe"
            tag = _varint(field.number << 3 | 2)
            yield Case(f"{field.name} is not UTF-8", base.SerializeToString() + tag + _varint(len(bad)) + bad, "*")
    yield Case("garbage", b"\xff\xff\xff\xff\xff", "*")


def _changes(field: FieldDescriptor) -> Iterator[tuple[str, bool, Any]]:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if field.is_repeated:
        most = rules.repeated.max_items
        if most and most <= 1_000 and field.type in (F.TYPE_STRING, F.TYPE_MESSAGE):
            yield "has one item too many", True, lambda m: _extend(m, field, most + 1)
        return
    if rules.required or (field.type == F.TYPE_STRING and rules.string.min_len):
        yield "is missing", True, lambda m: m.ClearField(field.name)
    if field.type == F.TYPE_STRING and rules.string.max_len and not rules.string.pattern:
        longest = rules.string.max_len
        yield "is too long", True, lambda m: setattr(m, field.name, "x" * (longest + 1))
        if field.name != "page_token":
            yield "is as long as may be", False, lambda m: setattr(m, field.name, "x" * longest)
    elif field.type == F.TYPE_STRING and rules.string.pattern:
        yield "is of another form", True, lambda m: setattr(m, field.name, "\x01 not of this form \x01")
    elif field.type == F.TYPE_ENUM:
        yield "is an unknown value", True, lambda m: setattr(m, field.name, UNKNOWN_ENUM)
    elif field.type in WHOLE:
        yield from _bounds(field, getattr(rules, _NUMBER_RULES[field.type]))
    elif field.type in (F.TYPE_DOUBLE, F.TYPE_FLOAT):
        yield "is not a number", True, lambda m: setattr(m, field.name, float("nan"))


def _bounds(field: FieldDescriptor, rules: Any) -> Iterator[tuple[str, bool, Any]]:
    if rules.HasField("lte"):
        highest = rules.lte
        yield "is above its bound", True, lambda m: setattr(m, field.name, highest + 1)
        yield "is at its upper bound", False, lambda m: setattr(m, field.name, highest)
    if rules.HasField("gte") and rules.gte > -(2**31):
        lowest = rules.gte
        yield "is below its bound", True, lambda m: setattr(m, field.name, lowest - 1)


_NUMBER_RULES = {F.TYPE_INT32: "int32", F.TYPE_INT64: "int64", F.TYPE_UINT32: "uint32", F.TYPE_UINT64: "uint64"}


def _fill(message: Any, depth: int = 0) -> None:
    """Set what the rules ask for."""
    for field in message.DESCRIPTOR.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if field.is_repeated:
            if rules.repeated.min_items:
                _extend(message, field, rules.repeated.min_items, depth)
        elif field.type == F.TYPE_MESSAGE:
            if rules.required:
                getattr(message, field.name).SetInParent()
                _fill(getattr(message, field.name), depth + 1)
        elif not field.containing_oneof or field.containing_oneof.fields[0] is field:
            value = _value(field, rules)
            if value is not None:
                setattr(message, field.name, value)
    _choose(message, depth)


def _choose(message: Any, depth: int) -> None:
    """Of a oneof that must be set, the first."""
    for oneof in message.DESCRIPTOR.oneofs:
        if oneof.GetOptions().Extensions[validate_pb2.oneof].required and message.WhichOneof(oneof.name) is None:
            first = oneof.fields[0]
            if first.type == F.TYPE_MESSAGE:
                getattr(message, first.name).SetInParent()
                _fill(getattr(message, first.name), depth + 1)


def _value(field: FieldDescriptor, rules: Any) -> Any:
    if field.type == F.TYPE_STRING:
        return _text(rules.string)
    if field.type == F.TYPE_BYTES and rules.bytes.min_len:
        return b"x" * int(rules.bytes.min_len)
    if field.type == F.TYPE_ENUM and (0 in rules.enum.not_in or getattr(rules.enum, "in")):
        return next(v.number for v in _values(field) if v.number not in rules.enum.not_in and v.number in (getattr(rules.enum, "in") or (v.number,)))
    if field.type in WHOLE:
        number = getattr(rules, _NUMBER_RULES[field.type])
        return number.gte if number.HasField("gte") and number.gte > 0 else number.gt + 1 if number.HasField("gt") else None
    return None


def _values(field: FieldDescriptor) -> Any:
    return field.enum_type.values if field.enum_type else ()


def _text(rules: Any) -> str | None:
    if rules.HasField("const"):
        return str(rules.const)
    if listed := getattr(rules, "in"):
        return str(listed[0])
    if rules.pattern:
        return _matching(rules.pattern, int(rules.min_len))
    return "x" * int(rules.min_len) if rules.min_len else None


@cache
def _matching(pattern: str, shortest: int) -> str:
    return find(st.from_regex(pattern.removesuffix("$") + r"\Z", fullmatch=True), lambda text: len(text) >= shortest)


def _extend(message: Any, field: FieldDescriptor, count: int, depth: int = 0) -> None:
    rules = field.GetOptions().Extensions[validate_pb2.field].repeated.items
    values = getattr(message, field.name)
    for n in range(count):
        if field.type == F.TYPE_MESSAGE:
            _fill(values.add(), depth + 1)
        elif field.type == F.TYPE_ENUM:
            values.append(next(v.number for v in _values(field) if v.number not in rules.enum.not_in))
        else:
            text = _text(rules.string)
            values.append(text if text and rules.string.pattern else f"{n:0{max(1, int(rules.string.min_len))}d}")


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])
