"""How much of a page fits into one answer: a gRPC message takes 1 MiB, and texts may be long."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message

ROOM = 900_000
"""Bytes of rows in an answer; the rest of the mebibyte is framing."""


def fitting(rows: Sequence[Message], size: int) -> int:
    """How many of the first rows make the page: `size` at most, as many as there is room for, one at least where there is one."""
    room, count = ROOM, 0
    for row in rows[:size]:
        room -= row.ByteSize() + 16
        if room < 0 and count:
            break
        count += 1
    return count
