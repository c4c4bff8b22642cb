"""Nodes walked against the contract by descriptor: each value lands in its field, or its fault is told."""

from __future__ import annotations

import math
import re
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from stratapolis.chassis.manifest.faults import Found, one_of
from stratapolis.chassis.manifest.source import Listed, Mapped, Node, Refused, Scalar, below_of
from stratapolis.chassis.manifest.spelling import expected, fields_of, nearest, number_of, spellings

WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
NUMBER = re.compile(r"[-+]?[0-9]{1,40}([.][0-9]{0,40})?([eE][-+]?[0-9]{1,3})?")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
LONGEST = 1_000
"""Items of a list that are looked at; the contract allows far fewer everywhere."""
EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
SPANS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def walk(node: Node, message: Message, path: str, found: Found) -> None:
    """Put what a node says into a message; what does not fit is told."""
    descriptor = cast("Descriptor", message.DESCRIPTOR)
    found.places.setdefault(path, node.place)
    if not isinstance(node, Mapped):
        _misfit(node, path, found, fields_of(descriptor))
        return
    message.SetInParent()
    fields = {field.json_name: field for field in descriptor.fields}
    there = {key.value for key, _ in node.pairs}
    for key, value in node.pairs:
        below = below_of(path, key.value)
        field = fields.get(key.value)
        if field is None:
            _unknown(key, path, set(fields), there, found)
        elif (oneof := field.containing_oneof) is not None and message.WhichOneof(oneof.name) is not None:
            names = [f.json_name for f in oneof.fields]
            found.add(below, f"only one of {' and '.join(names)} may stand here", "keep one", at=key.place)
        else:
            found.places[below] = key.place
            _put(value, message, field, below, found)


def _unknown(key: Scalar, path: str, known: set[str], there: set[str], found: Found) -> None:
    if found.full:
        return
    meant = nearest(key.value, sorted(known - there))
    hint = f"did you mean `{meant}`?" if meant else f"fields here are {', '.join(sorted(known)) or 'none'}"
    if meant:
        found.spoilt.add(below_of(path, meant))  # that it is missing need not be told as well
    found.add(below_of(path, key.value), "there is no such field", hint, at=key.place)


def _put(node: Node, message: Message, field: FieldDescriptor, path: str, found: Found) -> None:
    if not field.is_repeated:
        if field.message_type is not None:
            walk(node, getattr(message, field.name), path, found)
        elif (value := _value(node, field, path, found)) is not None:
            setattr(message, field.name, value)
        return
    if not isinstance(node, Listed):
        _misfit(node, path, found, "a list, each item on a line of its own after `- `")
        return
    if len(node.items) > LONGEST:
        found.add(path, f"the list has {len(node.items):,} items", "no list of a manifest is that long", at=node.place)
        return
    items = getattr(message, field.name)
    for index, item in enumerate(node.items):
        if found.full:
            return
        below = f"{path}[{index}]"
        found.places[below] = item.place
        if field.message_type is not None:
            walk(item, items.add(), below, found)
        else:
            value = _value(item, field, below, found)
            items.append(("" if field.enum_type is None else 0) if value is None else value)  # something stands there, so that indexes stay


def _value(node: Node, field: FieldDescriptor, path: str, found: Found) -> Any:
    """The value of a scalar field; None where its fault has been told."""
    if not isinstance(node, Scalar) or (node.plain and node.value in EMPTY):
        _misfit(node, path, found, expected(field))
        return None
    if field.enum_type is not None:
        return _chosen(node, field.enum_type, path, found)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _text(node, path, found)
    value = _parsed(node, field)
    if value is None:
        _misfit(node, path, found, expected(field))
    return value


def _parsed(node: Scalar, field: FieldDescriptor) -> bool | int | float | None:
    """A number or a truth, written without quotes."""
    if not node.plain:
        return None
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "false": False}.get(node.value)
    if field.cpp_type in SPANS:
        low, high = SPANS[field.cpp_type]
        return int(node.value) if WHOLE.fullmatch(node.value) and low <= int(node.value) <= high else None
    number = float(node.value) if NUMBER.fullmatch(node.value) else math.inf
    return number if math.isfinite(number) else None


def _text(node: Scalar, path: str, found: Found) -> str | None:
    if match := CONTROL.search(node.value):
        found.add(path, f"the text holds the control character U+{ord(match[0]):04X}", "remove it", at=node.place)
        return None
    return node.value


def _chosen(node: Scalar, enum: EnumDescriptor, path: str, found: Found) -> int | None:
    number = number_of(enum, node.value)
    if number is None and not found.full:
        known = list(spellings(enum))
        meant = nearest(node.value, known)
        hint = f"did you mean `{meant}`? it is one of {', '.join(known)}" if meant else f"write {one_of(known)}"
        found.add(path, f"`{node.value[:60]}` is not known", hint, at=node.place)
    return number


def _misfit(node: Node, path: str, found: Found, wanted: str) -> None:
    if isinstance(node, Refused):
        found.spoilt.add(path)
        return
    is_empty = isinstance(node, Scalar) and node.plain and node.value in EMPTY
    is_quoted = isinstance(node, Scalar) and not node.plain and wanted.startswith(("a ", "true"))
    shape = "nothing" if is_empty else "a list" if isinstance(node, Listed) else "fields" if isinstance(node, Mapped) else f"`{node.value[:60]}`"
    hint = "write it without quotes" if is_quoted else "leave the field out, or say it" if is_empty else ""
    found.add(path, f"expected {wanted}, found {shape}", hint, at=node.place)
