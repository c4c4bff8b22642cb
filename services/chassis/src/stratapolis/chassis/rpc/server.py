"""The gRPC server of an app: its services, health and reflection; a stop that ends what is in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from city.options.v1.options_pb2 import CALLER_PUBLIC
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]
from stratapolis.chassis.app import Answers
from stratapolis.chassis.db import Database
from stratapolis.chassis.rpc.adapter import Serving
from stratapolis.chassis.rpc.background import Background
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.method import methods
from stratapolis.chassis.rpc.stream import OLDEST, Stream, Streams
from stratapolis.chassis.rpc.unary import Unary

LARGEST_MESSAGE = 1 << 20
GRACE_SECONDS = 20.0
LEAVING_SECONDS = 0.3
"""Between saying that it leaves and taking no new call: callers that watch its health go elsewhere meanwhile."""
OPEN: Mapping[str, int] = {health.SERVICE_NAME: CALLER_PUBLIC, reflection.SERVICE_NAME: CALLER_PUBLIC}
"""What every app answers beside its contract, and who may call it: a probe has no token, and what reflection tells stands in the repository."""
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.max_concurrent_streams", 200),
    ("grpc.max_connection_age_ms", 60_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.so_reuseport", 0),
)


class Server:
    """Answers inside its `async with`. Constructing it checks every servicer against its contract.

    Health says NOT_SERVING until `ready(yes=True)`. Leaving takes no new calls, ends streams at once, calls in hand within the grace.
    """

    def __init__(
        self, app: str, answers: Sequence[Answers], *, db: Database, gate: Gate, host: str = "127.0.0.1", port: int = 0, oldest_stream: float = OLDEST
    ) -> None:
        self._app, self._address = app, f"{host}:{port}"
        self._background, self._streams = Background(), Streams(app)
        self._serving = Serving(app=app, db=db, gate=gate, background=self._background)
        self._services = {given.service.full_name: {m.name: self._handler(m, oldest_stream) for m in methods(given)} for given in answers}
        self._server: Any = None
        self._health = health.aio.HealthServicer()
        self.port = port

    def _handler(self, method: Any, oldest_stream: float) -> Any:
        """Bytes in, bytes out: reading and writing messages are the adapter's own, so that a bad one is the client's error."""
        if method.streams:
            return grpc.unary_stream_rpc_method_handler(Stream(self._serving, method, self._streams, oldest=oldest_stream).__call__)
        return grpc.unary_unary_rpc_method_handler(Unary(self._serving, method).__call__)

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server(options=OPTIONS)
        for name, handlers in self._services.items():
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*self._services, *OPEN), self._server)
        await self.ready(yes=False)
        self.port = self._server.add_insecure_port(self._address)
        await self._server.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.ready(yes=False)
        self._streams.ending.set()
        await asyncio.sleep(LEAVING_SECONDS)
        await self._server.stop(GRACE_SECONDS)
        await self._background.drain(3.0)

    async def ready(self, *, yes: bool) -> None:
        """What health says from now on: SERVING or NOT_SERVING. Calls are answered either way."""
        status = health_pb2.HealthCheckResponse.SERVING if yes else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._services):
            await self._health.set(name, status)
