"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

from stratapolis.chassis.errors import Kind, Refused

CallerKind = Literal["nobody", "person", "thing", "system", "layer"]
KINDS: frozenset[str] = frozenset({"person", "thing", "system", "layer"})
GUARDED_ROLES = frozenset({"officer", "operator"})
"""Roles whose calls wait for a revocation feed that is not silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An enrolled identity as its token names it. `via` is the layer that calls on its behalf, empty for a call of its own."""

    subject: str
    kind: CallerKind
    creator: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    creator_roles: frozenset[str] = field(default_factory=frozenset)
    via: str = ""

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners whose rows are the caller's: its value creator and itself."""
        return tuple(owner for owner in (self.creator, self.subject) if owner)

    @property
    def owner(self) -> str:
        """Who owns what the caller makes."""
        return self.creator or self.subject

    @property
    def guarded(self) -> bool:
        """Whether so much is in its hands that a revocation must not be missed."""
        return bool(self.roles & GUARDED_ROLES)


NOBODY = Caller(subject="", kind="nobody")
"""A call without a token; let in by CALLER_PUBLIC only."""


def a_kind(text: str) -> CallerKind | None:
    """The kind a token names; None for what is none."""
    return cast("CallerKind", text) if text in KINDS else None


class NoToken(Refused):
    """The call carries no token."""

    reason = "NO_TOKEN"
    kind = Kind.UNAUTHENTICATED


class TokenInvalid(Refused):
    """The token is not one of this city, not for this app, or damaged. `subject` is whom it names, where this city signed it: for the audit
    trail, never for the caller."""

    reason = "TOKEN_INVALID"
    kind = Kind.UNAUTHENTICATED

    def __init__(self, message: str, *, subject: str = "") -> None:
        super().__init__(message)
        self.subject = subject


class TokenExpired(TokenInvalid):
    """The token's time is over."""

    reason = "TOKEN_EXPIRED"


class TokenRevoked(TokenInvalid):
    """The token, or its subject, was revoked."""

    reason = "TOKEN_REVOKED"


class IssuerAway(Refused):
    """Connectivity does not answer: no token, or no key to check one."""

    reason = "ISSUER_AWAY"
    kind = Kind.UNAVAILABLE


class FeedSilent(Refused):
    """Revocations have not been heard of for too long to let this caller in."""

    reason = "FEED_SILENT"
    kind = Kind.UNAVAILABLE


class NotOnBehalf(Refused):
    """Only a layer may call on behalf of another, and only of who called it."""

    reason = "NOT_ON_BEHALF"
    kind = Kind.DENIED


class CallerNotAllowed(Refused):
    """The RPC lets in other callers."""

    reason = "CALLER_NOT_ALLOWED"
    kind = Kind.DENIED
