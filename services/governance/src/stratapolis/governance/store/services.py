"""Services by their names: which version is the last, which is live."""

from stratapolis.chassis.db import Tx
from stratapolis.governance.domain.errors import JourneyInProgress, ServiceAlreadyLive

NAMED = """
    insert into service (service_id, creator_id, name) values ($1, $2, $3)
    on conflict (creator_id, name) do update set name = excluded.name
    returning service_id, last_version, live_version"""
OPEN = "select journey_id from journey where service_id = $1 and ended_at is null"


async def next_version(tx: Tx, new_id: str, creator_id: str, name: str) -> tuple[str, int]:
    """The service's id and the version to propose, its row locked. Refused while it is live or has an open journey."""
    (row,) = await tx.fetch(NAMED, new_id, creator_id, name)
    service_id, version = row["service_id"], row["last_version"] + 1
    if row["live_version"] is not None:
        raise ServiceAlreadyLive(name, service_id)
    if (open_one := await tx.value(OPEN, service_id)) is not None:
        raise JourneyInProgress(name, open_one)
    await tx.execute("update service set last_version = $2 where service_id = $1", service_id, version)
    return service_id, version


async def go_live(tx: Tx, service_id: str, version: int) -> None:
    """Note which version is live."""
    await tx.execute("update service set live_version = $2 where service_id = $1", service_id, version)


async def exists(tx: Tx, service_id: str) -> bool:
    """Whether there is such a service, live or not."""
    return bool(await tx.value("select exists (select from service where service_id = $1)", service_id))
