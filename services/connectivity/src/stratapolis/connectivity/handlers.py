"""What governance says of value creators, as tokens will tell it; and what every layer denied, for the trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from city.audit.v1.audit_pb2 import AccessDenied
from city.governance.v1.events_pb2 import MemberAdded, MemberRemoved, ValueCreatorAccepted, ValueCreatorSuspended
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.keeping import end_tokens


async def on_value_creator_accepted(event: ValueCreatorAccepted, *, tx: Tx, at: datetime) -> None:
    """A value creator may act, its founding member as its admin."""
    await store.creators.accept(tx, event.creator_id)
    if event.founding_subject:
        await store.creators.add(tx, event.creator_id, event.founding_subject, frozenset({"admin"}), at)


async def on_value_creator_suspended(event: ValueCreatorSuspended, *, tx: Tx, at: datetime) -> None:
    """Nobody acts for a suspended value creator any more: tokens that say so are ended."""
    await store.creators.suspend(tx, event.creator_id)
    await outbox.append(tx, *codec.facts(await store.identities.cut_all(tx, event.creator_id, at)))


async def on_member_added(event: MemberAdded, *, tx: Tx, at: datetime) -> None:
    """A member, or its new roles; tokens with a role that is lost are ended."""
    roles = frozenset(event.roles)
    lost = await store.creators.roles_in(tx, event.creator_id, event.subject) - roles
    await store.creators.add(tx, event.creator_id, event.subject, roles, at)
    if lost:
        await end_tokens(tx, event.subject, at)


async def on_member_removed(event: MemberRemoved, *, tx: Tx, at: datetime) -> None:
    """No member any more: tokens that say so are ended."""
    await store.creators.remove(tx, event.creator_id, event.subject)
    await end_tokens(tx, event.subject, at)


async def on_access_denied(event: AccessDenied, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Another layer denied calls."""
    await store.audit.record(tx, codec.denial(event))


async def on_own_denials(events: Sequence[AccessDenied], *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Connectivity itself denied calls: what it would say, it writes down at once."""
    for event in events:
        await store.audit.record(tx, codec.denial(event))
