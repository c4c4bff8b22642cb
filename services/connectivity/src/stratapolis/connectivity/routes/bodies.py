"""Request bodies, bounded while they are read."""

from __future__ import annotations

from starlette.requests import Request


class TooLong(Exception):
    """A body has more bytes than it may."""


async def read_body(request: Request, most: int) -> bytes:
    """The body; raises TooLong as soon as it is, whatever its length header says."""
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > most:
            raise TooLong
    return bytes(read)
