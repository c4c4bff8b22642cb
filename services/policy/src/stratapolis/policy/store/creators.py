"""Value creators, as governance said them, and their competencies, as innovation did."""

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.policy.domain.assessment import Creator

ACCEPTED = "insert into creator (creator_id, kind) values ($1, $2) on conflict (creator_id) do update set kind = excluded.kind, suspended = false"
SUSPENDED = "insert into creator (creator_id, suspended) values ($1, true) on conflict (creator_id) do update set suspended = true"
AWARDED = "insert into competency (award_id, creator_id, code, expires_at) values ($1, $2, $3, $4) on conflict (award_id) do nothing"
SEE = """
    select kind, suspended, (
        select coalesce(array_agg(distinct c.code order by c.code), '{}') from competency c
        where c.creator_id = $1 and (c.expires_at is null or c.expires_at > $2)
    ) as competencies
    from (select $1::text as creator_id) asked left join creator using (creator_id)"""


async def note_accepted(tx: Tx, creator_id: str, kind: str) -> None:
    """Governance has let one in."""
    await tx.execute(ACCEPTED, creator_id, kind)


async def note_suspended(tx: Tx, creator_id: str) -> None:
    """Governance has stopped one."""
    await tx.execute(SUSPENDED, creator_id)


async def note_awarded(tx: Tx, award_id: str, creator_id: str, code: str, expires_at: datetime | None) -> None:
    """One of its members has shown a competency."""
    await tx.execute(AWARDED, award_id, creator_id, code, expires_at)


async def get(tx: Tx, creator_id: str, at: datetime) -> Creator:
    """One, with the competencies that count at that time; of one not heard of yet, no more than its id is known."""
    row = await tx.row(SEE, creator_id, at)
    if row is None:
        return Creator(creator_id=creator_id)
    return Creator(creator_id=creator_id, kind=row["kind"] or "", suspended=bool(row["suspended"]), competencies=tuple(row["competencies"]))
