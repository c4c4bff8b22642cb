"""A server stream: read, let in, then items until its end, its age, a revocation, or the app's stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime

import grpc
from google.protobuf.message import Message
from stratapolis.chassis import cause, metrics, telemetry
from stratapolis.chassis.rpc import reading
from stratapolis.chassis.rpc.adapter import Context, Serving, abort, count, metadata_of
from stratapolis.chassis.rpc.call import Call
from stratapolis.chassis.rpc.gate import Admitted
from stratapolis.chassis.rpc.method import Method
from stratapolis.chassis.rpc.refusals import StreamEnded, TooManyStreams

OLDEST = 900.0
MOST = 100
LOOK_EVERY = 0.5
BEGIN_SECONDS = 5.0


class Streams:
    """How many streams an app has open, and whether it ends them."""

    def __init__(self, app: str, most: int = MOST) -> None:
        self._app, self._most, self._open = app, most, 0
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """A place for a stream; raises TooManyStreams."""
        if self._open >= self._most:
            raise TooManyStreams("the app has as many streams open as it takes: try again later")
        self._open += 1
        metrics.STREAMS_OPEN.labels(self._app).inc()
        try:
            yield
        finally:
            self._open -= 1
            metrics.STREAMS_OPEN.labels(self._app).dec()


class Stream:
    """Answers one streaming RPC. A stream that is cut says why; its client goes on from the last cursor."""

    def __init__(self, serving: Serving, method: Method, streams: Streams, *, oldest: float = OLDEST) -> None:
        self._serving, self._method, self._streams, self._oldest = serving, method, streams, oldest

    async def __call__(self, body: bytes, context: Context) -> None:
        """What gRPC calls."""
        try:
            await self._answer(body, context)
        except asyncio.CancelledError:
            count(self._serving, self._method, grpc.StatusCode.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001 - the one place where whatever went wrong becomes a status
            await abort(self._serving, self._method, context, error)
        count(self._serving, self._method, grpc.StatusCode.OK)

    async def _answer(self, body: bytes, context: Context) -> None:
        request, metadata = reading.read(self._method.request, body), metadata_of(context)
        with telemetry.span(self._method.full_name, metadata.get("traceparent", "")):
            admitted = await self._serving.background.within(BEGIN_SECONDS, self._serving.gate.admit(self._method, metadata))
            noting = self._serving.gate.denials.noting(self._method.full_name, admitted.caller.subject)
            with self._streams.one(), cause.because(cause.Cause(actor=admitted.caller.subject)), noting:
                at = await self._serving.background.within(BEGIN_SECONDS, self._now())
                call = Call(caller=admitted.caller, at=at, owners=admitted.owners, db=self._serving.db)
                await self._watched(self._serving.background.start(self._pump(request, call, context)), admitted)

    async def _now(self) -> datetime:
        async with self._serving.db.transaction(readonly=True) as tx:
            return tx.at

    async def _pump(self, request: Message, call: Call, context: Context) -> None:
        items: AsyncIterator[Message] = self._method.work(request, call)
        async with contextlib.aclosing(items):  # type: ignore[type-var]
            async for item in items:
                await context.write(item.SerializeToString())

    async def _watched(self, pump: asyncio.Task[None], admitted: Admitted) -> None:
        """Let the pump run, and look twice a second whether it still may."""
        until = time.monotonic() + self._oldest
        ending = asyncio.create_task(self._streams.ending.wait())
        try:
            while not pump.done():
                await asyncio.wait({pump, ending}, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
                if not pump.done():
                    self._serving.gate.still_good(admitted)
                    if ending.done() or time.monotonic() >= until:
                        raise StreamEnded("the stream ends here: go on from the last cursor")
        finally:
            ending.cancel()
            pump.cancel()
        pump.result()
