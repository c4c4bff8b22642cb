"""A manifest as YAML, as a person would write it."""

from __future__ import annotations

from typing import Any

import yaml
from city.manifest.v1.manifest_pb2 import Manifest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from stratapolis.chassis.manifest.spelling import spellings


def write(manifest: Manifest) -> str:
    """YAML that `read` gives back as the same manifest."""
    return yaml.safe_dump(_fields(manifest), sort_keys=False, allow_unicode=True, width=120)


def _fields(message: Message) -> dict[str, Any]:
    written = {}
    for field, value in message.ListFields():
        written[field.json_name] = [_value(field, item) for item in value] if field.is_repeated else _value(field, value)
    return written


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _fields(value)
    if field.enum_type is not None:
        return next(word for word, number in spellings(field.enum_type).items() if number == value)
    return value
