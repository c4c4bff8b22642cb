"""Versions of the city's policy set."""

from stratapolis.chassis.db import Row, Tx
from stratapolis.policy.domain.errors import NotFounded, PolicyNotFound
from stratapolis.policy.domain.policy import PolicyVersion

LIST = "select * from policy where $1::bigint is null or version < $1 order by version desc limit $2"
INSERT = """
    insert into policy (version, cedar, note, publisher, published_at, activator, activated_at, active) values ($1, $2, $3, $4, $5, $6, $7, $8)"""


async def lock(tx: Tx) -> tuple[int, int]:
    """The newest version and the one in force (0: none), which nobody else changes meanwhile."""
    await tx.execute("lock table policy in share row exclusive mode")
    row = await tx.row("select coalesce(max(version), 0) newest, coalesce(max(version) filter (where active), 0) active from policy")
    return (row["newest"], row["active"]) if row is not None else (0, 0)


async def add(tx: Tx, policy: PolicyVersion) -> None:
    """Keep a new version."""
    about = (policy.version, policy.cedar, policy.note, policy.publisher, policy.published_at)
    await tx.execute(INSERT, *about, policy.activator, policy.activated_at, policy.active)


async def put_in_force(tx: Tx, policy: PolicyVersion) -> None:
    """Put a version in force in place of the one that is."""
    await tx.execute("update policy set active = false where active")
    await tx.execute(
        "update policy set active = true, activator = $2, activated_at = $3 where version = $1", policy.version, policy.activator, policy.activated_at
    )


async def get(tx: Tx, version: int) -> PolicyVersion:
    """One; 0 is the one in force. Raises PolicyNotFound, NotFounded."""
    if version == 0:
        return await in_force(tx)
    row = await tx.row("select * from policy where version = $1", version)
    if row is None:
        raise PolicyNotFound(version)
    return _policy(row)


async def in_force(tx: Tx) -> PolicyVersion:
    """The version in force; raises NotFounded."""
    row = await tx.row("select * from policy where active")
    if row is None:
        raise NotFounded
    return _policy(row)


async def version_in_force(tx: Tx) -> int:
    """The number of the version in force; 0: none."""
    return int(await tx.value("select version from policy where active") or 0)


async def listed(tx: Tx, *, after: int | None, limit: int) -> list[PolicyVersion]:
    """Versions, newest first."""
    return [_policy(row) for row in await tx.fetch(LIST, after, limit)]


def _policy(row: Row) -> PolicyVersion:
    return PolicyVersion(
        version=row["version"],
        cedar=row["cedar"],
        note=row["note"],
        publisher=row["publisher"],
        published_at=row["published_at"],
        activator=row["activator"],
        activated_at=row["activated_at"],
        active=row["active"],
    )
