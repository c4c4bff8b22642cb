"""What the contract says of a field of the manifest, from the comments in its proto."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from city.manifest.v1.manifest_pb2 import DESCRIPTOR, Manifest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from stratapolis.chassis.comments import comments
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.manifest.spelling import expected, nearest, reworded, spellings

SPOKEN = frozenset({"city.manifest", "city.types"})
"""The packages, without their major version, that a manifest is made of."""


class UnknownField(Refused):
    """The manifest has no such field."""

    reason = "UNKNOWN_FIELD"
    kind = Kind.INVALID

    def __init__(self, path: str, hint: str) -> None:
        super().__init__(f"the manifest has no field {path!r}: {hint}", field=path)


def explain(path: str = "") -> str:
    """What a field means and what may stand in it; `path` as in a fault (`spec.data[0].product`) or without indexes."""
    field = _field(path)
    message = Manifest.DESCRIPTOR if field is None else field.message_type
    lines = [f"{_shown(path)}: {'a list; each item: ' if field.is_repeated else ''}{expected(field)}", comment(field.full_name)] if field else []
    if field is not None and field.enum_type is not None:
        numbers = {number: word for word, number in spellings(field.enum_type).items()}
        lines += ["  " + _named(numbers[v.number], comment(f"{field.enum_type.full_name}.{v.name}")) for v in field.enum_type.values if v.number]
    if message is not None:
        lines += [comment(message.full_name), *_listed(message)]
    return "\n".join(line for line in lines if line)


def meaning(path: str) -> str:
    """The comment of a field, or nothing where the path leads nowhere."""
    try:
        field = _field(path)
    except UnknownField:
        return ""
    return comment(field.full_name) if field else ""


def _listed(message: Descriptor) -> Iterator[str]:
    for field in message.fields:
        yield "  " + _named(field.json_name, comment(field.full_name))


def _shown(path: str) -> str:
    return re.sub(r"\[\d*\]", "[]", path)


def _named(name: str, text: str) -> str:
    """A comment that begins with the name of what it describes, as most do."""
    return text if text.split(" ", maxsplit=1)[0] == name else f"{name}: {text}"


def _field(path: str) -> FieldDescriptor | None:
    message: Descriptor | None = Manifest.DESCRIPTOR
    field = None
    for step in filter(None, re.sub(r"\[\d*\]", "", path).split(".")):
        if message is None or not message.fields:
            raise UnknownField(path, f"{field.json_name if field else 'it'} has no fields")
        known = {f.json_name: f for f in message.fields}
        field = known.get(step)
        if field is None:
            meant = nearest(step, known)
            raise UnknownField(path, f"did you mean `{meant}`?" if meant else f"fields here are {', '.join(known)}")
        message = field.message_type
    return field


@cache
def _comments() -> Mapping[str, str]:
    """The contract's comments in the words of a manifest."""
    enums = list(DESCRIPTOR.enum_types_by_name.values())
    return {name: reworded(text, enums) for name, text in comments().items() if name.rpartition(".v1.")[0] in SPOKEN}


def comment(full_name: str) -> str:
    """What the contract says of a message, field or enum value of the manifest, in the manifest's own words."""
    return _comments().get(full_name, "")
