"""What may run, as rows."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.infrastructure.providers.provider import Artefact


async def one(tx: Tx, name: str, sha256: str = "") -> Artefact | None:
    """An artefact of a sum; without one, what later deployments run."""
    row = await tx.row("select * from artefact where name = $1 and case when $2 = '' then current else sha256 = $2 end", name, sha256)
    return None if row is None else Artefact(name=row["name"], sha256=row["sha256"], folder=row["folder"], argv=row["argv"])


async def register(tx: Tx, new: Artefact, at: datetime) -> Row:
    """Make it what later deployments run."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('artefact ' || $1))", new.name)
    await tx.execute("update artefact set current = false where name = $1 and current and sha256 <> $2", new.name, new.sha256)
    (row,) = await tx.fetch(
        """insert into artefact (name, sha256, folder, argv, registered_at, current) values ($1, $2, $3, $4, $5, true)
        on conflict (name, sha256) do update set folder = excluded.folder, argv = excluded.argv, registered_at = excluded.registered_at, current = true
        returning *""",
        new.name, new.sha256, new.folder, list(new.argv), at,
    )  # fmt: skip
    return row


async def listed(tx: Tx, after: str, limit: int) -> list[Row]:
    """What later deployments run, by name."""
    return await tx.fetch("select * from artefact where current and name > $1 order by name limit $2", after, limit)


async def names(tx: Tx) -> list[str]:
    """For hints."""
    return [row["name"] for row in await tx.fetch("select name from artefact where current order by name limit 1000")]
