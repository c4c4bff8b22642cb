"""How a manifest spells the contract's names: fields in lowerCamel, values of enums without their prefix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

CAPITAL = frozenset({"WcagLevel"})
"""Enums whose values are written in capitals, as their standard does."""


def camel(name: str) -> str:
    """`PAY_PER_USE` as `payPerUse`."""
    first, *others = name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


def spellings(enum: EnumDescriptor) -> dict[str, int]:
    """The values that may be written, in their first spelling, with their numbers."""
    shorts = {value.name.removeprefix(_prefix(enum)): value.number for value in enum.values if value.number}
    return {short if enum.name in CAPITAL else camel(short): number for short, number in shorts.items()}


def number_of(enum: EnumDescriptor, written: str) -> int | None:
    """The value that a word stands for: `payPerUse`, `pay-per-use` or `PAY_PER_USE`."""
    for spelling, number in spellings(enum).items():
        capitals = enum.values_by_number[number].name.removeprefix(_prefix(enum))
        if written in {spelling, capitals, capitals.lower().replace("_", "-")}:
            return number
    return None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """What was probably meant, if anything."""
    by_form = {_form(name): name for name in known}
    close = difflib.get_close_matches(_form(word[:64]), by_form, n=1, cutoff=0.6)
    return by_form[close[0]] if close else None


def expected(field: FieldDescriptor) -> str:
    """What a value of the field looks like, in words."""
    if field.message_type is not None:
        return fields_of(field.message_type)
    if field.enum_type is not None:
        return f"one of {', '.join(spellings(field.enum_type))}"
    return {
        FieldDescriptor.CPPTYPE_STRING: "text",
        FieldDescriptor.CPPTYPE_BOOL: "true or false",
        FieldDescriptor.CPPTYPE_DOUBLE: "a number such as 52.5",
    }.get(field.cpp_type, "a whole number such as 3")


def fields_of(message: Descriptor) -> str:
    """What a message looks like, in words."""
    names = [field.json_name for field in message.fields]
    return f"fields such as `{names[0]}`, each on a line of its own and indented" if names else "`{}`"


def reworded(comment: str, enums: Iterable[EnumDescriptor]) -> str:
    """A comment of the contract in the words of a manifest: `MODEL_FREE` as `free`, `up_to` as `upTo`."""
    words = {value.name: word for enum in enums for word, number in spellings(enum).items() for value in enum.values if value.number == number}
    return re.sub(r"\b[A-Za-z]+(_[A-Za-z]+)+\b", lambda match: words.get(match[0], camel(match[0]) if match[0].islower() else match[0]), comment)


def _form(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).lower()


def _prefix(enum: EnumDescriptor) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
