"""Values of indicators: from governance's word to the catalogue's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from city.governance.v1.events_pb2 import IndicatorMeasured
from city.types.v1 import types_pb2
from city.value_catalog.v1 import entry_pb2
from stratapolis.chassis.decimals import reading
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_timestamp
from stratapolis.value_catalog.codec.times import time_of
from stratapolis.value_catalog.domain.outcome import Direction, Side, Value, side

NOT_MEASURED = "not measured"
DECIMAL = re.compile(r"-?[0-9]{1,30}([.][0-9]{1,30})?")
SIDES = {one: types_pb2.Side.Value(f"SIDE_{one.name}_TARGET") for one in Side}
SIDE_OF = {number: one for one, number in SIDES.items()}
DIRECTIONS = {one: types_pb2.Direction.Value(f"DIRECTION_{one.name}") for one in Direction}
DIRECTION_OF = {number: one for one, number in DIRECTIONS.items()}


def value_of(event: IndicatorMeasured, at: datetime) -> Value:
    """A value as governance says it; Permanent for one that is no decimal and could never be shown."""
    if not DECIMAL.fullmatch(event.value):
        raise Permanent(f"{event.value!r} is no decimal")
    return Value(
        indicator=(event.indicator.framework, event.indicator.code, event.indicator.measure),
        scope=event.scope,
        period=event.period,
        revision=event.revision,
        value=event.value,
        unit=event.unit,
        target=event.target,
        side=SIDE_OF.get(event.side),
        direction=DIRECTION_OF.get(event.direction),
        measured_at=time_of(event, "measured_time") or at,
    )


def shown(row: Mapping[str, Any] | None) -> entry_pb2.Measured | None:
    """A row of `measured`; None: not measured."""
    if row is None:
        return None
    city_side, direction = _words(row)
    return entry_pb2.Measured(
        value=row["value"],
        unit=row["unit"],
        scope=row["scope"],
        period=row["period"],
        revision=row["revision"],
        city_target=row["target"],
        measured_time=to_timestamp(datetime.fromisoformat(row["measured_at"])),
        side=SIDES[city_side] if city_side else types_pb2.SIDE_UNSPECIFIED,
        direction=DIRECTIONS[direction] if direction else types_pb2.DIRECTION_UNSPECIFIED,
    )


def side_shown(row: Mapping[str, Any] | None, own_target: str) -> types_pb2.Side.ValueType:
    """The side of an outcome's target: the service's own, else the city's."""
    if row is None:
        return types_pb2.SIDE_UNSPECIFIED
    city_side, direction = _words(row)
    found = side(Decimal(row["value"]), direction, own_target=Decimal(own_target) if own_target else None, city_side=city_side)
    return SIDES[found] if found else types_pb2.SIDE_UNSPECIFIED


def read(row: Mapping[str, Any] | None) -> str:
    """The value for people."""
    return NOT_MEASURED if row is None else reading(Decimal(row["value"]), row["unit"])


def _words(row: Mapping[str, Any]) -> tuple[Side | None, Direction | None]:
    return Side(row["side"]) if row["side"] else None, Direction(row["direction"]) if row["direction"] else None
