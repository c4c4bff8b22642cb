"""Access tokens: made by connectivity, checked by every app. JWT, EdDSA (RFC 8037) only, profile of RFC 9068 (`typ` is `at+jwt`)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.types import Options
from stratapolis.chassis.identity import Caller, FeedSilent, TokenExpired, TokenInvalid, TokenRevoked, a_kind
from stratapolis.chassis.revocations import SILENT_AFTER, Revocations

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
REQUIRED = ("exp", "iat", "sub", "jti", "aud")
CHECKED: Options = {"require": list(REQUIRED), "verify_exp": False, "verify_iat": False, "verify_aud": False}
"""Signature and presence; times and audience are checked here, on tokens kept as well as new ones."""
LONGEST_TOKEN = 8192
KEPT = 10_000
SKEW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says. `audience` is the app it is for."""

    caller: Caller
    audience: str
    jti: str
    issued_at: datetime
    expires_at: datetime


class Keys(Protocol):
    """Public keys of the issuer, by key id."""

    async def key(self, kid: str) -> Ed25519PublicKey:
        """Raises TokenInvalid for a key nobody has, IssuerAway when that cannot be known now."""
        ...


class FixedKeys:
    """Keys that are at hand: the issuer's own."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = keys

    async def key(self, kid: str) -> Ed25519PublicKey:
        if kid not in self._keys:
            raise TokenInvalid("the token is signed with an unknown key")
        return self._keys[kid]


def mint(claims: Claims, key: Ed25519PrivateKey, kid: str) -> str:
    """The signed token. `iat` and `exp` are whole seconds, as RFC 7519's NumericDate is written by all."""
    caller = claims.caller
    payload = {
        "sub": caller.subject,
        "kind": caller.kind,
        "creator": caller.creator,
        "creator_roles": sorted(caller.creator_roles),
        "roles": sorted(caller.roles),
        "aud": claims.audience,
        "jti": claims.jti,
        "iat": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
    }
    return jwt.encode(payload, key, algorithm=ALGORITHM, headers={"kid": kid, "typ": TYPE})


class Verifier:
    """Checks tokens. A token once verified is kept until it expires; revocations are asked each time."""

    def __init__(self, keys: Keys, audience: str, revocations: Revocations, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._keys, self.audience, self._revocations, self._clock = keys, audience, revocations, clock
        self._kept: OrderedDict[str, Claims] = OrderedDict()

    async def verify(self, token: str) -> Claims:
        """The token's claims, for this app; raises a Refused that says what is wrong with it."""
        claims = await self._claims(token)
        self._for(claims, {self.audience})
        self.still_good(claims)
        return claims

    async def on_behalf(self, layer: Claims, token: str) -> Claims:
        """The claims of a user's token that a layer hands on: it was issued for that layer, or for this app."""
        claims = await self._claims(token)
        self._for(claims, {self.audience, layer.caller.subject.removeprefix("layer:")})
        self.still_good(claims)
        return replace(claims, caller=replace(claims.caller, via=layer.caller.subject))

    def still_good(self, claims: Claims) -> None:
        """Raise if the token expired or was revoked."""
        if claims.expires_at <= self._clock():
            raise TokenExpired("the token has expired: ask for another", subject=claims.caller.subject)
        self.not_revoked(claims)

    def not_revoked(self, claims: Claims) -> None:
        """Raise if the token was revoked since, or if that cannot be known of a caller who could do much."""
        if self._revocations.refused(claims.caller.subject, claims.jti, claims.issued_at):
            raise TokenRevoked("the token, or its subject, was revoked", subject=claims.caller.subject)
        if claims.caller.guarded and self._revocations.silent_for() > SILENT_AFTER:
            raise FeedSilent("revocations have not been heard of for a while: officers and operators wait")

    def _for(self, claims: Claims, audiences: set[str]) -> None:
        if claims.audience not in audiences:
            raise TokenInvalid("the token is for another audience", subject=claims.caller.subject)

    async def _claims(self, token: str) -> Claims:
        if (kept := self._kept.get(token)) is not None:
            self._kept.move_to_end(token)
            return kept
        claims = _claims_of(await self._checked(token))
        if claims.issued_at > self._clock() + SKEW:
            raise TokenInvalid("the token comes from the future")
        if claims.expires_at > self._clock():
            self._kept[token] = claims
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return claims

    async def _checked(self, token: str) -> dict[str, Any]:
        """The payload of a token whose header and signature are right; the times are the caller's to check, by its own clock."""
        if len(token) > LONGEST_TOKEN:
            raise TokenInvalid("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM or str(header.get("typ", "")).lower() != TYPE or not isinstance(header.get("kid"), str):
                raise TokenInvalid(f"a token has alg {ALGORITHM}, typ {TYPE} and a kid")
            key = await self._keys.key(header["kid"])
            payload: dict[str, Any] = jwt.decode(token, key, algorithms=[ALGORITHM], options=CHECKED)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenInvalid("the token is damaged or not of this city") from error
        return payload


def _claims_of(payload: dict[str, Any]) -> Claims:
    kind, audience = a_kind(str(payload.get("kind", ""))), payload["aud"]
    try:
        issued, expires = (datetime.fromtimestamp(int(payload[name]), UTC) for name in ("iat", "exp"))
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise TokenInvalid("the token's times are no times") from error
    subject, jti = payload["sub"], payload["jti"]
    if kind is None or not all(isinstance(text, str) and text for text in (subject, jti, audience)):
        raise TokenInvalid("the token lacks kind, sub, jti or aud")
    caller = Caller(
        subject=subject, kind=kind, creator=str(payload.get("creator", "")), roles=_names(payload, "roles"), creator_roles=_names(payload, "creator_roles")
    )
    return Claims(caller=caller, audience=audience, jti=jti, issued_at=issued, expires_at=expires)


def _names(payload: dict[str, Any], claim: str) -> frozenset[str]:
    found = payload.get(claim, [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise TokenInvalid(f"the token's {claim} are no list of names")
    return frozenset(found)
