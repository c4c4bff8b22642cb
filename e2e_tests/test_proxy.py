"""The proxy that chaos puts between apps and what they call does what it says, and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from stratapolis.cli.local.city import until

from e2e_tests.chaos.proxy import HOST, Proxy
from e2e_tests.conftest import BASE

PORT, BEHIND = BASE + 495, BASE + 496
LARGE = 3_000_000
End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Echo:
    """A server that says what it hears, and keeps count."""

    heard: int = 0
    opened: int = 0
    ended: list[str] = field(default_factory=list)
    """How connections ended."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            while piece := await reader.read(1 << 16):
                self.heard += len(piece)
                writer.write(piece)
                await writer.drain()
            self.ended.append("end")
        except ConnectionError:
            self.ended.append("reset")
        finally:
            writer.close()


@dataclass(slots=True)
class Ground:
    """A proxy, the server behind it, and clients."""

    proxy: Proxy
    echo: Echo
    _clients: list[asyncio.StreamWriter] = field(default_factory=list)

    async def client(self) -> End:
        reader, writer = await asyncio.open_connection(HOST, PORT)
        self._clients.append(writer)
        return reader, writer

    def leave(self) -> None:
        for writer in self._clients:
            writer.transport.abort()


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, HOST, BEHIND)
    async with Proxy(PORT, BEHIND) as proxy:
        made = Ground(proxy, echo)
        try:
            yield made
        finally:
            made.leave()
            server.close()


async def said(end: End, text: bytes) -> bytes:
    """What comes back of a text."""
    end[1].write(text)
    await end[1].drain()
    return await asyncio.wait_for(end[0].readexactly(len(text)), 20)


async def comes(condition: Callable[[], bool], what: str) -> None:
    async def there() -> bool:
        return condition()

    await until(there, what, within=10, every=0.005)


async def silent(end: End) -> bool:
    """Whether nothing comes for a while, no end either."""
    try:
        await asyncio.wait_for(end[0].read(1), 0.3)
    except TimeoutError:
        return True
    return False


async def broken(call: Callable[[], Awaitable[object]]) -> bool:
    """Whether a connection was cut while this went on."""
    try:
        await call()
    except (ConnectionError, asyncio.IncompleteReadError):
        return True
    return False


async def test_bytes_pass_whole_both_ways_and_the_end_of_one_side_reaches_the_other() -> None:
    async with ground() as on:
        reader, writer = await on.client()
        text = random.Random(1).randbytes(LARGE)
        writer.write(text)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(-1), 20) == text
        await comes(lambda: on.echo.ended == ["end"], "the server to see the end")
        await comes(lambda: on.proxy.connections == 0, "nothing to be kept")
        assert on.proxy.passed == 2 * LARGE


async def test_what_is_delayed_comes_late_and_whole() -> None:
    async with ground() as on:
        end, clock = await on.client(), asyncio.get_running_loop().time
        on.proxy.delay = 0.2
        began = clock()
        assert await said(end, b"late") == b"late"
        assert clock() - began >= 0.4
        on.proxy.heal()
        began = clock()
        assert await said(end, b"soon") == b"soon"
        assert clock() - began < 0.2


async def test_what_is_stalled_passes_when_it_heals() -> None:
    async with ground() as on:
        end = await on.client()
        assert await said(end, b"before") == b"before"
        on.proxy.stall()
        end[1].write(b"kept")
        assert await silent(end)
        assert on.echo.heard == len(b"before")
        on.proxy.heal()
        assert await asyncio.wait_for(end[0].readexactly(4), 5) == b"kept"


async def test_a_half_open_connection_says_nothing_to_its_client_and_is_gone_for_its_server() -> None:
    async with ground() as on:
        end = await on.client()
        assert await said(end, b"before") == b"before"
        on.proxy.half_open()
        await comes(lambda: on.echo.ended == ["reset"], "the server to lose it")
        end[1].write(b"lost")
        assert await silent(end)
        on.proxy.heal()
        assert await silent(end)
        assert on.echo.heard == len(b"before")
        assert await said(await on.client(), b"new") == b"new"


async def test_so_many_connections_are_reset_and_the_others_live() -> None:
    async with ground() as on:
        ends = [await on.client() for _ in range(8)]
        assert [await said(end, b"x") for end in ends] == [b"x"] * 8
        assert on.proxy.reset(share=0.5, rng=random.Random(3)) == 4
        cut = [await broken(lambda end=end: said(end, b"y")) for end in ends]  # type: ignore[misc]
        assert sum(cut) == 4
        await comes(lambda: on.echo.ended == ["reset"] * 4, "the server to lose as many")


@pytest.mark.parametrize("bytes_left", [1, 70_000])
async def test_a_connection_is_cut_after_so_many_bytes_and_not_one_more(bytes_left: int) -> None:
    async with ground() as on:
        on.proxy.cut_after = bytes_left
        end = await on.client()
        assert await broken(lambda: said(end, b"z" * 200_000))
        await comes(lambda: len(on.echo.ended) == 1, "the server to lose it")
        assert on.proxy.passed == bytes_left
        assert on.echo.heard <= bytes_left
        on.proxy.heal()
        assert await said(await on.client(), b"whole") == b"whole"


async def test_who_connects_while_nothing_is_behind_is_reset_and_later_served() -> None:
    async with Proxy(PORT, BEHIND) as proxy:
        reader, writer = await asyncio.open_connection(HOST, PORT)
        assert await broken(lambda: asyncio.wait_for(reader.readexactly(1), 5))
        writer.close()
        assert proxy.connections == 0
    async with ground() as on:
        assert await said(await on.client(), b"there") == b"there"
