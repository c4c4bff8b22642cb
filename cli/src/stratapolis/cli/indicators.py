"""`city scorecard` and `city indicators`: what the city is measured by, and how it does."""

from __future__ import annotations

from typing import Annotated

import typer
from city.governance.v1.indicator_pb2 import Indicator, Measurement, PeriodLength, Trend
from city.governance.v1.indicator_service_pb2 import (
    DefineIndicatorRequest,
    GetScorecardRequest,
    ListExcursionsRequest,
    ListIndicatorsRequest,
    ListMeasurementsRequest,
    RecordMeasurementRequest,
    SetTargetRequest,
)
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.types.v1.types_pb2 import Direction, IndicatorKey, Side
from stratapolis.chassis.ids import new_id
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, word
from stratapolis.cli.session import pages, session

app = typer.Typer(help="What the city is measured by; officers define indicators, set targets and record figures.", no_args_is_help=True)
BETTER, PERIODS = ("higher", "lower"), ("day", "month", "year")
WITHOUT_MEASURE, WITH_MEASURE = 2, 3
"""Parts of a key."""
Key = Annotated[str, typer.Argument(metavar="KEY", help="FRAMEWORK/CODE or FRAMEWORK/CODE/MEASURE, such as `city/uses` or `u4ssc/EN: EN: AQ: 1C/PM 2.5`.")]
Scope = Annotated[str, typer.Option("--scope", help="`service:ID` or `thing:ID`; without it: the whole city.")]
Source = Annotated[str, typer.Option("--source", help="Where it comes from, such as a guideline and its table.")]


@told
async def scorecard(scope: Scope = "", as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show how the city does, dimension by dimension: what is measured, on target, off target, and where it is going."""
    async with session(folder, as_) as client:
        card = await client.stub(IndicatorServiceStub, "governance").GetScorecard(GetScorecardRequest(scope=scope))
    screen = Screen(as_json)
    screen.data(as_data(card))
    rows = [(d.name, str(d.measured), str(d.known), str(d.on_target), str(d.off_target)) for d in card.dimensions]
    screen.table(("DIMENSION", "MEASURED", "OF", "ON TARGET", "OFF TARGET"), rows)
    screen.line()
    _table(screen, [one for dimension in card.dimensions for one in dimension.indicators])


@app.command("list")
@told
async def list_(
    framework: Annotated[str, typer.Option("--framework", help="Only those of `u4ssc`, `iso37120` or `city`.")] = "",
    measured: Annotated[bool, typer.Option("--measured", help="Only those with a value.")] = False,
    scope: Scope = "",
    limit: Limit = 500,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List indicators with their newest values, targets and trends; what nobody has measured says so."""
    query = ListIndicatorsRequest(framework=framework, measured_only=measured, scope=scope)
    async with session(folder, as_) as client:
        found = await pages(client.stub(IndicatorServiceStub, "governance").ListIndicators, query, "indicators", limit)
    screen = Screen(as_json)
    screen.data({"indicators": [as_data(each) for each in found]})
    _table(screen, found)


@app.command()
@told
async def history(key: Key, scope: Scope = "", limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List every revision of an indicator's values, newest period first."""
    query = ListMeasurementsRequest(key=key_of(key), scope=scope)
    async with session(folder, as_) as client:
        found = await pages(client.stub(IndicatorServiceStub, "governance").ListMeasurements, query, "measurements", limit)
    screen = Screen(as_json)
    screen.data({"measurements": [as_data(each) for each in found]})
    _measurements(screen, found)


@app.command()
@told
async def excursions(
    still_off: Annotated[bool, typer.Option("--open", help="Only those that have not recovered.")] = False,
    scope: Annotated[str, typer.Option("--scope", help="Only in `city`, `service:ID` or `thing:ID`.")] = "",
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List when indicators went off their targets and recovered, newest first."""
    async with session(folder, as_) as client:
        query = ListExcursionsRequest(scope=scope, open_only=still_off)
        found = await pages(client.stub(IndicatorServiceStub, "governance").ListExcursions, query, "excursions", limit)
    screen = Screen(as_json)
    screen.data({"excursions": [as_data(each) for each in found]})
    rows = [(named(e.key), e.scope, e.period, f"{e.value} {e.unit}", e.target, clock(e.off_time), e.recovered_period or "not yet") for e in found]
    screen.table(("INDICATOR", "SCOPE", "OFF IN", "VALUE", "TARGET", "SAID", "RECOVERED IN"), rows, empty="nothing went off its target")


@app.command()
@told
async def define(
    key: Key,
    unit: Annotated[str, typer.Option("--unit", help="UCUM unit, such as `%` or `{tree}`.")],
    better: Annotated[str, typer.Option("--better", help="Which values are good: higher or lower.")],
    period: Annotated[str, typer.Option("--period", help="How long its periods are: day, month or year.")],
    source: Source,
    name: Annotated[str, typer.Option("--name", help="What the city's own is called; a framework's has a name.")] = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Add an indicator of the city's own, or say how one of a framework is measured (officer)."""
    _one_of(better, BETTER, "--better")
    _one_of(period, PERIODS, "--period")
    asked = DefineIndicatorRequest(
        request_id=new_id(),
        key=key_of(key),
        name=name,
        unit=unit,
        direction=Direction.Value(f"DIRECTION_{better.upper()}_IS_BETTER"),
        period_length=PeriodLength.Value(f"PERIOD_LENGTH_{period.upper()}"),
        source=source,
    )
    async with session(folder, as_) as client:
        one = (await client.stub(IndicatorServiceStub, "governance").DefineIndicator(asked)).indicator
    screen = Screen(as_json)
    screen.data(as_data(one))
    screen.line(f"defined {one.name}: city indicators record {key!r} PERIOD VALUE --unit {unit!r}")


@app.command("set-target")
@told
async def set_target(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value to meet, in the indicator's unit.")],
    source: Source,
    scope: Annotated[str, typer.Option("--scope", help="`city`, `service:ID` or `thing:ID`; without it: every scope without a target of its own.")] = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Set the target for periods that are first measured from now on (officer)."""
    async with session(folder, as_) as client:
        asked = SetTargetRequest(request_id=new_id(), key=key_of(key), value=value, source=source, scope=scope)
        one = (await client.stub(IndicatorServiceStub, "governance").SetTarget(asked)).indicator
    screen = Screen(as_json)
    screen.data(as_data(one))
    screen.line(f"{one.name}: the target is {one.target.value} {one.unit}, {one.target.source}")


@app.command()
@told
async def record(
    key: Key,
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A day, month or year, such as 2026-01-31, 2026-01 or 2026.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The figure, a decimal.")],
    unit: Annotated[str, typer.Option("--unit", help="Its unit; the indicator's.")],
    scope: Scope = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Record a figure by hand; another for the same period is its next revision (officer)."""
    async with session(folder, as_) as client:
        asked = RecordMeasurementRequest(request_id=new_id(), key=key_of(key), scope=scope, period=period, value=value, unit=unit)
        one = (await client.stub(IndicatorServiceStub, "governance").RecordMeasurement(asked)).measurement
    screen = Screen(as_json)
    screen.data(as_data(one))
    _measurements(screen, [one])


def key_of(text: str) -> IndicatorKey:
    """The key that a person writes."""
    parts = [part.strip() for part in text.split("/")]
    if not (WITHOUT_MEASURE <= len(parts) <= WITH_MEASURE and all(parts)):
        raise typer.BadParameter("write FRAMEWORK/CODE or FRAMEWORK/CODE/MEASURE, such as 'city/uses'", param_hint="KEY")
    return IndicatorKey(framework=parts[0], code=parts[1], measure=parts[2] if len(parts) == WITH_MEASURE else "")


def named(key: IndicatorKey) -> str:
    """A key as a person writes it."""
    return "/".join(part for part in (key.framework, key.code, key.measure) if part)


def _one_of(said: str, choices: tuple[str, ...], option: str) -> None:
    if said not in choices:
        raise typer.BadParameter(f"{said!r} is not one of {', '.join(choices)}", param_hint=option)


def _table(screen: Screen, found: list[Indicator]) -> None:
    rows = [
        (
            named(one.key),
            one.name,
            one.reading,
            one.newest.period,
            f"{one.target.value} {one.unit}" if one.HasField("target") else "",
            word(Side, one.newest.side) if one.newest.side else "",
            word(Trend, one.trend) if one.trend else "",
        )
        for one in found
    ]
    screen.table(("KEY", "INDICATOR", "NOW", "PERIOD", "TARGET", "SIDE", "TREND"), rows, empty="nothing is measured here")


def _measurements(screen: Screen, found: list[Measurement]) -> None:
    rows = [
        (m.period, str(m.revision), f"{m.value} {m.unit}", m.target, word(Side, m.side) if m.side else "", str(m.observations), clock(m.measured_time))
        for m in found
    ]
    screen.table(("PERIOD", "REVISION", "VALUE", "TARGET", "SIDE", "FROM", "MEASURED"), rows, empty="not measured")
