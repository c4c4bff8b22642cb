"""Children that are started in order, kept alive, and stopped in reverse order, all of them."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from stratapolis.cli.local import record
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.lock import FolderLock
from stratapolis.cli.local.logs import follow
from stratapolis.cli.local.process import Child, Running, children, descendants, end, started_at, still_there
from stratapolis.cli.local.record import Recorded

_LONGEST_PAUSE = 2.0
_FIRST_PAUSE = 0.1
_SETTLED = 10.0
_PR_SET_CHILD_SUBREAPER = 36


class Supervisor:
    """A city's children, inside an `async with`.

        async with Supervisor(folder, say=print) as city:
            await city.start(kafka, postgres)     # beside each other; both ready
            await city.start(*layers)
            await city.wait()                     # SIGINT or SIGTERM ends the `async with` from wherever it is

    What dies is started again (after 0.1 s, doubling up to 2 s, from the beginning once it was ready for 10 s). Behind the
    `async with` nothing is left, or it raises. `echo` prints the children's lines as well as keeping them in `folder/log/`.
    """

    def __init__(self, folder: Path, *, say: Callable[[str], None], echo: Callable[[str], None] | None = None, coloured: bool = False) -> None:
        self.folder = folder.absolute()
        self._say, self._echo, self._coloured = say, echo, coloured
        self._lock = FolderLock(self.folder, "a city")
        self._stages: list[list[str]] = []
        self._running: dict[str, Running] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._signals = 0
        self._closing = False
        self._owner: asyncio.Task[object] | None = None
        self._strangers: set[int] = set()
        """Children of this process that were there before the city: not its business."""

    async def __aenter__(self) -> Self:
        self._lock.take()
        try:
            for each in await asyncio.to_thread(record.end_left, self.folder):
                self._say(f"ended {each.name} (pid {each.pid}), left by a launcher that was killed")
        except BaseException:
            self._lock.free()
            raise
        self._strangers = set(children(os.getpid()))
        _reap_orphans(True)
        self._owner = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)
        self._watch(asyncio.create_task(self._bury(), name="what our children left behind"))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        try:
            await self._stop_all()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().remove_signal_handler(number)
            _reap_orphans(False)
            self._lock.free()
        if self._signals and isinstance(error, asyncio.CancelledError) and self._owner is not None:
            self._owner.uncancel()
            return True
        return False

    def _signalled(self) -> None:
        """The first signal stops in order, the second at once."""
        self._signals += 1
        if self._signals == 1 and not self._closing and self._owner is not None:
            self._owner.cancel()
        elif self._signals > 1:
            for running in self._running.values():
                if running.alive:
                    os.kill(running.pid, signal.SIGKILL)

    async def start(self, *children: Child) -> None:
        """Start these beside each other; return when all are ready. One that does not get ready raises, and the city with it."""
        self._stages.append([child.name for child in children])
        try:
            async with asyncio.TaskGroup() as group:
                for child in children:
                    group.create_task(self._start(child))
        except BaseExceptionGroup as failed:  # the others were let go of; the first reason says enough
            raise failed.exceptions[0] from None
        for child in children:
            self._watch(asyncio.create_task(self._keep(child), name=child.name))

    def _watch(self, task: asyncio.Task[None]) -> None:
        self._tasks.append(task)
        task.add_done_callback(self._unwatched)

    def _unwatched(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._say(f"{task.get_name()} is no longer watched: {error!r}")

    async def wait(self) -> None:
        """Until a signal comes."""
        await asyncio.Event().wait()

    def running(self, name: str) -> Running:
        return self._running[name]

    async def _start(self, child: Child) -> None:
        first = child.name not in self._running
        log = self.folder / "log" / f"{child.name}.log"
        if first and self._echo is not None:
            colour = len(self._running) if self._coloured else None
            self._watch(asyncio.create_task(follow(child.name, log, self._echo, colour=colour), name=f"the log of {child.name}"))
        self._running[child.name] = running = await Running.start(child, log)
        self._note()
        await running.until_ready()

    async def _keep(self, child: Child) -> None:
        """Start it again whenever it dies."""
        pause = _FIRST_PAUSE
        ready_at: float | None = time.monotonic()
        while True:
            await self._running[child.name].wait()
            if ready_at is not None and time.monotonic() - ready_at >= _SETTLED:
                pause = _FIRST_PAUSE
            self._say(f"{child.name} died: {self._running[child.name].reason()}; back in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause, ready_at = min(2 * pause, _LONGEST_PAUSE), None
            try:
                await self._start(child)
            except LocalCityError as error:
                self._say(str(error))
            else:
                ready_at = time.monotonic()
                self._say(f"{child.name} is back (pid {self._running[child.name].pid})")

    def _note(self) -> None:
        record.write(self.folder, [Recorded(name, each.pid, each.started) for name, each in self._running.items() if each.alive])

    async def _stop_all(self) -> None:
        """In reverse order, those started beside each other beside each other; then look whether anything is left."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stage in reversed(self._stages):
            await asyncio.gather(*(self._running[name].stop() for name in stage if name in self._running))
        ours = {each.pid: each.started for each in self._running.values()}
        orphans = self._orphans()
        await asyncio.to_thread(end, orphans)
        left = [pid for pid, started in (ours | orphans).items() if still_there(pid, started)]
        if left:
            raise LocalCityError(f"still running after all was stopped: pid {', '.join(map(str, left))}; end it by hand")
        record.forget(self.folder)
        self._say("all stopped, nothing is left running")

    async def _bury(self) -> None:
        """Take note of the end of orphans that became ours, or they stay as zombies and look alive to who adopted them."""
        before: set[int] = set()
        while True:
            known = {running.pid for running in self._running.values()}
            dead = {each.pid for each in psutil.Process().children() if _is_zombie(each)} - known
            for pid in dead & before:  # dead for a second: nobody else waits for it
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222  # it is dead already
            before = dead
            await asyncio.sleep(1)

    def _orphans(self) -> dict[int, float]:
        """What children of ours started and left behind: it became ours, being in one of our children's sessions no more."""
        if sys.platform != "linux":
            return {}
        mine = os.getsid(0)
        found = {}
        ours = {pid: started for pid, started in children(os.getpid()).items() if pid not in self._strangers}
        for pid, started in ours.items():
            for each, began in {pid: started, **descendants(pid)}.items():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if os.getsid(each) != mine and started_at(each) == began:
                        found[each] = began
        return found


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _reap_orphans(ours: bool) -> None:  # a switch, named where it is called
    """Whether processes whose parent died become children of this one instead of init's (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(ours), 0, 0, 0)
