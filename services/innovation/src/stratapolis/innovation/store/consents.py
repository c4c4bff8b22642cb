"""Testers' consents: each seen by its tester alone."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.innovation.domain.errors import AlreadyConsented, ConsentNotFound
from stratapolis.innovation.domain.pilot import Consent

INSERT = """
    insert into consent (consent_id, pilot_id, subject, statement, given_at) values ($1, $2, $3, $4, $5)
    on conflict (pilot_id, subject) where withdrawn_at is null do nothing"""
WITHDRAW = "update consent set withdrawn_at = $2 where consent_id = $1"
SEE = "select * from consent where consent_id = $1 and subject = $2"
LIST = """
    select * from consent where subject = $1 and ($2::timestamptz is null or (given_at, consent_id) < ($2, $3::text))
    order by given_at desc, consent_id desc limit $4"""


async def add(tx: Tx, consent: Consent) -> None:
    """Keep a new one; raises AlreadyConsented where the tester's consent stands."""
    done = await tx.execute(INSERT, consent.consent_id, consent.pilot_id, consent.subject, consent.statement, consent.given_at)
    if done != "INSERT 0 1":
        raise AlreadyConsented(consent.pilot_id)


async def put_withdrawn(tx: Tx, consent: Consent) -> None:
    """Keep that one was taken back."""
    await tx.execute(WITHDRAW, consent.consent_id, consent.withdrawn_at)


async def get(tx: Tx, consent_id: str, subject: str) -> Consent:
    """One of the subject's own; raises ConsentNotFound."""
    row = await tx.row(SEE, consent_id, subject)
    if row is None:
        raise ConsentNotFound(consent_id)
    return _consent(row)


async def listed(tx: Tx, subject: str, *, after: tuple[datetime, str] | None, limit: int) -> list[Consent]:
    """The subject's own, newest first."""
    at, consent_id = after or (None, "")
    return [_consent(row) for row in await tx.fetch(LIST, subject, at, consent_id, limit)]


def _consent(row: Row) -> Consent:
    return Consent(
        consent_id=row["consent_id"],
        pilot_id=row["pilot_id"],
        subject=row["subject"],
        statement=row["statement"],
        given_at=row["given_at"],
        withdrawn_at=row["withdrawn_at"],
    )
