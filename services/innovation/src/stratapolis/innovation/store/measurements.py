"""What governance has measured, as far as it can be evidence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.challenge import Indicator
from stratapolis.innovation.domain.pilot import Measurement, Pilot

PUT = """
    insert into measurement as m (framework, code, measure, scope, period, first_on, last_on, revision, value, unit)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (framework, code, measure, scope, period) do update
    set revision = excluded.revision, value = excluded.value, unit = excluded.unit where excluded.revision > m.revision"""
WITHIN = """
    select period, revision, value, unit from measurement
    where (framework, code, measure, scope) = ($1, $2, $3, $4) and first_on >= $5 and last_on <= $6 order by first_on, last_on, period limit $7"""
BEFORE = """
    select period, revision, value, unit from measurement
    where (framework, code, measure, scope) = ($1, $2, $3, $4) and first_on < $5 and last_on < $5 order by first_on desc, last_on desc limit 1"""
MOST = 1_000
"""More than a year has days, months, quarters and years."""


async def put(tx: Tx, indicator: Indicator, scope: str, measured: Measurement, days: tuple[date, date]) -> None:
    """Keep the newest revision of a period."""
    key = indicator.framework, indicator.code, indicator.measure, scope, measured.period
    await tx.execute(PUT, *key, *days, measured.revision, measured.value, measured.unit)


async def evidence(tx: Tx, pilot: Pilot) -> list[Measurement]:
    """What was measured of a pilot's hypothesis for periods that lie within its days, oldest first."""
    return [_measurement(row) for row in await tx.fetch(WITHIN, *_series(pilot), pilot.start_on, pilot.end_on, MOST)]


async def baseline(tx: Tx, pilot: Pilot) -> Measurement | None:
    """The last value before its first day."""
    row = await tx.row(BEFORE, *_series(pilot), pilot.start_on)
    return _measurement(row) if row else None


def _series(pilot: Pilot) -> tuple[str, str, str, str]:
    of = pilot.hypothesis
    return of.indicator.framework, of.indicator.code, of.indicator.measure, of.scope


def _measurement(row: Row) -> Measurement:
    return Measurement(period=row["period"], revision=row["revision"], value=Decimal(row["value"]), unit=row["unit"])
