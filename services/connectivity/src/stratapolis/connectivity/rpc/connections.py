"""Who may use what."""

from __future__ import annotations

from datetime import datetime

from city.connectivity.v1 import connection_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_time
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.connection import LAYERS, Link, by_hand
from stratapolis.connectivity.domain.identity import Identity
from stratapolis.connectivity.keeping import cut_connections
from stratapolis.connectivity.rpc.identities import enroller


class Connections:
    """ConnectionService."""

    async def trust_connection(self, request: pb.TrustConnectionRequest, call: Call) -> pb.TrustConnectionResponse:
        """Trust a connection by hand. A member's both ends are its own: another owner's look as if they were not there."""
        rights = enroller(call)
        if not (rights.is_staff or rights.is_member):
            raise errors.NotAMember
        subject = await _enrolled(call, request.subject)
        target = None if request.target in LAYERS else await _enrolled(call, request.target)
        made, said = by_hand(
            connection_id=new_id(), subject=subject, target=request.target, target_identity=target, scope=request.scope,
            end_at=to_time(request.end_time), is_staff=rights.is_staff, at=call.at,
        )  # fmt: skip
        if (there := await store.connections.open_by_hand(call.tx, made.subject, made.target, made.scope)) is not None:
            raise errors.ConnectionExists(there)
        await store.connections.put(call.tx, made)
        await outbox.append(call.tx, codec.fact(said))
        detail = {"subject": made.subject, "target": made.target, "scope": made.scope}
        await store.audit.record(call.tx, Entry(subject=call.caller.subject, action="trust", object=made.connection_id, detail=detail))
        return pb.TrustConnectionResponse(connection=codec.connection(made))

    async def sever_connection(self, request: pb.SeverConnectionRequest, call: Call) -> pb.SeverConnectionResponse:
        """Cut a connection for good."""
        found = await store.connections.for_update(call.tx, request.connection_id, call.owners)
        if found is None:
            raise errors.ConnectionNotFound(request.connection_id)
        await cut_connections(call.tx, [found], "severed", by=call.caller.subject, at=call.at)
        severed = await store.connections.for_update(call.tx, request.connection_id, call.owners)
        return pb.SeverConnectionResponse(connection=codec.connection(severed or found))

    async def verify_connection(self, request: pb.VerifyConnectionRequest, call: Call) -> pb.VerifyConnectionResponse:
        """Say whether the subject may use the target now; another owner's connection reads as none."""
        found = await store.connections.usable(call.tx, request.subject, request.target, request.scope, call.at, call.owners)
        return pb.VerifyConnectionResponse(trusted=found is not None, connection=codec.connection(found) if found else None)

    async def list_connections(self, request: pb.ListConnectionsRequest, call: Call) -> pb.ListConnectionsResponse:
        """List connections, newest first."""
        page = Page.of(request, datetime, str)
        after = (page.after[0], page.after[1]) if page.after else None
        states = [Link(codec.LINK_OF[state]).value for state in request.states] or None
        found = await store.connections.listed(
            call.tx, owners=call.owners, subject=request.subject, target=request.target, states=states, after=after, limit=page.size + 1
        )
        fitting, token = page.fit(found, codec.connection, lambda one: (one.created_at, one.connection_id))
        return pb.ListConnectionsResponse(connections=fitting, next_page_token=token)


async def _enrolled(call: Call, subject: str) -> Identity:
    """Locked, so that it is not revoked while it is being connected."""
    found = await store.identities.for_update(call.tx, subject, call.owners)
    if found is None:
        raise errors.IdentityNotFound(subject)
    return found
