"""The HTTP face of an app, served by uvicorn inside the app's own loop (docs/adr/0003)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute


class _Quiet(uvicorn.Server):
    """Signals are the app's own business."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


async def serve(routes: Sequence[BaseRoute], host: str, port: int, hush: asyncio.Event) -> None:
    """Serve until `hush`, then end what is in hand, bounded. A port that is taken ends the process."""
    config = uvicorn.Config(
        Starlette(routes=list(routes)),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = _Quiet(config)
    serving, stop = asyncio.create_task(server.serve()), asyncio.create_task(hush.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stop.cancel()
    await serving
