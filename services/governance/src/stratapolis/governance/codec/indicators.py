"""Indicators, their values and what is said of them, on the wire."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from city.data.v1.events_pb2 import IndicatorComputed
from city.governance.v1 import indicator_pb2 as pb
from city.governance.v1.events_pb2 import IndicatorMeasured, IndicatorOffTarget, IndicatorRecovered
from city.types.v1 import types_pb2
from stratapolis.chassis.decimals import plain, reading
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain.errors import WrongUnit
from stratapolis.governance.domain.indicator import Definition, Direction, Figure, IndicatorKey, Measurement, Side, Target, Trend, Turn, trend_of
from stratapolis.governance.domain.period import Length, begins
from stratapolis.governance.store.scorecard import Excursion, Newest
from stratapolis.governance.tables.indicators import Indicator

NOT_MEASURED = "not measured"
DECIMAL = re.compile(r"-?[0-9]{1,29}([.][0-9]{1,9})?")
SCOPE = re.compile(r"city|(service|thing):[!-~]{1,400}")
DIRECTIONS = {direction: types_pb2.Direction.Value(f"DIRECTION_{direction.name}") for direction in Direction}
DIRECTION_OF = {number: direction for direction, number in DIRECTIONS.items()}
SIDES = {side: types_pb2.Side.Value(f"SIDE_{side.name}_TARGET") for side in Side}
LENGTHS = {length: pb.PeriodLength.Value(f"PERIOD_LENGTH_{length.name}") for length in Length}
LENGTH_OF = {number: length for length, number in LENGTHS.items()}
TRENDS = {trend: pb.Trend.Value(f"TREND_{trend.name}") for trend in Trend}


def key_of(key: types_pb2.IndicatorKey) -> IndicatorKey:
    """A key from the wire."""
    return IndicatorKey(key.framework, key.code, key.measure)


def key_shown(key: IndicatorKey) -> types_pb2.IndicatorKey:
    """A key for the wire."""
    return types_pb2.IndicatorKey(framework=key.framework, code=key.code, measure=key.measure)


def figure_of(event: IndicatorComputed, definition: Definition) -> Figure:
    """What data has computed; Permanent for what is no value of the indicator, WrongUnit for one in another unit."""
    if event.unit != definition.unit:
        raise WrongUnit(str(definition.key), event.unit, definition.unit)
    is_figure = DECIMAL.fullmatch(event.value) and SCOPE.fullmatch(event.scope) and begins(event.period, definition.length)
    if not is_figure or event.revision < 1 or event.observations < 0:
        raise Permanent(f"no value of {definition.key}: {event.value!r} in {event.scope!r} of {event.period!r}, revision {event.revision}")
    return Figure(
        definition=definition,
        scope=event.scope,
        period=event.period,
        value=Decimal(event.value),
        observations=event.observations,
        source_revision=event.revision,
    )


def measured(figure: Figure, found: Measurement) -> IndicatorMeasured:
    """Said of each revision."""
    return IndicatorMeasured(
        series=_series(figure),
        indicator=key_shown(figure.definition.key),
        scope=figure.scope,
        period=found.period,
        revision=found.revision,
        value=plain(found.value),
        unit=found.unit,
        target=_maybe(found.target),
        measured_time=to_timestamp(found.measured_at),
        side=_side(found.side),
        direction=DIRECTIONS[figure.definition.direction],
    )


def turned(figure: Figure, turn: Turn) -> IndicatorOffTarget | IndicatorRecovered:
    """Said when the side changes."""
    event = IndicatorOffTarget if turn.side is Side.OFF else IndicatorRecovered
    found = turn.measurement
    return event(
        series=_series(figure),
        indicator=key_shown(figure.definition.key),
        scope=figure.scope,
        period=found.period,
        value=plain(found.value),
        target=_maybe(found.target),
        unit=found.unit,
    )


def shown(known: Indicator, scope: str, definition: Definition | None, target: Target | None, newest: Newest | None) -> pb.Indicator:
    """An indicator with its newest value in a scope; without a definition it has nothing but a name."""
    result = pb.Indicator(key=key_shown(known.key), name=known.name, dimension=known.dimension, reading=NOT_MEASURED)
    if definition is None:
        return result
    result.unit, result.computed_as, result.source = definition.unit, definition.computed_as, definition.source
    result.direction, result.period_length = DIRECTIONS[definition.direction], LENGTHS[definition.length]
    if target is not None:
        result.target.CopyFrom(_target(target))
    if newest is not None:
        found = newest.measurement
        trend = trend_of(found.value, newest.before, definition.direction)
        result.newest.CopyFrom(measurement_shown(found, scope))
        result.reading = reading(found.value, found.unit)
        result.trend = TRENDS[trend] if trend is not None else pb.TREND_UNSPECIFIED
    return result


def measurement_shown(found: Measurement, scope: str) -> pb.Measurement:
    """A measurement for the wire."""
    return pb.Measurement(
        scope=scope,
        period=found.period,
        revision=found.revision,
        value=plain(found.value),
        unit=found.unit,
        observations=found.observations,
        target=_maybe(found.target),
        side=_side(found.side),
        measured_time=to_timestamp(found.measured_at),
        recorded_by=found.recorded_by,
    )


def excursion_shown(excursion: Excursion) -> pb.Excursion:
    """An excursion for the wire."""
    return pb.Excursion(
        key=key_shown(excursion.key),
        scope=excursion.scope,
        period=excursion.period,
        value=plain(excursion.value),
        target=plain(excursion.target),
        unit=excursion.unit,
        off_time=to_timestamp(excursion.off_at),
        recovered_period=excursion.recovered_period,
        recovered_value=_maybe(excursion.recovered_value),
        recovered_time=to_timestamp(excursion.recovered_at) if excursion.recovered_at else None,
    )


def dimensions(known: Iterable[str], measured: Sequence[pb.Indicator]) -> list[pb.Dimension]:
    """The scorecard: `known` has the dimension of every indicator there is, `measured` those with a value."""
    counts = Counter(known)
    return [_dimension(name, counts[name], [one for one in measured if one.dimension == name]) for name in sorted(counts)]


def _dimension(name: str, known: int, measured: Sequence[pb.Indicator]) -> pb.Dimension:
    sides = Counter(one.newest.side for one in measured)
    return pb.Dimension(
        name=name,
        known=known,
        measured=len(measured),
        on_target=sides[types_pb2.SIDE_ON_TARGET],
        off_target=sides[types_pb2.SIDE_OFF_TARGET],
        indicators=measured,
    )


def _target(target: Target) -> pb.Target:
    set_time = to_timestamp(target.set_at) if target.set_at else None
    return pb.Target(value=plain(target.value), source=target.source, scope=target.scope, set_time=set_time)


def _maybe(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _side(side: Side | None) -> types_pb2.Side.ValueType:
    return types_pb2.SIDE_UNSPECIFIED if side is None else SIDES[side]


def _series(figure: Figure) -> str:
    key = figure.definition.key
    return "/".join((key.framework, key.code, key.measure, figure.scope))
