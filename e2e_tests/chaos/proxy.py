"""A small TCP proxy that hurts what passes it: late, stalled, half-open, reset, cut after so many bytes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
PIECE = 1 << 16
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True, eq=False)
class _Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    left: int | None
    """So many bytes may pass before it is reset; None: any number."""
    half_open: bool = False

    def reset(self) -> None:
        """Both ends see a reset."""
        for end in (self.client, self.server):
            _reset(end)


class Proxy:
    """Stands before a port of this machine, inside the `async with`.

        async with Proxy(17440, 17092) as proxy:
            proxy.delay = 0.2             # every piece comes so many seconds late
            proxy.stall()                 # nothing passes, nothing is lost, until heal()
            proxy.half_open()             # the servers' ends are closed and the clients never hear of it
            proxy.reset(share=0.5)        # half of the connections that there are
            proxy.cut_after = 10_000      # each connection from now on is reset after so many bytes, both ways counted together
            proxy.heal()                  # from now on nothing is in the way

    When nothing listens behind it, who connects is reset: as near as a proxy comes to a closed port.
    """

    def __init__(self, port: int, behind: int) -> None:
        self.port, self.behind = port, behind
        self.delay = 0.0
        self.cut_after: int | None = None
        self.passed = 0
        """Bytes so far, both ways."""
        self._flows = asyncio.Event()
        self._flows.set()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._came, HOST, self.port, limit=PIECE, backlog=512)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many there are, half-open ones among them."""
        return len(self._links)

    def stall(self) -> None:
        """Hold back all bytes; they pass after heal()."""
        self._flows.clear()

    def half_open(self) -> None:
        """Close the servers' ends of all connections and leave the clients' ends open: what they send goes nowhere. New connections are whole."""
        for link in self._links:
            link.half_open = True
            _reset(link.server)

    def reset(self, *, share: float = 1.0, rng: random.Random | None = None) -> int:
        """Reset so many of the connections that there are; returns how many those were."""
        links = list(self._links)
        chosen = links if rng is None else rng.sample(links, round(share * len(links)))
        for link in chosen:
            link.reset()
        return len(chosen)

    def heal(self) -> None:
        """Let everything pass at once; what is half-open or was cut stays so."""
        self.delay, self.cut_after = 0.0, None
        for link in self._links:
            link.left = None
        self._flows.set()

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, onward = await asyncio.open_connection(HOST, self.behind, limit=PIECE)
        except OSError:
            _reset(writer)
            return
        link = _Link(writer, onward, self.cut_after)
        self._links.add(link)
        try:
            await asyncio.gather(self._pass(link, reader, onward), self._pass(link, there, writer))
        except OSError:  # one end was reset, and so is the other
            link.reset()
        finally:
            self._links.discard(link)
            writer.close()
            onward.close()

    async def _pass(self, link: _Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Hand on what comes until it ends."""
        while piece := await source.read(PIECE):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flows.wait()
            if link.half_open:
                continue
            if link.left is not None:
                piece = piece[: link.left]
                link.left -= len(piece)
            sink.write(piece)
            self.passed += len(piece)
            await sink.drain()
            if link.left == 0:
                link.reset()
        if not link.half_open and not sink.is_closing():
            with contextlib.suppress(OSError):
                sink.write_eof()


def _reset(end: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset, not an end."""
    plug: socket.socket = end.get_extra_info("socket")
    if not end.is_closing():
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        end.transport.abort()
