"""Cursors of watches over a table: each row has the transaction of its last change, and a key of its own.

What is read is older than every open transaction, so that nothing can still come before a cursor that was given out.
"""

from __future__ import annotations

import re

from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import InvalidField

START = ("0", "")
"""Before every change."""
_CURSOR = re.compile(r"([0-9]{1,18}):(.{0,64})")

Cursor = tuple[str, str]
"""(transaction, key) of the last row that was seen: `where (changed, key) > ($1::text::xid8, $2) and changed < pg_snapshot_xmin(pg_current_snapshot())`."""


def cursor_of(text: str, horizon: str) -> Cursor:
    """A cursor as it was given out; empty: the start. Raises InvalidField for what is none, or not of this database."""
    if not text:
        return START
    if (found := _CURSOR.fullmatch(text)) is None or "\0" in text:
        raise InvalidField("cursor", "not a cursor of this stream: take one of its items")
    if int(found[1]) > int(horizon):
        raise InvalidField("cursor", "not a cursor of this database: leave it empty to begin anew")
    return found[1], found[2]


def written(cursor: Cursor) -> str:
    """A cursor for the wire."""
    return ":".join(cursor)


async def horizon(tx: Tx) -> str:
    """The transaction before which all is told."""
    return str(await tx.value("select pg_snapshot_xmin(pg_current_snapshot())::text"))
