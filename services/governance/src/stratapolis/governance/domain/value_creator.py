"""Value creators: taken in by an officer, acted for by their members."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stratapolis.governance.domain.errors import LastAdmin, NotAMember, NotAnAdmin, TooManyMembers, ValueCreatorNotAccepted, ValueCreatorNotInState
from stratapolis.governance.domain.step import Reason

MAX_MEMBERS = 200


class CreatorState(StrEnum):
    """Where a value creator stands; refused and suspended are final for now."""

    REGISTERED = "registered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUSPENDED = "suspended"


class CreatorKind(StrEnum):
    """What kind of organisation it is."""

    DEPARTMENT = "department"
    COMPANY = "company"
    UNIVERSITY = "university"
    COMMUNITY = "community"


class Role(StrEnum):
    """What a member may do in its value creator."""

    MEMBER = "member"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCreator:
    """An organisation that offers services."""

    creator_id: str
    name: str
    kind: CreatorKind
    founding_subject: str
    registered_at: datetime
    updated_at: datetime
    state: CreatorState = CreatorState.REGISTERED
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An identity that acts for a value creator."""

    subject: str
    roles: tuple[Role, ...]
    added_at: datetime


def accept(creator: ValueCreator, *, at: datetime) -> ValueCreator:
    """Let it in."""
    _in_state(creator, CreatorState.REGISTERED)
    return replace(creator, state=CreatorState.ACCEPTED, updated_at=at)


def refuse(creator: ValueCreator, reasons: tuple[Reason, ...], *, at: datetime) -> ValueCreator:
    """Turn it away for good."""
    _in_state(creator, CreatorState.REGISTERED)
    return replace(creator, state=CreatorState.REFUSED, reasons=reasons, updated_at=at)


def suspend(creator: ValueCreator, reason: Reason, *, at: datetime) -> ValueCreator:
    """Stop it; its open journeys end with it."""
    _in_state(creator, CreatorState.ACCEPTED)
    return replace(creator, state=CreatorState.SUSPENDED, reasons=(reason,), updated_at=at)


def may_propose(creator: ValueCreator) -> None:
    """Only an accepted value creator proposes services."""
    if creator.state is not CreatorState.ACCEPTED:
        raise ValueCreatorNotAccepted(creator.creator_id, creator.state)


def with_member(members: tuple[Member, ...], member: Member, *, by: str) -> tuple[Member, ...]:
    """Add a member or change its roles; an admin remains."""
    _by_admin(members, by)
    others = tuple(other for other in members if other.subject != member.subject)
    if len(others) >= MAX_MEMBERS:
        raise TooManyMembers(MAX_MEMBERS)
    return _with_admin((*others, member), member.subject)


def without_member(members: tuple[Member, ...], subject: str, *, by: str) -> tuple[Member, ...]:
    """End a membership; an admin remains."""
    _by_admin(members, by)
    others = tuple(other for other in members if other.subject != subject)
    if len(others) == len(members):
        raise NotAMember(subject)
    return _with_admin(others, subject)


def may_change_services(members: tuple[Member, ...], *, by: str) -> None:
    """Suspending, resuming and retiring ends what others rely on: an admin's to do."""
    if not any(member.subject == by and Role.ADMIN in member.roles for member in members):
        raise NotAnAdmin(by, "suspend, resume or retire its services")


def may_change_members(creator: ValueCreator) -> None:
    """Members of an accepted value creator only come and go: nobody else has heard of the others."""
    _in_state(creator, CreatorState.ACCEPTED)


def _in_state(creator: ValueCreator, wanted: CreatorState) -> None:
    if creator.state is not wanted:
        raise ValueCreatorNotInState(creator.creator_id, creator.state, wanted)


def _by_admin(members: tuple[Member, ...], subject: str) -> None:
    if not any(member.subject == subject and Role.ADMIN in member.roles for member in members):
        raise NotAnAdmin(subject)


def _with_admin(members: tuple[Member, ...], changed: str) -> tuple[Member, ...]:
    if not any(Role.ADMIN in member.roles for member in members):
        raise LastAdmin(changed)
    return members
