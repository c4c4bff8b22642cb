"""Work that its caller may stop waiting for: cancelled then, it undoes itself in its own time, and a stop waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Background:
    """Tasks in hand. A frozen database keeps a rollback for seconds: no caller waits for that."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin work; it stays in hand until it ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """The result of work. Raises TimeoutError when it takes longer; then, and when its caller goes away, it is cancelled, not waited for."""
        task = self.start(work)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                task.cancel()
        if task.cancelled() or not task.done():
            raise TimeoutError
        return task.result()

    async def drain(self, seconds: float) -> None:
        """Wait for what is in hand, then give it up."""
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                log.warning("work_given_up", tasks=len(late))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("work_failed", error=repr(error))
