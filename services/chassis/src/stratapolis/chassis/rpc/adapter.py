"""What unary calls and streams have in common: metadata in, status out, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import grpc
import structlog
from stratapolis.chassis import metrics
from stratapolis.chassis.db import Database
from stratapolis.chassis.rpc import status
from stratapolis.chassis.rpc.background import Background
from stratapolis.chassis.rpc.gate import Gate, Metadata
from stratapolis.chassis.rpc.method import Method

log = structlog.get_logger(__name__)
Context = grpc.aio.ServicerContext[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What every method of an app is served with."""

    app: str
    db: Database
    gate: Gate
    background: Background


def metadata_of(context: Context) -> Metadata:
    """The texts among the metadata; the first of a name counts, so that none can be put before it by a proxy's client."""
    found: Metadata = {}
    for name, value in context.invocation_metadata() or ():
        if isinstance(value, str):
            found.setdefault(name, value)
    return found


def count(serving: Serving, method: Method, code: grpc.StatusCode) -> None:
    """Every outcome is counted."""
    metrics.RPC_TOTAL.labels(serving.app, method.full_name, code.name).inc()


async def abort(serving: Serving, method: Method, context: Context, error: Exception) -> NoReturn:
    """End the call with the status of what went wrong; what nobody expected is logged here and told to nobody."""
    refused = status.refused_by(error)
    if refused is None:
        metrics.RPC_UNEXPECTED.labels(serving.app, method.full_name).inc()
        log.error("rpc_failed", rpc=method.full_name, exc_info=error)
    answer = status.answer(refused, serving.app)
    count(serving, method, answer.code)
    await context.abort(answer.code, answer.message, ((status.DETAILS_KEY, answer.details),))
