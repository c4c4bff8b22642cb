"""Connectivity's RPCs: the chassis has checked shape, identity and access, and opened the transaction."""

from stratapolis.connectivity.rpc.audit import Audit
from stratapolis.connectivity.rpc.connections import Connections
from stratapolis.connectivity.rpc.credentials import Credentials
from stratapolis.connectivity.rpc.devices import Devices
from stratapolis.connectivity.rpc.founding import Founding
from stratapolis.connectivity.rpc.identities import Identities

__all__ = ["Audit", "Connections", "Credentials", "Devices", "Founding", "Identities"]
