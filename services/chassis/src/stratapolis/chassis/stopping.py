"""Waiting that a stop cuts short, and stopping that does not wait for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

log = structlog.get_logger(__name__)


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """So long, or until `stopping`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


async def until_stopped(stopping: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for `stopping`; a loop that ends before it is a bug, and is raised."""
    stop = asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait({stop, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
    for task in done - {stop}:
        task.result()
        if not stopping.is_set():
            raise RuntimeError(f"a loop ended by itself: {task.get_coro()}")


async def bounded(seconds: float, *tasks: asyncio.Task[None]) -> None:
    """Wait for tasks; those that take longer are cancelled."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        log.warning("cancelled", task=str(task.get_coro()))
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def all_or_stopped(stopping: asyncio.Event, *events: asyncio.Event) -> None:
    """Until all of `events`, or until `stopping`."""
    stop = asyncio.create_task(stopping.wait())
    everything: Coroutine[Any, Any, Any] = _all(events)
    waiting = asyncio.create_task(everything)
    await asyncio.wait({stop, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stop, waiting):
        task.cancel()


async def _all(events: Sequence[asyncio.Event]) -> None:
    for event in events:
        await event.wait()
