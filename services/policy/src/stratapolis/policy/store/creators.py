"""Value creators, as governance said them."""

from stratapolis.chassis.db import Tx
from stratapolis.policy.domain.assessment import Creator

ACCEPTED = "insert into creator (creator_id, kind) values ($1, $2) on conflict (creator_id) do update set kind = excluded.kind, suspended = false"
SUSPENDED = "insert into creator (creator_id, suspended) values ($1, true) on conflict (creator_id) do update set suspended = true"


async def note_accepted(tx: Tx, creator_id: str, kind: str) -> None:
    """Governance has let one in."""
    await tx.execute(ACCEPTED, creator_id, kind)


async def note_suspended(tx: Tx, creator_id: str) -> None:
    """Governance has stopped one."""
    await tx.execute(SUSPENDED, creator_id)


async def get(tx: Tx, creator_id: str) -> Creator:
    """One; of one not heard of yet, no more than its id is known."""
    row = await tx.row("select kind, suspended from creator where creator_id = $1", creator_id)
    return Creator(creator_id=creator_id) if row is None else Creator(creator_id=creator_id, kind=row["kind"], suspended=row["suspended"])
