"""Indicators, their targets and their values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from city.governance.v1 import indicator_pb2
from city.governance.v1 import indicator_service_pb2 as pb
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.governance import indicators, measuring
from stratapolis.governance.codec import indicators as codec
from stratapolis.governance.domain.errors import IndicatorExists, MeasuredByThePlatform, WrongUnit
from stratapolis.governance.domain.indicator import CITY, Definition, Figure, IndicatorKey, Target
from stratapolis.governance.domain.period import begins, named
from stratapolis.governance.domain.platform import PLATFORM
from stratapolis.governance.store import indicators as store
from stratapolis.governance.store import scorecard, services
from stratapolis.governance.tables.indicators import computed, indicator
from stratapolis.governance.tables.indicators import indicators as all_published

SERVICE = "service:"
SHORTEST_NAME = 3
CODE = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Indicators:
    """IndicatorService; `zone` is the city's."""

    zone: ZoneInfo

    async def define_indicator(self, request: pb.DefineIndicatorRequest, call: Call) -> pb.DefineIndicatorResponse:
        """Add one of the city's own, or say how one of a framework is measured."""
        key = _definable(request)
        definition = Definition(
            key=key,
            unit=request.unit,
            direction=codec.DIRECTION_OF[request.direction],
            length=codec.LENGTH_OF[request.period_length],
            computed_as=store.HAND,
            source=request.source,
        )
        if key in computed() or not await store.define(call.tx, definition, name=request.name, by=call.caller.subject, at=call.at):
            raise IndicatorExists(str(key))
        (shown,) = await _shown(call.tx, [key], CITY)
        return pb.DefineIndicatorResponse(indicator=shown)

    async def set_target(self, request: pb.SetTargetRequest, call: Call) -> pb.SetTargetResponse:
        """Set what is to be met from now on."""
        definition = await measuring.definition(call.tx, codec.key_of(request.key))
        await _known_scope(call.tx, request.scope)
        target = Target(value=Decimal(request.value), source=request.source, scope=request.scope, set_at=call.at)
        await store.set_target(call.tx, definition.key, target, by=call.caller.subject)
        (shown,) = await _shown(call.tx, [definition.key], request.scope or CITY)
        return pb.SetTargetResponse(indicator=shown)

    async def record_measurement(self, request: pb.RecordMeasurementRequest, call: Call) -> pb.RecordMeasurementResponse:
        """Take in a figure by hand."""
        definition = await measuring.definition(call.tx, codec.key_of(request.key))
        if definition.key in PLATFORM:
            raise MeasuredByThePlatform(str(definition.key))
        if request.unit != definition.unit:
            raise WrongUnit(str(definition.key), request.unit, definition.unit)
        self._has_begun(request.period, definition, call.at)
        await _known_scope(call.tx, request.scope)
        scope = request.scope or CITY
        figure = Figure(definition=definition, scope=scope, period=request.period, value=Decimal(request.value), recorded_by=call.caller.subject)
        (found,) = await measuring.take(call.tx, [figure], at=call.at)
        return pb.RecordMeasurementResponse(measurement=codec.measurement_shown(found, scope))

    async def list_indicators(self, request: pb.ListIndicatorsRequest, call: Call) -> pb.ListIndicatorsResponse:
        """A page of indicators."""
        page = Page.of(request, str, str, str)
        keys = set(all_published()) | set(await store.defined(call.tx))
        if request.measured_only:
            keys &= set(await scorecard.newest(call.tx, request.scope or CITY))
        kept = sorted(key for key in keys if request.framework in ("", key.framework) and (page.after is None or key > IndicatorKey(*page.after)))
        shown = await _shown(call.tx, kept[: page.size + 1], request.scope or CITY)
        fitting, token = page.fit(shown, lambda one: one, lambda one: (one.key.framework, one.key.code, one.key.measure))
        return pb.ListIndicatorsResponse(indicators=fitting, next_page_token=token)

    async def list_measurements(self, request: pb.ListMeasurementsRequest, call: Call) -> pb.ListMeasurementsResponse:
        """A page of one indicator's values."""
        page = Page.of(request, str, int)
        key, scope = codec.key_of(request.key), request.scope or CITY
        indicators.named(key, await store.defined(call.tx, [key]))
        found = await scorecard.history(call.tx, key, scope, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, lambda one: codec.measurement_shown(one, scope), lambda one: (one.period, one.revision))
        return pb.ListMeasurementsResponse(measurements=fitting, next_page_token=token)

    async def list_excursions(self, request: pb.ListExcursionsRequest, call: Call) -> pb.ListExcursionsResponse:
        """A page of spans off target."""
        page = Page.of(request, datetime, int, str)
        key = codec.key_of(request.key) if request.HasField("key") else None
        found = await scorecard.excursions(call.tx, key, scope=request.scope, open_only=request.open_only, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.excursion_shown, lambda one: (one.off_at, one.series_id, one.period))
        return pb.ListExcursionsResponse(excursions=fitting, next_page_token=token)

    async def get_scorecard(self, request: pb.GetScorecardRequest, call: Call) -> pb.GetScorecardResponse:
        """How the city does."""
        scope = request.scope or CITY
        defined = await store.defined(call.tx)
        known = [indicators.named(key, defined) for key in set(all_published()) | set(defined)]
        measured = await _shown(call.tx, sorted(await scorecard.newest(call.tx, scope)), scope)
        return pb.GetScorecardResponse(scope=scope, dimensions=codec.dimensions([one.dimension for one in known], measured))

    def _has_begun(self, period: str, definition: Definition, at: datetime) -> None:
        first = begins(period, definition.length)
        if first is None:
            raise InvalidField(
                "period", f"{definition.key} is measured by the {definition.length}: write it like {named(at.astimezone(self.zone).date(), definition.length)}"
            )
        if first > at.astimezone(self.zone).date():
            raise InvalidField("period", f"{period} has not begun")


def _definable(request: pb.DefineIndicatorRequest) -> IndicatorKey:
    """A new indicator of the city's own, or one that a framework publishes; raises InvalidField, UnknownIndicator."""
    key = codec.key_of(request.key)
    if key.framework != CITY:
        published = indicator(key.framework, key.code, key.measure)
        if request.name:
            raise InvalidField("name", f"{key.framework} calls it {published.name!r}: leave it empty")
        return key
    if not CODE.fullmatch(key.code) or key.measure:
        raise InvalidField("key", "an own code has small letters, digits and underscores, 63 at most, begins with a letter, and has no measure")
    if len(request.name.strip()) < SHORTEST_NAME:
        raise InvalidField("name", f"an own indicator has a name of {SHORTEST_NAME} letters or more")
    return key


async def _known_scope(tx: Tx, scope: str) -> None:
    """A service must be known to be measured; things are data's business. Raises InvalidField."""
    if scope.startswith(SERVICE) and not await services.exists(tx, scope.removeprefix(SERVICE)):
        raise InvalidField("scope", "there is no such service")


async def _shown(tx: Tx, keys: Sequence[IndicatorKey], scope: str) -> list[indicator_pb2.Indicator]:
    """Indicators as they stand in a scope, in a handful of queries however many they are."""
    defined = await store.defined(tx, keys)
    targets = await store.targets(tx, [(key, scope) for key in keys])
    newest = await scorecard.newest(tx, scope)
    shown = []
    for key in keys:
        definition = computed().get(key) or (defined[key][0] if key in defined else None)
        target = targets.get((key, scope)) or (definition.target if definition else None)
        shown.append(codec.shown(indicators.named(key, defined), scope, definition, target, newest.get(key)))
    return shown
