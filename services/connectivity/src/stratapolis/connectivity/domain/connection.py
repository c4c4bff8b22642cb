"""Connections: who may use what, for a scope and a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.identity import Identity, State

LONGEST = timedelta(days=5 * 366)
LAYERS = frozenset({"value_catalog", "innovation", "governance", "policy", "data", "connectivity", "infrastructure"})
READS_DATA = ("data", "data:read")
RECORDS_USES = ("value_catalog", "uses:record")


class Link(StrEnum):
    """Where a connection stands."""

    ASKED = "asked"
    TRUSTED = "trusted"
    SEVERED = "severed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """`subject` may use `target` for `scope` until `end_at`; None: until it is severed."""

    connection_id: str
    subject: str
    target: str
    scope: str
    owner: str
    state: Link
    service_id: str = ""
    version: int = 0
    end_at: datetime | None = None
    reason: str = ""
    created_at: datetime
    updated_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether it may be used now."""
        return self.state is Link.TRUSTED and (self.end_at is None or at < self.end_at)


@dataclass(frozen=True, slots=True)
class Trusted:
    """A connection may be used from now."""

    connection: Connection


@dataclass(frozen=True, slots=True)
class Severed:
    """A connection that could be used is cut."""

    connection: Connection


def by_hand(
    *, connection_id: str, subject: Identity, target: str, target_identity: Identity | None, scope: str, end_at: datetime, is_staff: bool, at: datetime
) -> tuple[Connection, Trusted]:
    """Trust a connection between enrolled identities, or to a layer. The caller has seen to it that both are the owner's, or is staff."""
    for identity in (subject, target_identity):
        if identity is not None and identity.state is not State.ACTIVE:
            raise errors.IdentityNotActive(identity.subject, identity.state)
    if target in LAYERS and not is_staff:
        raise errors.TargetNotYours(target)
    if not at < end_at <= at + LONGEST:
        raise errors.EndOutOfRange
    connection = Connection(
        connection_id=connection_id, subject=subject.subject, target=target, scope=scope, owner=subject.owner, state=Link.TRUSTED,
        end_at=end_at, created_at=at, updated_at=at,
    )  # fmt: skip
    return connection, Trusted(connection)


def needed(data_ends: Sequence[date]) -> tuple[tuple[str, str, date | None], ...]:
    """The connections that a service needs, as (target, scope, last day): it reports its uses, and reads data until the last of its data uses ends."""
    reads = ((*READS_DATA, max(data_ends)),) if data_ends else ()
    return ((*RECORDS_USES, None), *reads)


def trust(connection: Connection, *, at: datetime) -> tuple[Connection, tuple[Trusted, ...]]:
    """Trust what a proposal has asked for; what is trusted already stays so."""
    if connection.state is Link.SEVERED:
        raise errors.ConnectionSevered(connection.connection_id)
    if connection.state is Link.TRUSTED:
        return connection, ()
    trusted = replace(connection, state=Link.TRUSTED, updated_at=at)
    return trusted, (Trusted(trusted),)


def sever(connection: Connection, reason: str, *, at: datetime) -> tuple[Connection, tuple[Severed, ...]]:
    """Cut a connection for good; nothing is said of one that never was trusted."""
    if connection.state is Link.SEVERED:
        raise errors.ConnectionSevered(connection.connection_id)
    severed = replace(connection, state=Link.SEVERED, reason=reason, updated_at=at)
    return severed, (Severed(severed),) if connection.state is Link.TRUSTED else ()
