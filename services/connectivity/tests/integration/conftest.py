"""A running connectivity for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from stratapolis.chassis.db import Database
from stratapolis.chassis.http_face import serve
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.cli.local.ports import CityPorts
from stratapolis.connectivity.settings import Settings
from stratapolis.connectivity.wiring import wire

from services.connectivity.tests.integration.running import HOST, Face, Feed, write_keys

MakeFace = Callable[..., Awaitable[Face]]
NO_BROKER = "127.0.0.1:1"


@pytest.fixture
async def make_face(make_database: Callable[[str], Awaitable[Database]], ports: CityPorts, tmp_path: Path) -> AsyncIterator[MakeFace]:
    """`await make_face(tokens_per_second=1)`: connectivity with these settings, and a city that is not founded."""
    async with AsyncExitStack() as stack:

        async def make(**changes: Any) -> Face:
            fixed, db, port = write_keys(tmp_path / "public"), await make_database("connectivity"), ports.http("connectivity")
            given: dict[str, Any] = {
                "kafka": NO_BROKER, "connectivity_url": f"http://{HOST}:{port}", "database": SecretStr("postgresql://nobody:unused@127.0.0.1:1/unused"), "grpc_port": ports.grpc("connectivity"),
                "http_port": port, "key_file": tmp_path / "public" / "founder.pub.pem", "public_keys": tmp_path / "public",
            }  # fmt: skip
            settings = Settings(**(given | changes))
            app = wire(settings, db, Peers({}, _NoTokens()))
            for one in app.lives:
                await stack.enter_async_context(one)
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.issuer, timeout=10))
            face = Face(settings, AppUnderTest(app, db), http, fixed, Feed(), stack)
            await _serve_http(face, port, stack)
            await face.serve()
            return face

        yield make


@pytest.fixture
async def city(make_face: MakeFace) -> Face:
    """A founded city."""
    face = await make_face()
    await face.found()
    return face


async def _serve_http(face: Face, port: int, stack: AsyncExitStack) -> None:
    hush = asyncio.Event()
    serving = asyncio.create_task(serve(face.under.app.routes, face.gate, HOST, port, hush))
    stack.push_async_callback(asyncio.wait_for, serving, 10)
    stack.callback(hush.set)
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                assert not serving.done(), serving
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


class _NoTokens:
    async def token(self, audience: str) -> str:
        raise AssertionError(f"nobody calls {audience} here")
