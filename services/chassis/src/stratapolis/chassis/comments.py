"""The comments of the contract: what its authors say of every message, field, enum value and RPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

Place = tuple[int, ...]
MESSAGES, ENUMS, SERVICES = 4, 5, 6
FIELDS, NESTED, NESTED_ENUMS, VALUES, METHODS = 2, 3, 4, 2, 2
"""Numbers of the fields in a descriptor by which source_code_info finds its comments."""


@cache
def comments() -> Mapping[str, str]:
    """The comment of everything in the contract by full name, line breaks folded; what has none is empty."""
    described = FileDescriptorSet.FromString(files("city").joinpath("contract.binpb").read_bytes())
    return {name: text for file in described.file for name, text in _of(file)}


def _of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    said = {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}
    for index, message in enumerate(file.message_type):
        yield from _of_message(message, f"{file.package}.{message.name}", (MESSAGES, index), said)
    for index, enum in enumerate(file.enum_type):
        yield from _of_enum(enum, f"{file.package}.{enum.name}", (ENUMS, index), said)
    for index, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield name, said.get((SERVICES, index), "")
        for number, method in enumerate(service.method):
            yield f"{name}.{method.name}", said.get((SERVICES, index, METHODS, number), "")


def _of_message(message: DescriptorProto, name: str, place: Place, said: Mapping[Place, str]) -> Iterator[tuple[str, str]]:
    yield name, said.get(place, "")
    for index, field in enumerate(message.field):
        yield f"{name}.{field.name}", said.get((*place, FIELDS, index), "")
    for index, nested in enumerate(message.nested_type):
        yield from _of_message(nested, f"{name}.{nested.name}", (*place, NESTED, index), said)
    for index, enum in enumerate(message.enum_type):
        yield from _of_enum(enum, f"{name}.{enum.name}", (*place, NESTED_ENUMS, index), said)


def _of_enum(enum: EnumDescriptorProto, name: str, place: Place, said: Mapping[Place, str]) -> Iterator[tuple[str, str]]:
    yield name, said.get(place, "")
    for number, value in enumerate(enum.value):
        yield f"{name}.{value.name}", said.get((*place, VALUES, number), "")
