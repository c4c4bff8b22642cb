"""Identities: persons, things and systems, their states, roles and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stratapolis.connectivity.domain import errors

CITY_ROLES = frozenset({"officer", "operator", "policy_admin"})
MOST_KEYS = 5


class Kind(StrEnum):
    """What an identity is."""

    PERSON = "person"
    THING = "thing"
    SYSTEM = "system"


class State(StrEnum):
    """Where an identity stands."""

    INACTIVE = "inactive"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who or what is enrolled. `owner` sees and changes it: a thing's or system's value creator, or the identity itself.

    `cut_at`: tokens issued before it count no more; None where none was ever cut. `held_by_city`: an officer or operator suspended it.
    """

    subject: str
    kind: Kind
    state: State
    owner: str
    creator: str = ""
    display_name: str = ""
    roles: frozenset[str] = frozenset()
    cut_at: datetime | None = None
    held_by_city: bool = False
    created_at: datetime
    updated_at: datetime

    @property
    def gone(self) -> bool:
        """Whether every token of it is refused, whenever it was issued."""
        return self.state in (State.SUSPENDED, State.REVOKED)

    @property
    def is_officer(self) -> bool:
        """Whether it acts as an officer now."""
        return self.state is State.ACTIVE and "officer" in self.roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A public key of an identity. `version`: of the service whose software has the key; 0: not a service's software."""

    credential_id: str
    subject: str
    public_key_pem: str
    thumbprint: str
    version: int = 0
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An identity was enrolled."""

    subject: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Cut:
    """Tokens of a subject issued before `before` count no more; where it is `gone`, none does."""

    subject: str
    before: datetime
    gone: bool


Fact = Enrolled | Cut


@dataclass(frozen=True, slots=True)
class Enroller:
    """Who enrols: staff (officer or operator) for everybody, a member for the own value creator."""

    creator: str
    is_member: bool
    is_staff: bool


def creator_for(enroller: Enroller, kind: Kind, creator: str) -> str:
    """The value creator that the new identity belongs to; refused where the enroller may not enrol it."""
    if enroller.is_staff:
        if kind is Kind.PERSON and creator:
            raise errors.PersonHasNoCreator
        return creator
    if kind is Kind.PERSON:
        raise errors.KindNotYours
    if not (enroller.is_member and enroller.creator) or creator not in ("", enroller.creator):
        raise errors.NotAMember
    return enroller.creator


def enrol(
    *, subject: str, kind: Kind, creator: str, display_name: str, at: datetime, roles: frozenset[str] = frozenset(), state: State = State.ACTIVE
) -> tuple[Identity, Enrolled]:
    """A new identity."""
    identity = Identity(
        subject=subject, kind=kind, state=state, owner=creator or subject, creator=creator, display_name=display_name, roles=roles, created_at=at, updated_at=at
    )
    return identity, Enrolled(subject, kind)


def suspend(identity: Identity, *, by_city: bool, other_officers: int, at: datetime) -> tuple[Identity, tuple[Cut, ...]]:
    """Stop an identity for a while. Suspending twice changes nothing, but the city's hold outweighs the owner's."""
    if identity.state is State.REVOKED:
        raise errors.IdentityRevoked(identity.subject)
    if identity.state is State.INACTIVE:
        raise errors.IdentityNotActive(identity.subject, identity.state)
    if identity.is_officer and not other_officers:
        raise errors.LastOfficer(identity.subject)
    if identity.state is State.SUSPENDED:
        return replace(identity, held_by_city=identity.held_by_city or by_city), ()
    return cut(replace(identity, state=State.SUSPENDED, held_by_city=by_city), at=at)


def resume(identity: Identity, *, by_city: bool, at: datetime) -> tuple[Identity, tuple[Cut, ...]]:
    """End a suspension; tokens from before it stay refused."""
    if identity.state is State.REVOKED:
        raise errors.IdentityRevoked(identity.subject)
    if identity.state is not State.SUSPENDED:
        raise errors.NotSuspended(identity.subject, identity.state)
    if identity.held_by_city and not by_city:
        raise errors.SuspendedByCity(identity.subject)
    return cut(replace(identity, state=State.ACTIVE, held_by_city=False), at=at)


def revoke(identity: Identity, *, other_officers: int, at: datetime) -> tuple[Identity, tuple[Cut, ...]]:
    """Stop an identity for good. Revoking twice changes nothing."""
    if identity.state is State.REVOKED:
        return identity, ()
    if identity.is_officer and not other_officers:
        raise errors.LastOfficer(identity.subject)
    return cut(replace(identity, state=State.REVOKED, held_by_city=False), at=at)


def grant(identity: Identity, roles: frozenset[str], *, other_officers: int, at: datetime) -> tuple[Identity, tuple[Cut, ...]]:
    """Set the roles of the city. Tokens are cut where a role is lost; a won one comes with the next token."""
    if identity.kind is Kind.THING and roles:
        raise errors.ThingHasNoRoles(identity.subject)
    if identity.state is not State.ACTIVE:
        raise errors.IdentityNotActive(identity.subject, identity.state)
    if identity.is_officer and "officer" not in roles and not other_officers:
        raise errors.LastOfficer(identity.subject)
    changed = replace(identity, roles=roles, updated_at=at)
    return cut(changed, at=at) if identity.roles - roles else (changed, ())


def cut(identity: Identity, *, at: datetime) -> tuple[Identity, tuple[Cut, ...]]:
    """End all tokens issued until now. The fact carries the whole standing, since only the newest of a subject is kept."""
    return replace(identity, cut_at=at, updated_at=at), (Cut(identity.subject, at, identity.gone),)


def activate(identity: Identity, *, at: datetime) -> tuple[Identity, tuple[Cut, ...]]:
    """Make a service's system active; one that is active stays so, a suspended or revoked one is refused."""
    if identity.state is State.REVOKED:
        raise errors.IdentityRevoked(identity.subject)
    if identity.state is State.SUSPENDED:
        raise errors.IdentityNotActive(identity.subject, identity.state)
    if identity.state is State.ACTIVE:
        return identity, ()
    active = replace(identity, state=State.ACTIVE, updated_at=at)
    # A system that was revoked and asked for again is gone in every follower's memory: say that it is back.
    return cut(active, at=at) if identity.cut_at is not None else (active, ())


def renew(identity: Identity, *, creator: str, at: datetime) -> Identity:
    """A service's system that is asked for by a further journey: one that was revoked waits for its software again."""
    state = State.INACTIVE if identity.state is State.REVOKED else identity.state
    return replace(identity, state=state, creator=creator, owner=creator, updated_at=at)


def issue(identity: Identity, known: Sequence[Credential], new: Credential) -> Credential:
    """Register a further key."""
    if identity.state is State.REVOKED:
        raise errors.IdentityRevoked(identity.subject)
    if any(key.thumbprint == new.thumbprint for key in known):
        raise errors.KeyKnown(new.thumbprint)
    if sum(key.revoked_at is None for key in known) >= MOST_KEYS:
        raise errors.TooManyKeys(MOST_KEYS)
    return new


def revoke_key(identity: Identity, known: Sequence[Credential], credential: Credential, *, at: datetime) -> Credential:
    """End a key. The last one of an active identity stays, or nobody could ever act for it again; ending one twice changes nothing."""
    if credential.revoked_at is not None:
        return credential
    if identity.state is State.ACTIVE and sum(key.revoked_at is None for key in known) <= 1:
        raise errors.LastCredential(identity.subject)
    return replace(credential, revoked_at=at)


def install(known: Sequence[Credential], new: Credential, *, at: datetime) -> tuple[Credential, ...]:
    """What changes when a service's software of one version gets a key: the version's earlier keys end, the same key stays."""
    if any(key.thumbprint == new.thumbprint and key.revoked_at is None for key in known):
        return ()
    if any(key.thumbprint == new.thumbprint for key in known):
        raise errors.KeyKnown(new.thumbprint)
    return (*(replace(key, revoked_at=at) for key in known if key.version == new.version and key.revoked_at is None), new)


def keys_ended(known: Sequence[Credential], version: int, *, at: datetime) -> tuple[Credential, ...]:
    """What changes when a version of a service is let go of: its software's keys end, other versions' stay."""
    return tuple(replace(key, revoked_at=at) for key in known if key.version == version and key.revoked_at is None)
