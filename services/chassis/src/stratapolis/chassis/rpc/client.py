"""Calls to other layers: own token, deadline, retries, trace; channels that notice a dead peer and come back fast."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from stratapolis.chassis import telemetry
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.own_token import TokenSource
from stratapolis.chassis.rpc import deadline, status

DEFAULT_SECONDS = 2.0
LARGEST_MESSAGE = 1 << 20
RESUME_FIRST, RESUME_LAST = 0.1, 2.0
RESUMED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED})
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
"""Every write is idempotent by its request_id, so what was UNAVAILABLE may be sent again. A server whose health says that it leaves gets no new call."""
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.enable_retries", 1),
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
)
Stub = TypeVar("Stub")
Item = TypeVar("Item")
_KINDS = {code: kind for kind, (code, _) in status.CODES.items()} | {grpc.StatusCode.DEADLINE_EXCEEDED: Kind.UNAVAILABLE}


class RefusedByPeer(Refused):
    """Another layer refused; `reason`, `kind` and `code` are its own."""

    def __init__(self, reason: str, message: str, details: Mapping[str, str], code: grpc.StatusCode) -> None:
        super().__init__(message, **details)
        self.reason = reason  # type: ignore[misc]
        self.kind = _KINDS.get(code, Kind.UNAVAILABLE)  # type: ignore[misc]
        self.code = code


def refusal(error: grpc.aio.AioRpcError) -> RefusedByPeer:
    """What a peer refused with. Without an ErrorInfo, from gRPC itself, the reason is the code's name."""
    for name, value in error.trailing_metadata() or ():
        if name == status.DETAILS_KEY and isinstance(value, bytes):
            for packed in Status.FromString(value).details:
                info = ErrorInfo()
                if packed.Unpack(info):
                    return RefusedByPeer(info.reason, error.details() or "", dict(info.metadata), error.code())
    return RefusedByPeer(error.code().name, error.details() or "", {}, error.code())


class Peers:
    """The other layers by name. A channel is opened at its first use and kept; leaving closes all."""

    def __init__(self, addresses: Mapping[str, str], tokens: TokenSource, *, default_seconds: float = DEFAULT_SECONDS) -> None:
        self._addresses, self._tokens, self._seconds = addresses, tokens, default_seconds
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for channel in self._channels.values():
            await channel.close(grace=1.0)
        self._channels.clear()

    def stub(self, stub: Callable[[grpc.aio.Channel], Stub], layer: str) -> Stub:
        """A stub for a layer's service; raises KeyError for a layer without an address."""
        if layer not in self._channels:
            ways = [_Unary(layer, self._tokens, self._seconds), _Streaming(layer, self._tokens)]
            self._channels[layer] = grpc.aio.insecure_channel(f"dns:///{self._addresses[layer]}", options=OPTIONS, interceptors=ways)
        return stub(self._channels[layer])


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    """Gives each call a deadline, the own token and the trace."""

    def __init__(self, layer: str, tokens: TokenSource, seconds: float) -> None:
        self._layer, self._tokens, self._seconds = layer, tokens, seconds

    async def intercept_unary_unary(self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any) -> Any:
        wanted = client_call_details.timeout if client_call_details.timeout is not None else self._seconds
        left = deadline.remaining()
        seconds = wanted if left is None else min(wanted, left - deadline.margin(left))
        return await continuation(await _dressed(client_call_details, self._layer, self._tokens, seconds), request)


class _Streaming(grpc.aio.UnaryStreamClientInterceptor):
    """Gives each stream the own token and the trace; its length is the server's to bound."""

    def __init__(self, layer: str, tokens: TokenSource) -> None:
        self._layer, self._tokens = layer, tokens

    async def intercept_unary_stream(self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any) -> Any:
        return await continuation(await _dressed(client_call_details, self._layer, self._tokens, client_call_details.timeout), request)


async def _dressed(details: grpc.aio.ClientCallDetails, layer: str, tokens: TokenSource, seconds: float | None) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    if metadata.get("authorization") is None:
        metadata.add("authorization", f"Bearer {await _token(tokens, layer, seconds)}")
    if trace := telemetry.traceparent():
        metadata.add("traceparent", trace)
    return grpc.aio.ClientCallDetails(details.method, seconds, metadata, details.credentials, details.wait_for_ready)


async def _token(tokens: TokenSource, layer: str, seconds: float | None) -> str:
    """Without a token the call fails like any other: callers catch one kind of error."""
    try:
        async with asyncio.timeout(seconds):
            return await tokens.token(layer)
    except (Refused, TimeoutError) as error:
        failed = grpc.aio.Metadata((status.DETAILS_KEY, _issuer_away().details))
        raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), failed, details="the issuer of tokens gives none") from error


def _issuer_away() -> status.Answer:
    return status.answer(IssuerAway("the issuer of tokens gives none"), "connectivity")


async def watch(open_at: Callable[[str], Any], cursor: str = "", *, cursor_of: Callable[[Item], str]) -> AsyncIterator[Item]:
    """Items of a server stream without end for its reader: a cut stream is opened again at the last item's cursor.

        async for item in watch(lambda at: stub.WatchJourney(WatchJourneyRequest(cursor=at)), cursor_of=lambda i: i.cursor): ...

    Ends when the server ends it; raises AioRpcError for a refusal that trying again does not mend.
    """
    pause = RESUME_FIRST
    while True:
        call, ended = open_at(cursor), False
        try:
            async for item in call:
                cursor, pause = cursor_of(item), RESUME_FIRST
                yield item
            ended = True
        except grpc.aio.AioRpcError as error:
            if error.code() not in RESUMED:
                raise
        finally:
            call.cancel()
        if ended:
            return
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(pause * 2, RESUME_LAST)
