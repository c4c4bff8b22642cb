"""Keys of identities."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from city.connectivity.v1 import credential_service_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.connectivity import codec, keys, store
from stratapolis.connectivity.domain import errors
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.identity import Credential, activate, cut, install, issue, revoke_key
from stratapolis.connectivity.journey import system_of
from stratapolis.connectivity.keeping import keep

INFRASTRUCTURE = "layer:infrastructure"


class Credentials:
    """CredentialService."""

    async def issue_credential(self, request: pb.IssueCredentialRequest, call: Call) -> pb.IssueCredentialResponse:
        """Register a further public key."""
        owner = await store.identities.for_update(call.tx, request.subject, call.owners)
        if owner is None:
            raise errors.IdentityNotFound(request.subject)
        known = await store.identities.keys_of(call.tx, owner.subject)
        made = issue(owner, known, new_key(owner.subject, keys.read_public(request.public_key_pem), at=call.at))
        await store.identities.put_key(call.tx, made)
        await store.audit.record(call.tx, _entry(call, "issue_credential", made))
        return pb.IssueCredentialResponse(credential=codec.credential(made))

    async def revoke_credential(self, request: pb.RevokeCredentialRequest, call: Call) -> pb.RevokeCredentialResponse:
        """End a key, and all tokens of its identity: nobody knows which were asked for with it."""
        subject = await store.identities.subject_of_key(call.tx, request.credential_id)
        owner = await store.identities.for_update(call.tx, subject, call.owners) if subject else None
        known = await store.identities.keys_of(call.tx, owner.subject) if owner else []
        found = next((key for key in known if key.credential_id == request.credential_id), None)
        if owner is None or found is None:
            raise errors.CredentialNotFound(request.credential_id)
        ended = revoke_key(owner, known, found, at=call.at)
        if ended != found:
            await store.identities.put_key(call.tx, ended)
            await keep(call.tx, *cut(owner, at=call.at), _entry(call, "revoke_credential", ended))
        return pb.RevokeCredentialResponse(credential=codec.credential(ended))

    async def activate_system(self, request: pb.ActivateSystemRequest, call: Call) -> pb.ActivateSystemResponse:
        """Set the key of a service's software and make its system active."""
        if call.caller.subject != INFRASTRUCTURE:
            raise errors.NotInfrastructure
        system = await store.identities.for_update(call.tx, system_of(request.service_id))
        if system is None:
            raise errors.SystemNotFound(request.service_id)
        active, said = activate(system, at=call.at)
        known = await store.identities.keys_of(call.tx, system.subject)
        key = replace(new_key(system.subject, keys.read_public(request.public_key_pem), at=call.at), version=request.version)
        for changed in install(known, key, at=call.at):
            await store.identities.put_key(call.tx, changed)
        entry = Entry(subject=call.caller.subject, action="activate", object=system.subject, detail={"version": str(request.version)})
        await keep(call.tx, active, said, entry)
        return pb.ActivateSystemResponse(identity=codec.identity(active, await store.identities.keys_of(call.tx, active.subject)))


def new_key(subject: str, key: Ed25519PublicKey, *, at: datetime) -> Credential:
    """A key as it is registered."""
    return Credential(credential_id=new_id(), subject=subject, public_key_pem=keys.public_pem(key), thumbprint=keys.thumbprint(key), created_at=at)


def _entry(call: Call, action: str, key: Credential) -> Entry:
    return Entry(subject=call.caller.subject, action=action, object=key.subject, detail={"thumbprint": key.thumbprint})
