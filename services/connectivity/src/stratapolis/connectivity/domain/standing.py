"""What a token says of its subject: kind, value creator, roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stratapolis.connectivity.domain.identity import Identity


@dataclass(frozen=True, slots=True)
class Membership:
    """An identity's place in a value creator that is accepted and not suspended."""

    creator: str
    roles: frozenset[str]
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """The claims about a subject."""

    kind: str
    creator: str = ""
    creator_roles: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


def standing(identity: Identity, memberships: Sequence[Membership], *, active_creators: frozenset[str]) -> Standing:
    """What the identity may claim. Governance makes nobody a member twice; should it be, a thing or system acts for its own, a person for the first."""
    places = {place.creator: place.roles for place in sorted(memberships, key=lambda place: (place.joined_at, place.creator))}
    creator = identity.creator if identity.creator in active_creators else next(iter(places), "")
    return Standing(identity.kind, creator, places.get(creator, frozenset()), identity.roles)
