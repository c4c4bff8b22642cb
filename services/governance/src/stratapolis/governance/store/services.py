"""Services by their names: which version is the last, which is live, and whether it serves."""

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import JourneyInProgress, ServiceNotFound
from stratapolis.governance.domain.service import Service, ServiceState, Suspension
from stratapolis.governance.domain.step import Replaced

Owners = tuple[str, ...] | None
"""Whose rows may be seen; None: everybody's."""

NAMED = """
    insert into service (service_id, creator_id, name) values ($1, $2, $3)
    on conflict (creator_id, name) do update set name = excluded.name
    returning *"""
SEE = "select * from service where service_id = $1 and ($2::text[] is null or creator_id = any($2))"
LOCK = "select * from service where service_id = $1 and ($2::text[] is null or creator_id = any($2)) for update"
LIVE_OF = "select * from service where creator_id = $1 and state = 'live' order by service_id for update"
PUT = """
    update service set last_version = $2, state = $3, live_version = $4, live_journey_id = $5, suspended_at = $6, suspended_why = $7, suspended_by_city = $8
    where service_id = $1"""
OPEN = "select journey_id from journey where service_id = $1 and ended_at is null"


async def named(tx: Tx, new_id: str, creator_id: str, name: str) -> Service:
    """The value creator's service of this name, locked; a new one gets `new_id`."""
    (row,) = await tx.fetch(NAMED, new_id, creator_id, name)
    return _service(row)


async def get(tx: Tx, service_id: str, owners: Owners) -> Service:
    """One, as it stands; raises ServiceNotFound."""
    return _found(await tx.row(SEE, service_id, owners), service_id)


async def for_update(tx: Tx, service_id: str, owners: Owners = None) -> Service:
    """One, locked; raises ServiceNotFound. Who needs a journey too locks that first."""
    return _found(await tx.row(LOCK, service_id, owners), service_id)


async def live_of(tx: Tx, creator_id: str) -> list[Service]:
    """A value creator's services that serve, locked."""
    return [_service(row) for row in await tx.fetch(LIVE_OF, creator_id)]


async def put(tx: Tx, service: Service) -> None:
    """Keep what changed of one."""
    live, stop = service.live, service.suspension
    await tx.execute(
        PUT, service.service_id, service.last_version, service.state, live and live.version, live and live.journey_id, stop and stop.suspended_at,
        stop.reason if stop else "", bool(stop and stop.by_city),
    )  # fmt: skip


async def open_journey(tx: Tx, service_id: str) -> str | None:
    """The journey that is under way; exact while the service is locked."""
    found: str | None = await tx.value(OPEN, service_id)
    return found


async def refuse_second(tx: Tx, service: Service) -> None:
    """One open journey a service."""
    if (open_one := await open_journey(tx, service.service_id)) is not None:
        raise JourneyInProgress(service.name, open_one)


async def exists(tx: Tx, service_id: str) -> bool:
    """Whether there is such a service, live or not."""
    return bool(await tx.value("select exists (select from service where service_id = $1)", service_id))


def _found(row: Row | None, service_id: str) -> Service:
    if row is None:
        raise ServiceNotFound(service_id)
    return _service(row)


def _service(row: Row) -> Service:
    at = row["suspended_at"]
    return Service(
        service_id=row["service_id"],
        creator_id=row["creator_id"],
        name=row["name"],
        last_version=row["last_version"],
        state=ServiceState(row["state"]),
        live=None if row["live_version"] is None else Replaced(version=row["live_version"], journey_id=row["live_journey_id"]),
        suspension=None if at is None else Suspension(reason=row["suspended_why"], by_city=row["suspended_by_city"], suspended_at=at),
    )
