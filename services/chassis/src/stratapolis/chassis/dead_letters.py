"""Dead letters: rows with the raw bytes of what could not be applied, and of what waits behind it; redriven or discarded by an operator."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from city.operations.v1 import operations_service_pb2 as pb
from stratapolis.chassis.app import Answers
from stratapolis.chassis.db import Row, Tx
from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.hearing import AGAIN
from stratapolis.chassis.paging import Page
from stratapolis.chassis.times import to_timestamp

if TYPE_CHECKING:
    from stratapolis.chassis.inbox import Entry, Inbox
    from stratapolis.chassis.rpc import Call

REDRIVE_AT_MOST = 500
"""Waiting events applied in one redrive; the rest waits for the next."""

PUT = """
    insert into dead_letter (topic, part, position, key, sequence, type, payload, headers, error, attempts, state, created_at)
    select $1, $2, $3::bigint, $4, $5::bigint, $6, $7::bytea, $8::jsonb, $9, $10::int, $11, $12::timestamptz
    where $5 is null or not exists (
        select from dead_letter where topic = $1 and key = $4 and sequence = $5 and state in ('dead', 'waiting') and headers = $8 and payload is not distinct from $7)
    on conflict (topic, part, position) do nothing"""
"""An event that lies on its topic a second time, as when the topic was made again, is put aside once."""
GET = "select * from dead_letter where id = $1"
LOCKED = "select * from dead_letter where id = $1 for update"
BEHIND = "select * from dead_letter where topic = $1 and key = $2 and state in ('dead', 'waiting') order by coalesce(sequence, 0), position limit $3 for update"
OPEN = "select count(*) from dead_letter where topic = $1 and key = $2 and state in ('dead', 'waiting')"
END = "update dead_letter set state = $2, resolution = $3, resolved_at = $4 where id = $1"
FAIL = "update dead_letter set state = 'dead', error = $2, attempts = attempts + 1 where id = $1"
NEXT = """
    update dead_letter set state = 'dead', error = $3 where id = (
        select id from dead_letter where topic = $1 and key = $2 and state in ('dead', 'waiting') order by coalesce(sequence, 0), position limit 1)"""
STATE = "select state from dead_letter where (topic, part, position) = ($1, $2, $3)"
LIST = """
    select id, topic, part, position, key, sequence, type, null::bytea as payload, '[]'::jsonb as headers, error, attempts, state, resolution, created_at
    from dead_letter where state = any($1) and id > $2 order by id limit $3"""


class DeadLetterNotFound(Refused):
    """There is no such dead letter in this app."""

    reason = "DEAD_LETTER_NOT_FOUND"
    kind = Kind.NOT_FOUND


class DeadLetterEnded(Refused):
    """The dead letter was redriven or discarded before, or it waits behind another."""

    reason = "DEAD_LETTER_ENDED"


class RedriveFailed(Refused):
    """The event failed again; it stays a dead letter."""

    reason = "REDRIVE_FAILED"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record rebuilt from its row."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


async def put(tx: Tx, record: Any, *, key: str, sequence: int | None, error: str, attempts: int, state: str) -> bool:
    """Put a record aside; False when it was put aside before. Without a sequence it has no place among its key's events, whatever its headers claim."""
    heads = [[str(name).encode("utf-8", "backslashreplace").decode(), base64.b64encode(value or b"").decode()] for name, value in record.headers]
    done = await tx.execute(
        PUT, record.topic, record.partition, record.offset, key, sequence, _header(record.headers, "ce_type"), record.value, heads,
        error[:2000], attempts, state, tx.at,
    )  # fmt: skip
    return done == "INSERT 0 1"


async def is_open(tx: Tx, record: Any) -> bool:
    """Whether a record that was put aside before still waits for an operator's word, or behind one that does."""
    return await tx.value(STATE, record.topic, record.partition, record.offset) in ("dead", "waiting")


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The operations service of one app."""

    inbox: Inbox

    async def list_dead_letters(self, request: pb.ListDeadLettersRequest, call: Call) -> pb.ListDeadLettersResponse:
        """Dead and waiting ones, oldest first."""
        page = Page.of(request, int)
        states = [_STATES[s] for s in request.states] or ["dead", "waiting"]
        rows = await call.tx.fetch(LIST, states, page.after[0] if page.after else 0, page.size + 1)
        fitting, token = page.fit(rows, _shown, lambda row: (row["id"],))
        return pb.ListDeadLettersResponse(dead_letters=fitting, next_page_token=token)

    async def get_dead_letter(self, request: pb.GetDeadLetterRequest, call: Call) -> pb.GetDeadLetterResponse:
        """One, with its bytes."""
        return pb.GetDeadLetterResponse(dead_letter=_shown(await _found(call.tx, GET, request.id)))

    async def redrive_dead_letter(self, request: pb.RedriveDeadLetterRequest, call: Call) -> pb.RedriveDeadLetterResponse:
        """Apply it again, then what waits behind it."""
        row = await _open(call.tx, request.id)
        applied, waiting = await self._go_on(call.tx, row, f"redriven by {call.caller.subject}", skip_first=False)
        return pb.RedriveDeadLetterResponse(applied=applied, waiting=waiting)

    async def discard_dead_letter(self, request: pb.DiscardDeadLetterRequest, call: Call) -> pb.DiscardDeadLetterResponse:
        """Give it up, then apply what waits behind it."""
        row = await _open(call.tx, request.id)
        await call.tx.execute(END, row["id"], "discarded", f"discarded by {call.caller.subject}: {request.reason}", call.at)
        applied, waiting = await self._go_on(call.tx, row, f"redriven by {call.caller.subject}", skip_first=True)
        return pb.DiscardDeadLetterResponse(applied=applied, waiting=waiting)

    async def _go_on(self, tx: Tx, first: Row, resolution: str, *, skip_first: bool) -> tuple[int, int]:
        """Apply the rows of a key in order until one fails, which is then the dead one; the key is free when none is left."""
        from stratapolis.chassis import inbox  # noqa: PLC0415 - the inbox buries here: two halves of one thing

        topic, key = first["topic"], first["key"]
        entries = await inbox.lock(tx, {(topic, key)})
        entry = entries[topic, key]
        rows = await tx.fetch(BEHIND, topic, key, REDRIVE_AT_MOST) if entry.parked else [] if skip_first else [first]
        given_up = (first["sequence"] or 0) if skip_first else -1
        before = [row for row in rows if (row["sequence"] or 0) <= given_up]  # a gap was given up, and what was missing has come
        applied = await self._in_order(tx, entry, before, resolution, must=False)
        if applied == len(before):
            entry.last = max(entry.last, given_up)
            applied += await self._in_order(tx, entry, rows[len(before) :], resolution, must=not skip_first)
        if applied == REDRIVE_AT_MOST:
            await tx.execute(NEXT, topic, key, f"{REDRIVE_AT_MOST} before it were applied: redrive it for the next")
        waiting = int(await tx.value(OPEN, topic, key))
        entry.parked = entry.parked and waiting > 0
        await inbox.store(tx, entries)
        return applied, waiting

    async def _in_order(self, tx: Tx, entry: Entry, rows: Sequence[Row], resolution: str, *, must: bool) -> int:
        """Apply rows until one fails, which is the dead one then; how many were applied. `must`: raises RedriveFailed when the first fails."""
        for number, row in enumerate(rows):
            try:
                async with tx.savepoint():
                    await self.inbox.again(tx, _record(row), entry)
            except AGAIN:
                raise
            except Exception as error:  # whatever it was, it failed again
                if must and number == 0:
                    raise RedriveFailed(f"it failed again: {type(error).__name__}: {error}") from error
                await tx.execute(FAIL, row["id"], f"{type(error).__name__}: {error}"[:2000])
                return number
            await tx.execute(END, row["id"], "redriven", resolution, tx.at)
        return len(rows)


def answers(inbox: Inbox) -> Answers:
    """OperationsService, for what every app answers."""
    return Answers(pb.DESCRIPTOR.services_by_name["OperationsService"], DeadLetters(inbox))


async def _found(tx: Tx, sql: str, row_id: int) -> Row:
    row = await tx.row(sql, row_id)
    if row is None:
        raise DeadLetterNotFound(f"there is no dead letter {row_id} in this app")
    return row


async def _open(tx: Tx, row_id: int) -> Row:
    row = await _found(tx, LOCKED, row_id)
    if row["state"] == "waiting":
        raise DeadLetterEnded("it waits behind a dead letter of its key: redrive or discard that one")
    if row["state"] != "dead":
        raise DeadLetterEnded(f"it was {row['state']} before: {row['resolution']}")
    return row


def _record(row: Row) -> Any:
    heads = [(name, base64.b64decode(value)) for name, value in row["headers"]]
    return Stored(row["topic"], row["part"], row["position"], (row["key"] or "").encode(), row["payload"], heads)


def _shown(row: Row) -> pb.DeadLetter:
    return pb.DeadLetter(
        id=row["id"], topic=row["topic"], partition=row["part"], offset=row["position"], key=row["key"] or "", sequence=row["sequence"] or 0,
        type=row["type"], error=row["error"], attempts=row["attempts"], state=_NAMES[row["state"]], create_time=to_timestamp(row["created_at"]),
        payload=row["payload"] or b"", headers=[pb.Header(name=n, value=base64.b64decode(v)) for n, v in row["headers"]], resolution=row["resolution"],
    )  # fmt: skip


_NAMES: dict[str, Any] = {
    "dead": pb.DEAD_LETTER_STATE_DEAD,
    "waiting": pb.DEAD_LETTER_STATE_WAITING,
    "redriven": pb.DEAD_LETTER_STATE_REDRIVEN,
    "discarded": pb.DEAD_LETTER_STATE_DISCARDED,
}
_STATES = {number: name for name, number in _NAMES.items()}


def _header(heads: Sequence[tuple[str, bytes]], name: str) -> str:
    value = next((v for n, v in heads if n == name), b"") or b""
    return value.decode("ascii", "backslashreplace").replace("\0", "")[:200]
