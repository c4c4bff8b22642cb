"""Services, as far as something is about them: what is measured and asked of one ends with it."""

from __future__ import annotations

from stratapolis.chassis.db import Tx

HOLD = """
    insert into service as s (service_id) values ($1)
    on conflict (service_id) do update set retired_version = s.retired_version returning retired_version is not null"""
RETIRE = """
    insert into service as s (service_id, retired_version) values ($1, $2)
    on conflict (service_id) do update set retired_version = greatest(s.retired_version, excluded.retired_version)"""
RETURN = "update service set retired_version = null where service_id = $1 and retired_version < $2"


async def retired(tx: Tx, service_id: str) -> bool:
    """Whether a service is retired. It stays what it is until the transaction ends: take this lock first."""
    return bool(await tx.value(HOLD, service_id))


async def put_retired(tx: Tx, service_id: str, version: int) -> None:
    """Nothing new is about it from now on; whoever has `retired` in hand is awaited."""
    await tx.execute(RETIRE, service_id, version)


async def put_published(tx: Tx, service_id: str, version: int) -> None:
    """A version newer than the one that was retired is in the catalogue: there it is again."""
    await tx.execute(RETURN, service_id, version)
