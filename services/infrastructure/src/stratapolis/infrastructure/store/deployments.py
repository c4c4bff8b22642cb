"""Deployments as rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.infrastructure.domain.deployment import Deployment, Process, State, Wanted
from stratapolis.infrastructure.domain.pool import Amount, Need

PUT = """
    update deployment set state = $3, port = $4, pid = $5, started = $6, subject = $7, public_key = $8, deaths = $9, misses = $10, start_at = $11,
        started_at = $12, ready_at = $13, answered_at = $14, stop_at = $15, look_at = $16, endpoint = $17, message = $18, used_cpu_millis = $19,
        used_memory_mib = $20, updated_at = $21, looked_at = now(), question = case when $22 then null else question end,
        changed = case when (state, endpoint, message, deaths) is distinct from ($3, $17, $18, $9) then pg_current_xact_id() else changed end
    where journey_id = $1 and generation = $2"""
INSERT = """
    insert into deployment (journey_id, service_id, version, owner, wanted, state, artefact, sha256, health, pool, cpu_millis, memory_mib, replicas,
        question, look_at, created_at, updated_at, changed)
    select $1, $2, $3, $4, 'running', 'asked', name, sha256, $6, $7, $8, $9, $10, $11, $12, $12, $12, pg_current_xact_id()
    from artefact where name = $5 and current"""
DUE = """
    select * from deployment where state <> 'retired' and look_at <= now()
    and not (state = 'failed' and wanted = 'running' and pid is null and port is null) order by look_at limit $1"""
END = """
    update deployment set wanted = 'gone', generation = generation + 1, question = null, look_at = now(), start_at = null, stop_at = null,
        updated_at = $2, changed = pg_current_xact_id()
    where journey_id = $1 and wanted = 'running'"""
LIST = """
    select * from deployment where ($1::text[] is null or owner = any($1)) and ($2 = '' or service_id = $2) and ($3::text[] is null or state = any($3))
    and ($4::timestamptz is null or (created_at, journey_id) < ($4, $5::text)) order by created_at desc, journey_id desc limit $6"""
ONE = """
    select * from deployment where ($1::text[] is null or owner = any($1)) and service_id = $2 and ($3 = 0 or version = $3)
    order by version desc, created_at desc limit 1"""
CHANGED = """
    select *, changed::text as changed_text from deployment
    where (changed, journey_id) > ($1::text::xid8, $2) and changed < pg_snapshot_xmin(pg_current_snapshot()) and (state <> 'retired' or changed >= $3::text::xid8)
    and ($4::text[] is null or owner = any($4)) and ($5 = '' or service_id = $5) order by changed, journey_id limit $6"""


def deployment(row: Row) -> Deployment:
    """A row as a value."""
    return Deployment(
        journey_id=row["journey_id"], service_id=row["service_id"], version=row["version"], owner=row["owner"], generation=row["generation"],
        wanted=Wanted(row["wanted"]), state=State(row["state"]), artefact=row["artefact"], sha256=row["sha256"], health=row["health"], pool=row["pool"],
        need=Need(each=Amount(cpu_millis=row["cpu_millis"], memory_mib=row["memory_mib"]), replicas=row["replicas"]),
        created_at=row["created_at"], updated_at=row["updated_at"], look_at=row["look_at"], port=row["port"],
        process=None if row["pid"] is None else Process(pid=row["pid"], started=row["started"]), subject=row["subject"], public_key=row["public_key"],
        deaths=row["deaths"], misses=row["misses"], start_at=row["start_at"], started_at=row["started_at"], ready_at=row["ready_at"],
        answered_at=row["answered_at"], stop_at=row["stop_at"], endpoint=row["endpoint"], message=row["message"],
        used_cpu_millis=row["used_cpu_millis"], used_memory_mib=row["used_memory_mib"],
    )  # fmt: skip


async def put(tx: Tx, d: Deployment, *, answered: bool) -> bool:
    """Write what was seen and decided; False: something else is wanted by now, and nothing was written."""
    pid, started = (None, None) if d.process is None else (d.process.pid, d.process.started)
    tag = await tx.execute(
        PUT, d.journey_id, d.generation, d.state, d.port, pid, started, d.subject, d.public_key, d.deaths, d.misses, d.start_at, d.started_at, d.ready_at,
        d.answered_at, d.stop_at, d.look_at, d.endpoint, d.message, d.used_cpu_millis, d.used_memory_mib, d.updated_at, answered,
    )  # fmt: skip
    return tag == "UPDATE 1"


async def ask(
    tx: Tx, *, journey_id: str, service_id: str, version: int, owner: str, artefact: str, health: str, pool: str, need: Need, question: bytes, at: datetime
) -> None:
    """A deployment that is wanted, of the artefact's newest sum."""
    await tx.execute(
        INSERT, journey_id, service_id, version, owner, artefact, health, pool, need.each.cpu_millis, need.each.memory_mib, need.replicas, question, at
    )


async def ask_again(tx: Tx, journey_id: str, question: bytes) -> None:
    """The answer goes to the newest question."""
    await tx.execute("update deployment set question = $2 where journey_id = $1", journey_id, question)


async def question(tx: Tx, journey_id: str) -> bytes | None:
    """What awaits its answer."""
    found: bytes | None = await tx.value("select question from deployment where journey_id = $1", journey_id)
    return found


async def deployment_for_update(tx: Tx, journey_id: str) -> Deployment | None:
    """The deployment of a journey, locked."""
    row = await tx.row("select * from deployment where journey_id = $1 for update", journey_id)
    return None if row is None else deployment(row)


async def want_gone(tx: Tx, journey_id: str, at: datetime) -> bool:
    """From now it is to be gone; False: there is none, or it is to be gone already."""
    return await tx.execute(END, journey_id, at) == "UPDATE 1"


async def leaving(tx: Tx, service_id: str) -> bool:
    """Whether anything of a service is not gone yet."""
    return bool(await tx.value("select exists (select from deployment where service_id = $1 and state <> 'retired')", service_id))


async def there(tx: Tx) -> set[str]:
    """The journeys whose deployments are not gone."""
    return {row["journey_id"] for row in await tx.fetch("select journey_id from deployment where state <> 'retired'")}


async def due(tx: Tx, limit: int) -> list[Deployment]:
    """Those that are to be looked at now."""
    return [deployment(row) for row in await tx.fetch(DUE, limit)]


async def ports(tx: Tx) -> set[int]:
    """The ports that deployments have."""
    return {row["port"] for row in await tx.fetch("select port from deployment where port is not null")}


async def one(tx: Tx, owners: Sequence[str] | None, service_id: str, version: int) -> Deployment | None:
    """One that these owners may see; version 0: the newest."""
    row = await tx.row(ONE, owners, service_id, version)
    return None if row is None else deployment(row)


async def listed(
    tx: Tx, owners: Sequence[str] | None, service_id: str, states: Collection[State] | None, after: tuple[datetime, str] | None, limit: int
) -> list[Deployment]:
    """Newest first, those behind `after`."""
    at, journey_id = after or (None, None)
    return [deployment(row) for row in await tx.fetch(LIST, owners, service_id, None if states is None else list(states), at, journey_id, limit)]


async def changed(
    tx: Tx, owners: Sequence[str] | None, service_id: str, after: tuple[str, str], retired_since: str, limit: int
) -> list[tuple[Deployment, tuple[str, str]]]:
    """What has changed behind a cursor (transaction, journey), each with its own cursor. Only what no open transaction can come before."""
    rows = await tx.fetch(CHANGED, *after, retired_since, owners, service_id, limit)
    return [(deployment(row), (row["changed_text"], row["journey_id"])) for row in rows]
