"""The rules that stand in the contract, checked by protovalidate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import protovalidate
from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken rule: the field's path and what would be right."""

    path: str
    message: str


@cache
def _validator() -> protovalidate.Validator:
    return protovalidate.Validator()


def broken_rules(message: Message) -> tuple[Broken, ...]:
    """Every rule of the contract that a message breaks; empty when it keeps them all."""
    return tuple(Broken(_path(v), v.proto.message) for v in _validator().collect_violations(message))


def _path(violation: Any) -> str:
    path = ""
    for element in violation.proto.field.elements if violation.proto.field else ():
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            path += f"[{element.subscript.value}]" if element.subscript.field == "index" else "[...]"
    return path
