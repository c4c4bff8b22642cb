"""Keeps figures as measurements and says what is new, in one transaction: every value of every indicator goes through here."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from google.protobuf.message import Message
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.governance.codec import indicators as codec
from stratapolis.governance.domain.errors import IndicatorNotDefined
from stratapolis.governance.domain.indicator import CITY, Definition, Figure, IndicatorKey, Measurement, Turn, measure
from stratapolis.governance.domain.period import named
from stratapolis.governance.domain.platform import value_of
from stratapolis.governance.store import indicators, marks, measurements
from stratapolis.governance.tables.indicators import computed, indicator


async def take(tx: Tx, figures: Sequence[Figure], *, at: datetime) -> list[Measurement]:
    """Take figures in, in this order; returns the newest revision of each one's period, which is an old one where nothing was new."""
    wanted = {(figure.definition.key, figure.scope): figure.definition for figure in figures}
    ids = await measurements.lock(tx, wanted)
    series = await measurements.load(tx, [(ids[figure.definition.key, figure.scope], figure.period) for figure in figures])
    targets = await indicators.targets(tx, wanted)
    found: list[tuple[int, Measurement]] = []
    turns: list[tuple[int, Turn]] = []
    facts: list[Message] = []
    for figure in figures:
        series_key = figure.definition.key, figure.scope
        series_id, target = ids[series_key], targets.get(series_key) or figure.definition.target
        series[series_id], measured, turn = measure(series[series_id], figure, None if target is None else target.value, at=at)
        if measured is not None:
            found.append((series_id, measured))
            facts.append(codec.measured(figure, measured))
        if turn is not None:
            turns.append((series_id, turn))
            facts.append(codec.turned(figure, turn))
    if found:
        await measurements.put(tx, found, {series_id: series[series_id].newest for series_id, _ in found})
    for series_id, turn in turns:
        await measurements.turn(tx, series_id, turn)
    await outbox.append(tx, *facts)
    return [series[ids[figure.definition.key, figure.scope]].periods[figure.period] for figure in figures]


async def measure_platform(tx: Tx, zone: str, limit: int, *, at: datetime) -> None:
    """Count again what was marked, by the local days of the city's zone."""
    figures = []
    for (day, code), services in sorted((await marks.take(tx, zone, limit)).items()):
        defined = computed()[IndicatorKey(CITY, code)]
        for counted in await marks.counted(tx, code, day, zone, services):
            value, period = value_of(code, counted), named(day, defined.length)
            figures.append(Figure(definition=defined, scope=counted.scope, period=period, value=value, observations=counted.count))
    if figures:
        await take(tx, figures, at=at)


async def definitions(tx: Tx, keys: Iterable[IndicatorKey]) -> dict[IndicatorKey, Definition]:
    """How the city measures these indicators; those without a definition are missing."""
    keys = set(keys)
    shipped = {key: computed()[key] for key in keys if key in computed()}
    return shipped | {key: definition for key, (definition, _) in (await indicators.defined(tx, keys - set(shipped))).items()}


async def definition(tx: Tx, key: IndicatorKey) -> Definition:
    """How the city measures one; raises UnknownIndicator, IndicatorNotDefined."""
    found = (await definitions(tx, [key])).get(key)
    if found is None:
        indicator(key.framework, key.code, key.measure)
        raise IndicatorNotDefined(str(key))
    return found
