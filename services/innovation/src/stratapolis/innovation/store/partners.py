"""Value creators as governance said them, and partnerships."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.errors import AlreadyPartners, PartnershipNotFound
from stratapolis.innovation.domain.partnership import Partner, Partnership

ACCEPTED = """
    insert into partner (creator_id, name, kind) values ($1, $2, $3)
    on conflict (creator_id) do update set name = excluded.name, kind = excluded.kind, suspended = false"""
SUSPENDED = "insert into partner (creator_id, suspended) values ($1, true) on conflict (creator_id) do update set suspended = true"
PARTNER = "select * from partner where creator_id = $1"
INSERT = """
    insert into partnership (partnership_id, programme_id, creator_id, partner_name, partner_kind, purpose, agreement_id, registered_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (programme_id, creator_id) where ended_at is null do nothing"""
END = "update partnership set ended_at = $2, end_reason = $3 where partnership_id = $1"
SEE = "select * from partnership where partnership_id = $1"
LIST = """
    select * from partnership
    where ($1::text = '' or creator_id = $1) and (not $2 or ended_at is null)
      and ($3::timestamptz is null or (registered_at, partnership_id) < ($3, $4::text))
    order by registered_at desc, partnership_id desc limit $5"""


async def note_accepted(tx: Tx, creator_id: str, name: str, kind: str) -> None:
    """Governance has let one in."""
    await tx.execute(ACCEPTED, creator_id, name, kind)


async def note_suspended(tx: Tx, creator_id: str) -> None:
    """Governance has stopped one."""
    await tx.execute(SUSPENDED, creator_id)


async def partner(tx: Tx, creator_id: str) -> Partner | None:
    """A value creator; None where governance has said nothing of it."""
    row = await tx.row(PARTNER, creator_id)
    return Partner(creator_id=row["creator_id"], name=row["name"], kind=row["kind"], suspended=row["suspended"]) if row else None


async def add(tx: Tx, partnership: Partnership) -> None:
    """Keep a new one; raises AlreadyPartners where one of the programme runs."""
    new = partnership
    done = await tx.execute(
        INSERT, new.partnership_id, new.programme_id, new.creator_id, new.partner_name, new.partner_kind, new.purpose, new.agreement_id, new.registered_at
    )  # fmt: skip
    if done != "INSERT 0 1":
        raise AlreadyPartners(new.creator_id)


async def put_ended(tx: Tx, partnership: Partnership) -> None:
    """Keep that one has ended."""
    await tx.execute(END, partnership.partnership_id, partnership.ended_at, partnership.end_reason)


async def get(tx: Tx, partnership_id: str) -> Partnership:
    """One, as it stands; raises PartnershipNotFound."""
    return _found(await tx.row(SEE, partnership_id), partnership_id)


async def for_update(tx: Tx, partnership_id: str) -> Partnership:
    """One, locked; raises PartnershipNotFound."""
    return _found(await tx.row(f"{SEE} for update", partnership_id), partnership_id)


async def listed(tx: Tx, *, creator_id: str, running_only: bool, after: tuple[datetime, str] | None, limit: int) -> list[Partnership]:
    """Partnerships, newest first."""
    at, partnership_id = after or (None, "")
    return [_partnership(row) for row in await tx.fetch(LIST, creator_id, running_only, at, partnership_id, limit)]


def _found(row: Row | None, partnership_id: str) -> Partnership:
    if row is None:
        raise PartnershipNotFound(partnership_id)
    return _partnership(row)


def _partnership(row: Row) -> Partnership:
    return Partnership(
        partnership_id=row["partnership_id"],
        programme_id=row["programme_id"],
        creator_id=row["creator_id"],
        partner_name=row["partner_name"],
        partner_kind=row["partner_kind"],
        purpose=row["purpose"],
        agreement_id=row["agreement_id"],
        registered_at=row["registered_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
    )
