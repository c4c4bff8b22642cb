"""Idempotent requests: one effect and one answer for each (subject, RPC, request_id), however often and at once it is sent.

The row is inserted before the work, in its transaction: a second call waits on it until the first one committed, and then finds the
answer; or the first one was refused, left nothing, and the second works.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from google.protobuf.message import Message
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Kind, Refused

KEPT = timedelta(hours=24)
PRUNED_AT_ONCE = 5_000

CLAIM = "insert into idempotent_answer (subject, rpc, request_id, body_hash, created_at) values ($1, $2, $3, $4, $5) on conflict do nothing returning true"
FOUND = "select body_hash, answer from idempotent_answer where subject = $1 and rpc = $2 and request_id = $3"
STORE = "update idempotent_answer set answer = $4 where subject = $1 and rpc = $2 and request_id = $3"
PRUNE = """delete from idempotent_answer where ctid = any(array(
           select ctid from idempotent_answer where created_at < $1 order by created_at limit $2 for update skip locked))"""


class RequestIdReused(Refused):
    """The request_id was used for another request."""

    reason = "REQUEST_ID_REUSED"
    kind = Kind.EXISTS


async def claim(tx: Tx, subject: str, rpc: str, request_id: str, body: bytes) -> bytes | None:
    """None: the work is this transaction's to do, and `store` its answer. Else the answer given before. Raises RequestIdReused."""
    for _ in range(2):
        if await tx.value(CLAIM, subject, rpc, request_id, body, tx.at):
            return None
        row = await tx.row(FOUND, subject, rpc, request_id)
        if row is not None:
            if row["body_hash"] != body:
                raise RequestIdReused("this request_id was used for another request: take a new one", request_id=request_id)
            return bytes(row["answer"])
    raise RequestIdReused("this request_id is being forgotten: take a new one", request_id=request_id)


async def store(tx: Tx, subject: str, rpc: str, request_id: str, answer: bytes) -> None:
    """Keep the answer; in the transaction that claimed."""
    await tx.execute(STORE, subject, rpc, request_id, answer)


async def prune(*, tx: Tx, at: datetime) -> None:
    """Forget answers of more than 24 hours ago: a job."""
    await tx.execute(PRUNE, at - KEPT, PRUNED_AT_ONCE)


def body_hash(request: Message) -> bytes:
    """Alike for requests that say the same, however a client wrote them."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
