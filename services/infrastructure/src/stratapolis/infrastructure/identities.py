"""A service's identity: connectivity knows its public key before the software starts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from city.connectivity.v1.credential_service_pb2 import ActivateSystemRequest
from city.connectivity.v1.credential_service_pb2_grpc import CredentialServiceStub
from stratapolis.chassis.rpc.client import Peers


class Identities(Protocol):
    """Who tells connectivity."""

    async def activate(self, service_id: str, version: int, public_key_pem: str) -> str:
        """The subject that the service's software now is. Again with the same key changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Connectivity, over the wire."""

    peers: Peers

    async def activate(self, service_id: str, version: int, public_key_pem: str) -> str:
        stub = self.peers.stub(CredentialServiceStub, "connectivity")
        same = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{service_id} {version} {public_key_pem}"))
        asked = ActivateSystemRequest(request_id=same, service_id=service_id, version=version, public_key_pem=public_key_pem)
        return str((await stub.ActivateSystem(asked)).identity.subject)
