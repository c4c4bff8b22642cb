"""Versions of the city's policy set: published by one person, put in force by another, only ever forward."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from stratapolis.policy.domain.errors import AlreadyFounded, PolicySuperseded, SamePerson

CITY = "city"
"""The one policy set that every layer decides by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version, never edited; `activated_at` is None until it comes into force, and it stays set when a newer one does."""

    version: int
    cedar: str
    note: str
    publisher: str
    published_at: datetime
    activator: str = ""
    activated_at: datetime | None = None
    active: bool = False


def publish(cedar: str, *, note: str, newest: int, publisher: str, at: datetime) -> PolicyVersion:
    """The version after `newest`; not in force yet."""
    return PolicyVersion(version=newest + 1, cedar=cedar, note=note, publisher=publisher, published_at=at)


def activate(policy: PolicyVersion, *, active: int, activator: str, at: datetime) -> PolicyVersion:
    """Put a version in force in place of version `active` (0: of none); raises SamePerson, PolicySuperseded."""
    if activator == policy.publisher:
        raise SamePerson
    if policy.version <= active:
        raise PolicySuperseded(policy.version, active)
    return replace(policy, activator=activator, activated_at=at, active=True)


def found(cedar: str, *, newest: int, founder: str, at: datetime) -> PolicyVersion:
    """The founding version, in force at once: the city has only one person yet. Raises AlreadyFounded."""
    if newest > 0:
        raise AlreadyFounded
    policy = publish(cedar, note="the founding policy", newest=0, publisher=founder, at=at)
    return replace(policy, activator=founder, activated_at=at, active=True)
