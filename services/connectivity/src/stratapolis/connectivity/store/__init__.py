"""What connectivity keeps: typed functions over a transaction, the SQL beside them."""

from stratapolis.connectivity.store import audit, connections, creators, devices, identities, tokens

__all__ = ["audit", "connections", "creators", "devices", "identities", "tokens"]
