"""The issuer's keys, and the assertions it has seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.connectivity.domain.signing import SigningKey

KEYS = 0x0C17_0002
"""Advisory lock of whoever makes or drops signing keys."""


async def lock_keys(tx: Tx) -> None:
    """Nobody else makes or drops signing keys until the transaction ends."""
    await tx.execute("select pg_advisory_xact_lock($1)", KEYS)


async def signing_keys(tx: Tx) -> list[SigningKey]:
    """All signing keys, by when they begin to sign."""
    rows = await tx.fetch("select * from signing_key order by signs_from")
    return [SigningKey(kid=row["kid"], private_pem=row["private_pem"], public_pem=row["public_pem"], signs_from=row["signs_from"]) for row in rows]


async def add_signing_key(tx: Tx, key: SigningKey) -> None:
    """Store a new signing key."""
    insert = "insert into signing_key (kid, private_pem, public_pem, signs_from) values ($1, $2, $3, $4)"
    await tx.execute(insert, key.kid, key.private_pem, key.public_pem, key.signs_from)


async def drop_signing_keys(tx: Tx, kids: Sequence[str]) -> None:
    """Forget keys whose tokens are gone."""
    await tx.execute("delete from signing_key where kid = any($1)", list(kids))


async def use_assertion(tx: Tx, subject: str, jti: str, expires_at: datetime) -> bool:
    """Note an assertion; False where it was used before."""
    note = "insert into assertion (subject, jti, expires_at) values ($1, $2, $3) on conflict do nothing"
    return await tx.execute(note, subject, jti, expires_at) == "INSERT 0 1"


async def drop_assertions(tx: Tx, before: datetime) -> None:
    """Forget assertions that nobody can use any more."""
    await tx.execute("delete from assertion where expires_at < $1", before)
