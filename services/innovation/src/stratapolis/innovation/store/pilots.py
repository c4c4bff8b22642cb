"""Pilots, and the days of their zones, which the database itself counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.challenge import Indicator
from stratapolis.innovation.domain.errors import PilotNotFound
from stratapolis.innovation.domain.pilot import Comparison, Hypothesis, Measurement, Pilot, PilotState, Result, Verdict

INSERT = """
    insert into pilot (pilot_id, idea_id, zone_id, lead, start_on, end_on, places, statement, framework, code, measure, scope, comparison, expected,
                       consent_statement, state, booked_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"""
UPDATE = """
    update pilot set testers = $2, state = $3, began_at = $4, ended_at = $5, ended_on = $6, verdict = $7, mean = $8, evidence = $9, baseline = $10,
        conclusion = $11, cancel_reason = $12
    where pilot_id = $1"""
SEE = "select * from pilot where pilot_id = $1"
OPEN_OF = "select * from pilot where idea_id = $1 and ended_at is null for update"
LIST = """
    select * from pilot
    where ($1::text = '' or idea_id = $1) and ($2::text = '' or zone_id = $2) and ($3::text[] is null or state = any($3))
      and ($4::timestamptz is null or (booked_at, pilot_id) < ($4, $5::text))
    order by booked_at desc, pilot_id desc limit $6"""
TAKEN = "select day, taken from zone_day where zone_id = $1 and day between $2 and $3 and taken > 0"
# The idea is locked before its pilot, here as everywhere; one that somebody has in hand is left for the next run.
DUE = """
    select i.idea_id from pilot p join idea i using (idea_id) where p.state = 'booked' and p.start_on <= $1 order by p.start_on limit $2
    for update of i skip locked"""
MEASURING = """
    select i.idea_id from pilot p join idea i using (idea_id) where p.scope = $1 and p.ended_at is null order by i.idea_id limit $2 for update of i"""
OPEN_OF_ALL = "select * from pilot where idea_id = any($1) and ended_at is null order by idea_id for update"
ZONES = "select 1 from programme where programme_id = any($1) order by programme_id for update"
DUE_OF = "select * from pilot where idea_id = any($1) and state = 'booked' and start_on <= $2 order by idea_id for update"


async def add(tx: Tx, pilot: Pilot) -> None:
    """Keep a new one; its places are taken with it."""
    of = pilot.hypothesis
    await tx.execute(
        INSERT, pilot.pilot_id, pilot.idea_id, pilot.zone_id, pilot.lead, pilot.start_on, pilot.end_on, pilot.places, of.statement, of.indicator.framework,
        of.indicator.code, of.indicator.measure, of.scope, of.comparison, of.expected, pilot.consent_statement, pilot.state, pilot.booked_at,
    )  # fmt: skip


async def put(tx: Tx, pilots: Sequence[Pilot]) -> None:
    """Keep what changed of some; the places of what has ended are free with it."""
    await tx.executemany(UPDATE, [_changing(pilot) for pilot in pilots])


async def get(tx: Tx, pilot_id: str) -> Pilot:
    """One, as it stands; raises PilotNotFound."""
    return _found(await tx.row(SEE, pilot_id), pilot_id)


async def for_update(tx: Tx, pilot_id: str) -> Pilot:
    """One, locked; raises PilotNotFound."""
    return _found(await tx.row(f"{SEE} for update", pilot_id), pilot_id)


async def open_of(tx: Tx, idea_id: str) -> Pilot | None:
    """The pilot of an idea that has not ended, locked; None: there is none."""
    row = await tx.row(OPEN_OF, idea_id)
    return _pilot(row) if row else None


async def listed(tx: Tx, *, idea_id: str, zone_id: str, states: Sequence[str] | None, after: tuple[datetime, str] | None, limit: int) -> list[Pilot]:
    """Pilots, newest first."""
    at, pilot_id = after or (None, "")
    return [_pilot(row) for row in await tx.fetch(LIST, idea_id, zone_id, states, at, pilot_id, limit)]


async def taken(tx: Tx, zone_id: str, first: date, last: date) -> dict[date, int]:
    """How many places of a zone are taken, by day; a day that is not there has none taken."""
    return {row["day"]: row["taken"] for row in await tx.fetch(TAKEN, zone_id, first, last)}


async def due(tx: Tx, today: date, limit: int) -> list[Pilot]:
    """Booked pilots whose first day has come, locked after their ideas."""
    ideas = [row["idea_id"] for row in await tx.fetch(DUE, today, limit)]
    return [_pilot(row) for row in await tx.fetch(DUE_OF, ideas, today)] if ideas else []


async def measuring(tx: Tx, scope: str, limit: int) -> list[Pilot]:
    """Pilots that go on and are decided by what is measured in a scope, locked after their ideas, and their zones last."""
    ideas = [row["idea_id"] for row in await tx.fetch(MEASURING, scope, limit)]
    found = [_pilot(row) for row in await tx.fetch(OPEN_OF_ALL, ideas)] if ideas else []
    await tx.fetch(ZONES, [pilot.zone_id for pilot in found])
    return [pilot for pilot in found if pilot.hypothesis.scope == scope]


def _found(row: Row | None, pilot_id: str) -> Pilot:
    if row is None:
        raise PilotNotFound(pilot_id)
    return _pilot(row)


def _changing(pilot: Pilot) -> tuple[object, ...]:
    result = pilot.result
    about = (
        (result.verdict, result.mean, [_as_json(one) for one in result.evidence], _as_json(result.baseline) if result.baseline else None, result.conclusion)
        if result
        else (None, None, [], None, "")
    )
    return pilot.pilot_id, pilot.testers, pilot.state, pilot.began_at, pilot.ended_at, pilot.ended_on, *about, pilot.cancel_reason


def _as_json(one: Measurement) -> dict[str, object]:
    return {"period": one.period, "revision": one.revision, "value": str(one.value), "unit": one.unit}


def _measurement(said: Mapping[str, Any]) -> Measurement:
    return Measurement(period=said["period"], revision=said["revision"], value=Decimal(said["value"]), unit=said["unit"])


def _pilot(row: Row) -> Pilot:
    return Pilot(
        pilot_id=row["pilot_id"],
        idea_id=row["idea_id"],
        zone_id=row["zone_id"],
        lead=row["lead"],
        start_on=row["start_on"],
        end_on=row["end_on"],
        places=row["places"],
        hypothesis=Hypothesis(
            statement=row["statement"],
            indicator=Indicator(row["framework"], row["code"], row["measure"]),
            scope=row["scope"],
            comparison=Comparison(row["comparison"]),
            expected=row["expected"],
        ),
        consent_statement=row["consent_statement"],
        testers=row["testers"],
        state=PilotState(row["state"]),
        booked_at=row["booked_at"],
        began_at=row["began_at"],
        ended_at=row["ended_at"],
        ended_on=row["ended_on"],
        result=_result(row) if row["verdict"] else None,
        cancel_reason=row["cancel_reason"],
    )


def _result(row: Row) -> Result:
    return Result(
        verdict=Verdict(row["verdict"]),
        mean=row["mean"],
        evidence=tuple(_measurement(one) for one in row["evidence"]),
        baseline=_measurement(row["baseline"]) if row["baseline"] else None,
        conclusion=row["conclusion"],
    )
