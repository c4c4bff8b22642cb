"""The `city` command and the local city."""

import os

# The command starts processes while calls are under way; gRPC would say of each fork, on the terminal, that it skips its handlers.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
