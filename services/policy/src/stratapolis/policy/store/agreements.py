"""Agreements and their parties."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.policy.domain.agreement import Agreement, Share, Signature
from stratapolis.policy.domain.errors import AgreementNotFound
from stratapolis.policy.domain.performance import Metric
from stratapolis.policy.store import Owners, performance

SEE = """
    select * from agreement a
    where agreement_id = $1 and ($2::text[] is null or exists (select from party p where p.agreement_id = a.agreement_id and p.owner = any($2)))"""
LOCK = f"{SEE} for update"
LIST = """
    select * from agreement a
    where ($1::text[] is null or exists (select from party p where p.agreement_id = a.agreement_id and p.owner = any($1)))
      and ($2 = '' or exists (select from party p where p.agreement_id = a.agreement_id and p.owner = $2))
      and ($3::timestamptz is null or (created_at, agreement_id) < ($3, $4))
    order by created_at desc, agreement_id desc limit $5"""
INSERT = "insert into agreement (agreement_id, title, currency, start_at, end_at, created_at) values ($1, $2, $3, $4, $5, $6)"
INSERT_PARTIES = """
    insert into party (agreement_id, owner, place, basis_points)
    select $1, owner, place, points from unnest($2::text[], $3::int[]) with ordinality n(owner, points, place)"""
SIGN = "update party set signer = $3, signed_at = $4 where agreement_id = $1 and owner = $2"


async def add(tx: Tx, agreement: Agreement) -> None:
    """Keep a new one, not signed yet."""
    term = (agreement.start_at, agreement.end_at, agreement.created_at)
    await tx.execute(INSERT, agreement.agreement_id, agreement.title, agreement.currency, *term)
    parties, points = [share.party for share in agreement.shares], [share.basis_points for share in agreement.shares]
    await tx.execute(INSERT_PARTIES, agreement.agreement_id, parties, points)
    await performance.promise(tx, agreement.agreement_id, agreement.metrics)


async def put_signature(tx: Tx, agreement: Agreement, signature: Signature) -> None:
    """Keep a signature, and whether it was the last."""
    await tx.execute(SIGN, agreement.agreement_id, signature.party, signature.subject, signature.signed_at)
    await tx.execute("update agreement set signed_at = $2 where agreement_id = $1", agreement.agreement_id, agreement.signed_at)


async def get(tx: Tx, agreement_id: str, owners: Owners) -> Agreement:
    """One, as it stands; raises AgreementNotFound."""
    return await _found(tx, await tx.row(SEE, agreement_id, owners), agreement_id)


async def for_update(tx: Tx, agreement_id: str, owners: Owners) -> Agreement:
    """One, locked; raises AgreementNotFound."""
    return await _found(tx, await tx.row(LOCK, agreement_id, owners), agreement_id)


async def listed(tx: Tx, owners: Owners, *, party: str, after: tuple[datetime, str] | None, limit: int) -> list[Agreement]:
    """Agreements, newest first."""
    at, agreement_id = after or (None, "")
    return await _agreements(tx, await tx.fetch(LIST, owners, party, at, agreement_id, limit))


async def _found(tx: Tx, row: Row | None, agreement_id: str) -> Agreement:
    if row is None:
        raise AgreementNotFound(agreement_id)
    (agreement,) = await _agreements(tx, [row])
    return agreement


async def _agreements(tx: Tx, rows: Sequence[Row]) -> list[Agreement]:
    parties: dict[str, list[Row]] = defaultdict(list)
    agreement_ids = [row["agreement_id"] for row in rows]
    for party in await tx.fetch("select * from party where agreement_id = any($1) order by agreement_id, place", agreement_ids):
        parties[party["agreement_id"]].append(party)
    metrics = await performance.promised(tx, agreement_ids)
    return [_agreement(row, parties[row["agreement_id"]], metrics.get(row["agreement_id"], ())) for row in rows]


def _agreement(row: Row, parties: Sequence[Row], metrics: tuple[Metric, ...]) -> Agreement:
    signed = sorted((party for party in parties if party["signed_at"] is not None), key=lambda party: party["signed_at"])
    return Agreement(
        agreement_id=row["agreement_id"],
        title=row["title"],
        shares=tuple(Share(party=party["owner"], basis_points=party["basis_points"]) for party in parties),
        currency=row["currency"],
        start_at=row["start_at"],
        end_at=row["end_at"],
        created_at=row["created_at"],
        signatures=tuple(Signature(party=party["owner"], subject=party["signer"], signed_at=party["signed_at"]) for party in signed),
        signed_at=row["signed_at"],
        metrics=metrics,
    )
