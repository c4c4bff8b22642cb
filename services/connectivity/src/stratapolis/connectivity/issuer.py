"""The issuer of tokens: its keys stand in the database and are shared by all replicas; each keeps a young copy."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from stratapolis.chassis.db import TRANSIENT, Database, Tx
from stratapolis.chassis.identity import Caller, IssuerAway, TokenInvalid
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.tokens import Claims, mint
from stratapolis.connectivity import keys, store
from stratapolis.connectivity.domain.signing import Rhythm, SigningKey, next_signs_from, signing, spent

OWN = Caller(subject="layer:connectivity", kind="layer")
ASKED_AGAIN_AFTER = 1.0


@dataclass(slots=True)
class Issuer:
    """Makes tokens, and knows the keys to check them by. Other apps' `Keys` and `TokenSource` ask over HTTP what this one has at hand."""

    db: Database
    rhythm: Rhythm
    _public: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    _asked: float = float("-inf")
    _own: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    async def issue(self, caller: Caller, audience: str, *, tx: Tx, at: datetime) -> tuple[str, Claims]:
        """A token for one audience, signed by the key whose time it is."""
        claims = Claims(caller=caller, audience=audience, jti=new_id(), issued_at=at, expires_at=at + self.rhythm.token)
        key = await self._signing(tx, at)
        return mint(claims, keys.read_private(key.private_pem), key.kid), claims

    async def token(self, audience: str) -> str:
        """Connectivity's own token, kept for half of its life; raises IssuerAway where the database is."""
        try:
            async with self.db.transaction() as tx:
                held, renew_at = self._own.get(audience, ("", tx.at))
                if tx.at >= renew_at:
                    held, _ = await self.issue(OWN, audience, tx=tx, at=tx.at)
                    self._own[audience] = (held, tx.at + self.rhythm.token / 2)
                return held
        except TRANSIENT as error:
            raise IssuerAway("the issuer's own database is away") from error

    async def key(self, kid: str) -> Ed25519PublicKey:
        """The public key of a token; one that is unknown is looked for in the database, at most once a second."""
        if kid not in self._public and time.monotonic() - self._asked >= ASKED_AGAIN_AFTER:
            self._asked = time.monotonic()
            try:
                async with self.db.transaction(readonly=True) as tx:
                    self._public = await self.public_keys(tx)
            except TRANSIENT as error:
                self._asked = float("-inf")
                raise IssuerAway("the issuer's own database is away") from error
        if kid not in self._public:
            raise TokenInvalid("the token is signed with an unknown key")
        return self._public[kid]

    async def public_keys(self, tx: Tx) -> dict[str, Ed25519PublicKey]:
        """What the key set shows: keys that sign, will sign, or whose tokens still live."""
        return {key.kid: keys.read_public(key.public_pem) for key in await store.tokens.signing_keys(tx)}

    async def rotate_signing_keys(self, *, tx: Tx, at: datetime) -> None:
        """Make the next key when it is due, forget those whose tokens are gone; a job."""
        await store.tokens.lock_keys(tx)
        known = await store.tokens.signing_keys(tx)
        if (signs_from := next_signs_from(known, self.rhythm, at)) is not None:
            await store.tokens.add_signing_key(tx, _new_pair(signs_from))
        await store.tokens.drop_signing_keys(tx, spent(known, self.rhythm, at))

    async def _signing(self, tx: Tx, at: datetime) -> SigningKey:
        key = signing(await store.tokens.signing_keys(tx), at)
        if key is None:
            # The very first token of a city: two replicas agree on one key by the lock, and the second finds the first one's.
            await store.tokens.lock_keys(tx)
            key = signing(await store.tokens.signing_keys(tx), at + timedelta(minutes=1))
        if key is None:
            key = _new_pair(at)
            await store.tokens.add_signing_key(tx, key)
        return key


def _new_pair(signs_from: datetime) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    return SigningKey(kid=keys.thumbprint(public), private_pem=keys.private_pem(private), public_pem=keys.public_pem(public), signs_from=signs_from)
