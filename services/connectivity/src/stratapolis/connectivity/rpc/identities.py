"""Enrolling identities, and their states and roles."""

from __future__ import annotations

from datetime import datetime

from city.connectivity.v1 import identity_service_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.connectivity import codec, keys, store
from stratapolis.connectivity.domain import errors, identity
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.identity import Enroller, Identity, Kind
from stratapolis.connectivity.keeping import cut_connections, keep
from stratapolis.connectivity.rpc.credentials import new_key


class Identities:
    """IdentityService."""

    async def enrol_identity(self, request: pb.EnrolIdentityRequest, call: Call) -> pb.EnrolIdentityResponse:
        """Enrol a person, thing or system with its first key."""
        kind = codec.KIND_OF[request.kind]
        creator = identity.creator_for(enroller(call), kind, request.creator)
        if creator and not await store.creators.is_active(call.tx, creator):
            raise errors.CreatorUnknown(creator)
        key = keys.read_public(request.public_key_pem)
        made, said = identity.enrol(subject=f"{kind}:{new_id()}", kind=kind, creator=creator, display_name=request.display_name, at=call.at)
        await keep(call.tx, made, (said,), _entry(call, "enrol", made, creator=creator))
        credential = new_key(made.subject, key, at=call.at)
        await store.identities.put_key(call.tx, credential)
        return pb.EnrolIdentityResponse(identity=codec.identity(made, [credential]))

    async def get_identity(self, request: pb.GetIdentityRequest, call: Call) -> pb.GetIdentityResponse:
        """Show an identity and its keys."""
        found = await store.identities.find(call.tx, request.subject, call.owners)
        if found is None:
            raise errors.IdentityNotFound(request.subject)
        return pb.GetIdentityResponse(identity=codec.identity(found, await store.identities.keys_of(call.tx, found.subject)))

    async def list_identities(self, request: pb.ListIdentitiesRequest, call: Call) -> pb.ListIdentitiesResponse:
        """List identities, newest first."""
        page = Page.of(request, datetime, str)
        after = (page.after[0], page.after[1]) if page.after else None
        kinds = [codec.KIND_OF[kind].value for kind in request.kinds] or None
        found = await store.identities.listed(call.tx, owners=call.owners, kinds=kinds, creator=request.creator, after=after, limit=page.size + 1)
        fitting, token = page.fit(found, codec.identity, lambda one: (one.created_at, one.subject))
        return pb.ListIdentitiesResponse(identities=fitting, next_page_token=token)

    async def suspend_identity(self, request: pb.SuspendIdentityRequest, call: Call) -> pb.SuspendIdentityResponse:
        """Stop an identity for a while."""
        found = await _locked(call, request.subject)
        changed, said = identity.suspend(found, by_city=call.owners is None, other_officers=await _others(call, found), at=call.at)
        await keep(call.tx, changed, said, _entry(call, "suspend", changed))
        return pb.SuspendIdentityResponse(identity=codec.identity(changed, await store.identities.keys_of(call.tx, changed.subject)))

    async def resume_identity(self, request: pb.ResumeIdentityRequest, call: Call) -> pb.ResumeIdentityResponse:
        """End a suspension."""
        changed, said = identity.resume(await _locked(call, request.subject), by_city=call.owners is None, at=call.at)
        await keep(call.tx, changed, said, _entry(call, "resume", changed))
        return pb.ResumeIdentityResponse(identity=codec.identity(changed, await store.identities.keys_of(call.tx, changed.subject)))

    async def revoke_identity(self, request: pb.RevokeIdentityRequest, call: Call) -> pb.RevokeIdentityResponse:
        """Stop an identity for good and sever its connections."""
        found = await _locked(call, request.subject)
        changed, said = identity.revoke(found, other_officers=await _others(call, found), at=call.at)
        await keep(call.tx, changed, said, _entry(call, "revoke", changed))
        await cut_connections(call.tx, await store.connections.of_identity(call.tx, changed.subject), "revoked", by=call.caller.subject, at=call.at)
        return pb.RevokeIdentityResponse(identity=codec.identity(changed, await store.identities.keys_of(call.tx, changed.subject)))

    async def grant_roles(self, request: pb.GrantRolesRequest, call: Call) -> pb.GrantRolesResponse:
        """Set the roles of the city."""
        found = await _locked(call, request.subject)
        changed, said = identity.grant(found, frozenset(request.roles), other_officers=await _others(call, found), at=call.at)
        await keep(call.tx, changed, said, _entry(call, "grant_roles", changed, roles=",".join(sorted(changed.roles))))
        return pb.GrantRolesResponse(identity=codec.identity(changed, await store.identities.keys_of(call.tx, changed.subject)))


def enroller(call: Call) -> Enroller:
    """Who enrols: things never do, nor does who has no role in its value creator."""
    caller = call.caller
    is_member = caller.kind in (Kind.PERSON, Kind.SYSTEM) and bool(caller.creator_roles)
    return Enroller(creator=caller.creator, is_member=is_member, is_staff=call.owners is None)


async def _locked(call: Call, subject: str) -> Identity:
    found = await store.identities.for_update(call.tx, subject, call.owners)
    if found is None:
        raise errors.IdentityNotFound(subject)
    return found


async def _others(call: Call, found: Identity) -> int:
    """How many officers there are beside this one; asked only where it is one."""
    return await store.identities.other_officers(call.tx, found.subject) if found.is_officer else 0


def _entry(call: Call, action: str, changed: Identity, **detail: str) -> Entry:
    return Entry(subject=call.caller.subject, action=action, object=changed.subject, detail={name: value for name, value in detail.items() if value})
