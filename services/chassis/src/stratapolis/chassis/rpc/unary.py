"""A unary call: read, let in, one transaction, answer."""

from __future__ import annotations

import asyncio
import time

import grpc
from google.protobuf.message import Message
from stratapolis.chassis import cause, idempotency, metrics, telemetry
from stratapolis.chassis.identity import IssuerAway
from stratapolis.chassis.rpc import deadline, reading, status
from stratapolis.chassis.rpc.adapter import Context, Serving, abort, count, metadata_of
from stratapolis.chassis.rpc.call import Call
from stratapolis.chassis.rpc.gate import Admitted, Metadata
from stratapolis.chassis.rpc.method import Method
from stratapolis.chassis.rpc.refusals import AnswerTooLarge, NoDeadline

LARGEST_ANSWER = 1 << 20
AT_MOST = 3
"""Runs of a transaction that the database undoes for another's sake."""


class Unary:
    """Answers one RPC. Nothing leaves it but an answer or a status; a call given up leaves no effect."""

    def __init__(self, serving: Serving, method: Method) -> None:
        self._serving, self._method = serving, method

    async def __call__(self, body: bytes, context: Context) -> bytes:
        """What gRPC calls."""
        began = time.monotonic()
        try:
            answer = await self._answer(body, context)
        except asyncio.CancelledError:
            count(self._serving, self._method, grpc.StatusCode.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001 - the one place where whatever went wrong becomes a status
            await abort(self._serving, self._method, context, error)
        finally:
            metrics.RPC_SECONDS.labels(self._serving.app, self._method.full_name).observe(time.monotonic() - began)
        count(self._serving, self._method, grpc.StatusCode.OK)
        return answer

    async def _answer(self, body: bytes, context: Context) -> bytes:
        left = context.time_remaining()
        if left is None:
            raise NoDeadline("every call has a deadline: say how long you wait")
        left = min(left, deadline.LONGEST)
        left -= deadline.margin(left)
        request, metadata = reading.read(self._method.request, body), metadata_of(context)
        with deadline.within(left), telemetry.span(self._method.full_name, metadata.get("traceparent", "")):
            return await self._serving.background.within(left, self._admitted(request, metadata))

    async def _admitted(self, request: Message, metadata: Metadata) -> bytes:
        try:
            async with asyncio.timeout((deadline.remaining() or 0.0) * 0.9):
                admitted = await self._serving.gate.admit(self._method, metadata)
        except TimeoutError:
            raise IssuerAway("the issuer of tokens does not answer in time: its key is not known") from None
        because = cause.Cause(causation=getattr(request, "request_id", ""), actor=admitted.caller.subject)
        with cause.because(because), self._serving.gate.denials.noting(self._method.full_name, admitted.caller.subject):
            return await self._tried(request, admitted)

    async def _tried(self, request: Message, admitted: Admitted) -> bytes:
        """Run the transaction; again, if it was undone for another's sake."""
        for turn in range(1, AT_MOST + 1):
            try:
                return await self._in_transaction(request, admitted)
            except status.AGAIN:
                if turn == AT_MOST:
                    raise
                metrics.RPC_AGAIN.labels(self._serving.app, self._method.full_name).inc()
        raise AssertionError("the last turn returns or raises")

    async def _in_transaction(self, request: Message, admitted: Admitted) -> bytes:
        async with self._serving.db.transaction(readonly=self._method.reads and not self._method.leaves_account) as tx:
            call = Call(caller=admitted.caller, at=tx.at, owners=admitted.owners, tx=tx)
            if not self._method.idempotent or not (request_id := getattr(request, "request_id", "")):
                return await self._worked(request, call)
            key = (admitted.caller.subject, self._method.full_name, request_id)
            given = await idempotency.claim(tx, *key, idempotency.body_hash(request))
            if given is None:
                given = await self._worked(request, call)
                await idempotency.store(tx, *key, given)
            return given

    async def _worked(self, request: Message, call: Call) -> bytes:
        response: Message = await self._method.work(request, call)
        if response.ByteSize() > LARGEST_ANSWER:  # found here, a write is undone; found by gRPC, it would be done and not answered
            raise AnswerTooLarge("the answer is larger than 1 MiB: ask for less at once")
        return response.SerializeToString()
