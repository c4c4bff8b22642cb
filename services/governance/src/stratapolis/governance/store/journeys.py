"""Journeys, their proposals and their history."""

from collections.abc import Sequence
from datetime import datetime

from city.manifest.v1.manifest_pb2 import Manifest
from pydantic import TypeAdapter
from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import JourneyNotFound
from stratapolis.governance.domain.journey import Journey
from stratapolis.governance.domain.step import Ask, Kind, Reason, Replaced, Stage, State, Step

ASKS = TypeAdapter(tuple[Ask, ...])
REASONS = TypeAdapter(tuple[Reason, ...])
STEP = TypeAdapter(Step)
Owners = tuple[str, ...] | None
"""Whose rows may be seen; None: everybody's."""

LOCK = "select * from journey where journey_id = $1 and ($2::text[] is null or creator_id = any($2)) for update"
SEE = "select * from journey where journey_id = $1 and ($2::text[] is null or creator_id = any($2))"
SEE_MANY = "select * from journey where journey_id = any($1) and ($2::text[] is null or creator_id = any($2))"
LIST = """
    select * from journey
    where ($1::text[] is null or creator_id = any($1)) and ($2::text[] is null or state = any($2)) and ($3 = '' or service_id = $3)
      and ($4 = '' or creator_id = $4) and ($5::timestamptz is null or (proposed_at, journey_id) < ($5, $6))
    order by proposed_at desc, journey_id desc limit $7"""
DUE = "select * from journey where ended_at is null and until_at <= $1 order by until_at limit $2 for update skip locked"
OPEN_OF = "select * from journey where creator_id = $1 and ended_at is null order by journey_id for update"
INSERT = """
    insert into journey (journey_id, service_id, version, creator_id, creator_name, name, tariff_id, has_software, proposed_at, kind, replaces_version,
                         replaces_journey_id, state, stage, approved, steps, asks, reasons, updated_at, until_at, ended_at, drain_until_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"""
UPDATE = """
    with moved as (
        update journey set state = $2, stage = $3, approved = $4, steps = $5, asks = $6, reasons = $7, updated_at = $8, until_at = $9, ended_at = $10,
            drain_until_at = $11
        where journey_id = $1)
    insert into step (journey_id, number, kind, at, detail) select $1, n, k, $12, d from unnest($13::int[], $14::text[], $15::jsonb[]) s(n, k, d)"""
NOTE = """
    insert into step (journey_id, number, kind, at, detail)
    select $1, n, k, $2, d from unnest($3::int[], $4::text[], $5::jsonb[]) s(n, k, d)"""
HISTORY = "select detail from step where journey_id = $1 and number > $2 order by number"


async def for_update(tx: Tx, journey_id: str, owners: Owners = None) -> Journey:
    """A journey, locked; raises JourneyNotFound."""
    return _found(await tx.row(LOCK, journey_id, owners), journey_id)


async def get(tx: Tx, journey_id: str, owners: Owners) -> Journey:
    """A journey as it stands; raises JourneyNotFound."""
    return _found(await tx.row(SEE, journey_id, owners), journey_id)


async def get_many(tx: Tx, journey_ids: Sequence[str], owners: Owners) -> list[Journey]:
    """Those that are there."""
    return [_journey(row) for row in await tx.fetch(SEE_MANY, list(journey_ids), owners)]


async def listed(
    tx: Tx, owners: Owners, *, states: Sequence[State], service_id: str, creator_id: str, after: tuple[datetime, str] | None, limit: int
) -> list[Journey]:
    """Journeys, newest first."""
    at, journey_id = after or (None, "")
    rows = await tx.fetch(LIST, owners, list(states) or None, service_id, creator_id, at, journey_id, limit)
    return [_journey(row) for row in rows]


async def due(tx: Tx, at: datetime, limit: int) -> list[Journey]:
    """Open journeys past their deadline, locked; what another transaction has in hand is left to it."""
    return [_journey(row) for row in await tx.fetch(DUE, at, limit)]


async def open_of(tx: Tx, creator_id: str) -> list[Journey]:
    """A value creator's open journeys, locked."""
    return [_journey(row) for row in await tx.fetch(OPEN_OF, creator_id)]


async def begin(tx: Tx, journey: Journey) -> None:
    """Keep a new journey."""
    about = (journey.journey_id, journey.service_id, journey.version, journey.creator_id, journey.creator_name, journey.name, journey.tariff_id)
    old = journey.replaces
    kind = (journey.kind, old and old.version, old and old.journey_id)
    await tx.execute(INSERT, *about, journey.has_software, journey.proposed_at, *kind, *_changing(journey))


async def keep_proposal(tx: Tx, journey: Journey, manifest: Manifest, manifest_yaml: bytes) -> None:
    """Keep what was proposed."""
    await tx.execute("insert into proposal (journey_id, manifest, manifest_yaml) values ($1, $2, $3)", journey.journey_id, _bytes(manifest), manifest_yaml)


async def move(tx: Tx, journey: Journey, steps: Sequence[Step]) -> None:
    """Keep what changed of a journey, and add the steps that changed it to its history."""
    await tx.execute(UPDATE, journey.journey_id, *_changing(journey), *_noted(steps))


async def note(tx: Tx, journey_id: str, steps: Sequence[Step]) -> None:
    """Add steps to the history."""
    await tx.execute(NOTE, journey_id, *_noted(steps))


async def manifest(tx: Tx, journey_id: str) -> Manifest:
    """What was proposed."""
    return Manifest.FromString(await tx.value("select manifest from proposal where journey_id = $1", journey_id))


async def history(tx: Tx, journey_id: str, after: int = 0) -> list[Step]:
    """Steps behind number `after`, oldest first."""
    return [STEP.validate_python(row["detail"]) for row in await tx.fetch(HISTORY, journey_id, after)]


def _found(row: Row | None, journey_id: str) -> Journey:
    if row is None:
        raise JourneyNotFound(journey_id)
    return _journey(row)


def _changing(journey: Journey) -> tuple[object, ...]:
    asks, reasons = ASKS.dump_python(journey.asks, mode="json", exclude_defaults=True), REASONS.dump_python(journey.reasons, mode="json")
    return (
        *(journey.state, journey.stage, journey.approved, journey.steps, asks, reasons),
        *(journey.updated_at, journey.until, journey.ended_at, journey.drain_until),
    )


def _noted(steps: Sequence[Step]) -> tuple[object, ...]:
    details = [STEP.dump_python(step, mode="json", exclude_defaults=True) for step in steps]
    return steps[0].at, [step.number for step in steps], [step.kind for step in steps], details


def _journey(row: Row) -> Journey:
    return Journey(
        journey_id=row["journey_id"],
        service_id=row["service_id"],
        version=row["version"],
        creator_id=row["creator_id"],
        creator_name=row["creator_name"],
        name=row["name"],
        tariff_id=row["tariff_id"],
        has_software=row["has_software"],
        proposed_at=row["proposed_at"],
        kind=Kind(row["kind"]),
        replaces=None if row["replaces_version"] is None else Replaced(version=row["replaces_version"], journey_id=row["replaces_journey_id"]),
        drain_until=row["drain_until_at"],
        updated_at=row["updated_at"],
        state=State(row["state"]),
        stage=Stage(row["stage"]),
        until=row["until_at"],
        ended_at=row["ended_at"],
        approved=row["approved"],
        steps=row["steps"],
        asks=ASKS.validate_python(row["asks"]),
        reasons=REASONS.validate_python(row["reasons"]),
    )


def _bytes(message: Manifest) -> bytes:
    return message.SerializeToString(deterministic=True)
