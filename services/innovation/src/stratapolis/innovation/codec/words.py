"""Enums, days, times and indicators: what several nouns are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from city.types.v1.types_pb2 import IndicatorKey, Place
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.domain.challenge import Indicator

Word = TypeVar("Word", bound=StrEnum)


def numbers(words: type[Word], enum: Any, prefix: str) -> dict[Word, Any]:
    """The number of each word in the contract's enum: `lab` is PROGRAMME_KIND_LAB."""
    return {word: enum.Value(f"{prefix}_{word.name}") for word in words}


def back(given: dict[Word, Any]) -> dict[Any, Word]:
    """The word of each number."""
    return {number: word for word, number in given.items()}


def words(asked: Iterable[Any], of: dict[Any, Word]) -> list[str] | None:
    """What a filter keeps; None: all."""
    return [of[number].value for number in asked] or None


def day(text: str, field: str) -> date:
    """A day as `2026-01-31`; raises InvalidField for what is in no calendar."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidField(field, f"{text!r} is no day, such as 2026-01-31") from None
    if not 1900 <= found.year <= 9000:
        raise InvalidField(field, "is between the years 1900 and 9000")
    return found


def stamp(at: datetime | None) -> Timestamp | None:
    """A time for the wire; None leaves the field unset."""
    return None if at is None else to_timestamp(at)


def place(of: tuple[float, float]) -> Place:
    """A place for the wire."""
    return Place(latitude=of[0], longitude=of[1])


def place_of(given: Place) -> tuple[float, float]:
    """A place from the wire."""
    return given.latitude, given.longitude


def key(indicator: Indicator | None) -> IndicatorKey | None:
    """An indicator for the wire."""
    return None if indicator is None else IndicatorKey(framework=indicator.framework, code=indicator.code, measure=indicator.measure)


def indicator(given: IndicatorKey) -> Indicator:
    """An indicator from the wire."""
    return Indicator(given.framework, given.code, given.measure)
