"""Clients of the token endpoint: each proves itself by a signed assertion (private_key_jwt: RFC 7523, clause 3; OpenID Connect Core, clause 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from stratapolis.chassis.db import Tx
from stratapolis.chassis.identity import Caller
from stratapolis.connectivity import keys, store
from stratapolis.connectivity.domain.connection import LAYERS
from stratapolis.connectivity.domain.identity import State
from stratapolis.connectivity.domain.standing import standing
from stratapolis.connectivity.settings import FOUNDER

LONGEST = timedelta(minutes=5)
SKEW = timedelta(seconds=10)
LONGEST_ASSERTION = 4096
ID = re.compile(r"[!-~]{1,128}")


class Unproven(Exception):
    """The client has not proved who it is. The text is for the trail; callers all hear the same."""

    def __init__(self, why: str, subject: str = "") -> None:
        super().__init__(why)
        self.why, self.subject = why, subject


class CityFounded(Unproven):
    """The founder's time is over, which is no secret."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Who may ask for tokens. `fixed` are the public keys of layers and founder by name; `audiences` what an assertion may be addressed to."""

    fixed: Mapping[str, Ed25519PublicKey]
    audiences: frozenset[str]

    async def prove(self, assertion: str, *, tx: Tx, at: datetime) -> Caller:
        """The client as its tokens will name it; raises Unproven. An assertion proves once."""
        claimed = _claimed_subject(assertion)
        caller, candidates = await self._candidates(claimed, tx)
        payload = _verified(assertion, candidates, claimed)
        expires = self._checked(payload, claimed, at)
        if not await store.tokens.use_assertion(tx, claimed, payload["jti"], expires):
            raise Unproven("the assertion was used before", claimed)
        if claimed == FOUNDER and await store.creators.founded(tx):
            raise CityFounded("the city is founded", claimed)
        return caller

    async def _candidates(self, subject: str, tx: Tx) -> tuple[Caller, list[Ed25519PublicKey]]:
        """What the subject would be, and the keys that can prove it."""
        layer = subject.removeprefix("layer:")
        if subject.startswith("layer:") and layer in LAYERS:
            return Caller(subject=subject, kind="layer"), [self.fixed[layer]] if layer in self.fixed else []
        if subject == FOUNDER:
            founder = Caller(subject=FOUNDER, kind="system", roles=frozenset({FOUNDER}))
            return founder, [self.fixed[FOUNDER]] if FOUNDER in self.fixed else []
        # Locked: a suspension under way is waited for, so that no token is issued behind its back.
        identity = await store.identities.for_update(tx, subject)
        if identity is None or identity.state is not State.ACTIVE:
            raise Unproven("unknown, inactive, suspended or revoked", subject)
        own = identity.creator
        active = frozenset({own}) if own and await store.creators.is_active(tx, own) else frozenset[str]()
        place = standing(identity, await store.creators.of_subject(tx, subject), active_creators=active)
        caller = Caller(subject=subject, kind=identity.kind.value, creator=place.creator, roles=place.roles, creator_roles=place.creator_roles)
        known = await store.identities.keys_of(tx, subject)
        return caller, [keys.read_public(key.public_key_pem) for key in known if key.revoked_at is None]

    def _checked(self, payload: dict[str, Any], subject: str, at: datetime) -> datetime:
        """When the assertion expires; times are held against the database's clock."""
        addressed = payload["aud"] if isinstance(payload["aud"], list) else [payload["aud"]]
        if not self.audiences & {one for one in addressed if isinstance(one, str)}:
            raise Unproven("the assertion is addressed to another", subject)
        if payload.get("iss") != subject or payload.get("sub") != subject:
            raise Unproven("iss and sub are not the client", subject)
        jti = payload["jti"]
        if not isinstance(jti, str) or not ID.fullmatch(jti):
            raise Unproven("the jti is no id", subject)
        expires, issued = _time(payload["exp"], subject), _time(payload["iat"], subject)
        if expires <= at - SKEW:
            raise Unproven("the assertion has expired", subject)
        if issued > at + SKEW or expires > at + LONGEST + SKEW:
            raise Unproven("the assertion comes from the future, or lives longer than five minutes", subject)
        return expires


def _claimed_subject(assertion: str) -> str:
    if len(assertion) > LONGEST_ASSERTION:
        raise Unproven("the assertion is too long")
    try:
        payload = jwt.decode(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unproven("the assertion is no JWT") from error
    subject = payload.get("sub")
    if not isinstance(subject, str) or not ID.fullmatch(subject):
        raise Unproven("the assertion has no sub")
    return subject


def _verified(assertion: str, candidates: list[Ed25519PublicKey], subject: str) -> dict[str, Any]:
    options: Any = {"require": ["exp", "iat", "iss", "sub", "aud", "jti"], "verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_nbf": False}
    for key in candidates:
        try:
            payload: dict[str, Any] = jwt.decode(assertion, key, algorithms=["EdDSA"], options=options)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Unproven("the assertion lacks a claim, or is not signed with EdDSA", subject) from error
        return payload
    raise Unproven("no key of the client has signed the assertion", subject)


def _time(value: object, subject: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(value), UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unproven("a time of the assertion is no time", subject) from error
