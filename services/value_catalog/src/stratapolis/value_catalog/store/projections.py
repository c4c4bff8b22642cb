"""What the other layers say of services, kept as far as the catalogue shows or decides on it."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.value_catalog.domain.outcome import Value

# A late correction of an older period does not replace the newest value. Periods of one indicator are of one length, so their names sort by time.
MEASURED = """
    insert into measured as m (framework, code, measure, scope, period, revision, value, unit, target, measured_at, side, direction)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (framework, code, measure, scope) do update
    set period = excluded.period, revision = excluded.revision, value = excluded.value, unit = excluded.unit, target = excluded.target,
        measured_at = excluded.measured_at, side = excluded.side, direction = excluded.direction
    where (excluded.period, excluded.revision) > (m.period, m.revision)"""
GRANTED = """
    insert into data_contract (contract_id, service_id, product, purpose, end_at) values ($1, $2, $3, $4, $5)
    on conflict (contract_id) do update set end_at = excluded.end_at, purpose = excluded.purpose"""
REVOKED = "update data_contract set revoked_at = $2 where contract_id = $1 and revoked_at is null"
DEPLOYED = """
    insert into deployment as d (service_id, version, state, endpoint, message, updated_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (service_id, version) do update
    set state = excluded.state, endpoint = coalesce(nullif(excluded.endpoint, ''), d.endpoint), message = excluded.message, updated_at = excluded.updated_at"""
TRUSTED = """
    insert into connection (connection_id, subject, end_at, severed) values ($1, $2, $3, false)
    on conflict (connection_id) do update set end_at = excluded.end_at"""
SEVERED = """
    insert into connection (connection_id, subject, severed) values ($1, $2, true) on conflict (connection_id) do update set severed = true"""
IS_TRUSTED = "select exists (select from connection where subject = $1 and not severed and (end_at is null or end_at > $2))"


async def put_measured(tx: Tx, value: Value) -> None:
    """Keep an indicator's value if it is the newest of its scope."""
    side, direction = value.side or "", value.direction or ""
    about = (*value.indicator, value.scope, value.period, value.revision)
    await tx.execute(MEASURED, *about, value.value, value.unit, value.target, value.measured_at, side, direction)


async def grant(tx: Tx, contract_id: str, *, service_id: str, product: str, purpose: str, end_at: datetime | None) -> None:
    """A service may use a data product."""
    await tx.execute(GRANTED, contract_id, service_id, product, purpose, end_at)


async def revoke(tx: Tx, contract_id: str, at: datetime) -> None:
    """It may no more."""
    await tx.execute(REVOKED, contract_id, at)


async def put_deployment(tx: Tx, service_id: str, version: int, state: str, *, endpoint: str = "", message: str = "", at: datetime) -> None:
    """How a service's software is doing now; an empty endpoint keeps the one that is known."""
    await tx.execute(DEPLOYED, service_id, version, state, endpoint, message, at)


async def drop_deployment(tx: Tx, service_id: str, version: int) -> None:
    """Its software is gone."""
    await tx.execute("delete from deployment where service_id = $1 and version = $2", service_id, version)


async def trust(tx: Tx, connection_id: str, subject: str, end_at: datetime | None) -> None:
    """A subject may record uses."""
    await tx.execute(TRUSTED, connection_id, subject, end_at)


async def sever(tx: Tx, connection_id: str, subject: str) -> None:
    """It may no more, for good."""
    await tx.execute(SEVERED, connection_id, subject)


async def is_trusted(tx: Tx, subject: str, at: datetime) -> bool:
    """Whether a subject may record uses now."""
    return bool(await tx.value(IS_TRUSTED, subject, at))
