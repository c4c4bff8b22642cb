"""gRPC: what a servicer gets with each call. `server.py` serves, `client.py` calls."""

from stratapolis.chassis.rpc.call import Call, leaves_account
from stratapolis.chassis.rpc.refusals import InvalidRequest

__all__ = ["Call", "InvalidRequest", "leaves_account"]
