"""Observations as things post them: each item is looked at alone, and gets a result of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

AHEAD_AT_MOST = timedelta(hours=1)
PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,38}")
FLAG = re.compile(r"[a-z][a-z_]{0,38}")
UNIT = re.compile(r"[!-~]{1,40}")
DECIMAL = re.compile(r"-?[0-9]{1,15}([.][0-9]{1,9})?([eE][+-]?[0-9]{1,2})?")
KNOWN = frozenset({"property", "value", "unit", "observed_at", "place", "flags"})
MOST_FLAGS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the earth, WGS 84, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device: where it stands and what it observes."""

    thing: str
    owner: str
    type: str
    place: Place | None
    properties: frozenset[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """One value that a thing has seen; `value` is a decimal as text, `observed_at` is UTC to the millisecond."""

    property: str
    value: str
    unit: str
    observed_at: datetime
    place: Place | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemRefused:
    """Why one item is not taken."""

    reason: str
    field: str
    message: str


class _Wrong(Exception):
    """A field of an item is wrong."""

    def __init__(self, field: str, message: str, reason: str = "OBSERVATION_NOT_USABLE") -> None:
        super().__init__(message)
        self.refusal = ItemRefused(reason, field, message)


def read(item: object, device: Device, *, at: datetime) -> Observation | ItemRefused:
    """An item of a batch as an observation of this device, or why not. Numbers in it are `Decimal` or text, never float."""
    try:
        return _read(item, device, at)
    except _Wrong as wrong:
        return wrong.refusal


def _read(item: object, device: Device, at: datetime) -> Observation:
    if not isinstance(item, dict):
        raise _Wrong("", "each observation is an object")
    if unknown := sorted(str(name) for name in item.keys() - KNOWN):
        # Shown in ASCII: JSON may name a field by half a surrogate pair, which no answer could carry.
        raise _Wrong(ascii(unknown[0])[1:-1][:40], f"no such field; known are {', '.join(sorted(KNOWN))}")
    observed = _text(item, "property", PROPERTY, "small letters, digits and underscores, such as pm25")
    if observed not in device.properties:
        raise _Wrong("property", f"the device is registered for {', '.join(sorted(device.properties))}", "PROPERTY_NOT_OBSERVED")
    return Observation(
        property=observed,
        value=_value(item.get("value")),
        unit=_text(item, "unit", UNIT, "a UCUM unit, such as ug/m3"),
        observed_at=_time(item.get("observed_at"), at),
        place=_place(item.get("place")) or device.place,
        flags=_flags(item.get("flags", [])),
    )


def _text(item: Mapping[str, Any], field: str, pattern: re.Pattern[str], wanted: str) -> str:
    value = item.get(field)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _Wrong(field, f"must be {wanted}")
    return value


def _value(value: object) -> str:
    """A finite decimal, written out without exponent; NaN, infinities and booleans are no values."""
    written = str(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value
    if not isinstance(written, str) or not DECIMAL.fullmatch(written):
        raise _Wrong("value", "must be a decimal of at most 15 digits before and 9 behind the point")
    try:
        plain = Decimal(written)
    except InvalidOperation as error:
        raise _Wrong("value", "must be a decimal") from error
    exponent = plain.as_tuple().exponent
    if plain.adjusted() > 14 or not isinstance(exponent, int) or exponent < -9:
        raise _Wrong("value", "must be a decimal of at most 15 digits before and 9 behind the point")
    return f"{plain:f}"


def _time(value: object, at: datetime) -> datetime:
    """RFC 3339 with an offset, cut to the millisecond."""
    wanted = "must be a time with its offset, such as 2026-01-31T12:00:00Z"
    if not isinstance(value, str) or len(value) > 40 or "T" not in value.upper():
        raise _Wrong("observed_at", wanted)
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise _Wrong("observed_at", wanted)
        time = time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _Wrong("observed_at", wanted) from error
    if time > at + AHEAD_AT_MOST:
        raise _Wrong("observed_at", "lies more than an hour ahead", "OBSERVED_TIME_OUT_OF_RANGE")
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _place(value: object) -> Place | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"latitude", "longitude"}:
        raise _Wrong("place", "must be an object with latitude and longitude")
    return Place(_degrees(value["latitude"], "place.latitude", 90), _degrees(value["longitude"], "place.longitude", 180))


def _degrees(value: object, field: str, most: int) -> float:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and -most <= value <= most:
        return float(value)
    raise _Wrong(field, f"must be a number from -{most} to {most}")


def _flags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_FLAGS or not all(isinstance(flag, str) and FLAG.fullmatch(flag) for flag in value):
        raise _Wrong("flags", f"must be a list of at most {MOST_FLAGS} names, such as ambiguous_time")
    return tuple(value)
