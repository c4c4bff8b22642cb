"""JSON Schema (2020-12) of messages, from their descriptors, comments and protovalidate rules, in two dialects: ProtoJSON and the manifest's YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from buf.validate.validate_pb2 import FieldRules, oneof  # type: ignore[attr-defined,unused-ignore]
from buf.validate.validate_pb2 import field as field_rules
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from stratapolis.chassis.comments import comments
from stratapolis.chassis.manifest.explain import comment
from stratapolis.chassis.manifest.spelling import number_of, spellings

Schema = dict[str, Any]
WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": "^-?[0-9]+([.][0-9]{1,9})?s$"},
}
BOUNDS = {"gte": "minimum", "gt": "exclusiveMinimum", "lte": "maximum", "lt": "exclusiveMaximum"}
STRINGS = {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern", "const": "const"}
LISTS = {"min_items": "minItems", "max_items": "maxItems", "unique": "uniqueItems"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a form of the messages writes enums and texts, and whether a message may leave out what its rules demand."""

    words: Callable[[EnumDescriptor], Schema]
    said: Callable[[str], str]
    refer: str
    is_strict: bool


def _spelt(enum: EnumDescriptor) -> Schema:
    """The first spelling of each value for editors to offer, and the others that are understood."""
    first = list(spellings(enum))
    capitals = [value.name.removeprefix(prefix) for value in enum.values for prefix in _prefixes(value.name) if value.number]
    others = {word for capital in capitals for word in (capital, capital.lower().replace("_", "-")) if number_of(enum, word) is not None} - set(first)
    return {"type": "string", "anyOf": [{"enum": first}, {"enum": sorted(others)}]} if others else {"type": "string", "enum": first}


def _prefixes(name: str) -> list[str]:
    parts = name.split("_")
    return ["_".join(parts[:count]) + "_" for count in range(1, len(parts))]


MANIFEST = Dialect(words=_spelt, said=comment, refer="#/$defs/", is_strict=True)
"""As people write a manifest: enums in lowerCamel, numbers where the contract takes decimals as text, nothing that is not known."""
PROTO_JSON = Dialect(
    words=lambda enum: {"type": "string", "enum": [value.name for value in enum.values]},
    said=lambda name: comments().get(name, ""),
    refer="#/components/schemas/",
    is_strict=False,
)
"""As ProtoJSON writes a message: a reader ignores what it does not know."""


def definitions(roots: list[Descriptor], dialect: Dialect) -> dict[str, Schema]:
    """The schema of each message and of all that its fields lead to, by full name."""
    found: dict[str, Schema] = {}
    pending = list(roots)
    while pending:
        message = pending.pop()
        if message.full_name in found or message.full_name in WELL_KNOWN:
            continue
        found[message.full_name] = message_schema(message, dialect)
        pending += [field.message_type for field in message.fields if field.message_type is not None]
    return dict(sorted(found.items()))


def message_schema(message: Descriptor, dialect: Dialect) -> Schema:
    """One message; its parts are referred to."""
    schema: Schema = {"type": "object", "description": dialect.said(message.full_name)}
    schema["properties"] = {field.json_name: field_schema(field, dialect) for field in message.fields}
    if dialect.is_strict:
        schema["additionalProperties"] = False
        if required := [field.json_name for field in message.fields if is_required(field)]:
            schema["required"] = required
        for choice in message.oneofs:
            if choice.GetOptions().Extensions[oneof].required:
                schema["oneOf"] = [{"required": [field.json_name]} for field in choice.fields]
    return schema


def field_schema(field: FieldDescriptor, dialect: Dialect) -> Schema:
    """One field with its comment; a repeated one is a list."""
    rules = field.GetOptions().Extensions[field_rules]
    if field.is_repeated:
        items = _value(field, rules.repeated.items, dialect)
        schema: Schema = {"type": "array", "items": items} | _taken(rules.repeated, LISTS)
    else:
        schema = _value(field, rules, dialect)
    return {"description": dialect.said(field.full_name)} | schema


def is_required(field: FieldDescriptor) -> bool:
    """Whether leaving the field out breaks one of its rules: by being required, or since its default is refused."""
    rules: FieldRules = field.GetOptions().Extensions[field_rules]
    if field.is_repeated:
        return rules.repeated.min_items > 0
    if rules.required:
        return True
    if field.enum_type is not None:
        return 0 in rules.enum.not_in
    text = rules.string
    if text.const or text.min_len or (text.pattern and not re.search(text.pattern, "")):
        return True
    return any(bound > 0 for bound in (rules.int32.gte, rules.int64.gte))


def _value(field: FieldDescriptor, rules: FieldRules, dialect: Dialect) -> Schema:
    if field.message_type is not None:
        name = field.message_type.full_name
        return dict(WELL_KNOWN[name]) if name in WELL_KNOWN else {"$ref": f"{dialect.refer}{name}"}
    if field.enum_type is not None:
        return dialect.words(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return _text(rules, dialect) if field.cpp_type == FieldDescriptor.CPPTYPE_STRING else _number(field.cpp_type, rules, dialect)


def _number(kind: int, rules: FieldRules, dialect: Dialect) -> Schema:
    """ProtoJSON writes 64 bits as text, since JavaScript's numbers do not hold them."""
    match kind:
        case FieldDescriptor.CPPTYPE_BOOL:
            return {"type": "boolean"}
        case FieldDescriptor.CPPTYPE_DOUBLE:
            return {"type": "number"} | _taken(rules.double, BOUNDS)
        case FieldDescriptor.CPPTYPE_INT64 if not dialect.is_strict:
            return {"type": ["string", "integer"], "pattern": "^-?[0-9]+$"}
        case FieldDescriptor.CPPTYPE_INT64:
            return {"type": "integer"} | _taken(rules.int64, BOUNDS)
        case _:
            return {"type": "integer"} | _taken(rules.int32, BOUNDS)


def _text(rules: FieldRules, dialect: Dialect) -> Schema:
    """A manifest takes a number for a text where a text of digits would do, decimals above all; a pattern speaks of texts alone."""
    takes_numbers = dialect.is_strict and not rules.string.const and re.search(rules.string.pattern, "1.5") is not None
    return {"type": ["string", "number"] if takes_numbers else "string"} | _taken(rules.string, STRINGS)


def _taken(rules: Any, names: Mapping[str, str]) -> Schema:
    """The rules that are set, as JSON Schema names them."""
    return {names[rule.name]: value for rule, value in rules.ListFields() if rule.name in names}
