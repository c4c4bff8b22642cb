"""A child process: how it is described, started, watched, stopped, and hurt by fault tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.trouble import in_one_line

_LAUNCH = Path(__file__).with_name("launch.py")
_LARGEST_LOG = 20 << 20


async def _nothing() -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program to run beside others.

    `ready` is asked until it answers yes; `before` runs ahead of every start, also of a restart; `user` is who it runs as when the
    launcher is root (None: the same user). The program must be an absolute path. Times are seconds.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    ready: Callable[[], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    before: Callable[[], Awaitable[None]] = _nothing
    user: str | None = None
    ready_within: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within: float = 20.0


class Running:
    """A started child. Its output goes to `log`; it never outlives the thread that started it (Linux)."""

    def __init__(self, child: Child, log: Path, process: asyncio.subprocess.Process, log_starts: int) -> None:
        self.child, self.log = child, log
        self._process, self._log_starts = process, log_starts
        self.started = started_at(process.pid)

    @classmethod
    async def start(cls, child: Child, log: Path) -> Running:
        """Start it and return at once; `until_ready` waits for it."""
        await child.before()
        try:
            with _appended(log) as out:
                starts = out.tell()
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), child.user or "-", *child.argv,
                    cwd=child.cwd, env=dict(child.env), stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                )  # fmt: skip
        except OSError as error:
            raise LocalCityError(f"{child.name} could not be started: {error.strerror or error}") from error
        return cls(child, log, process, starts)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def until_ready(self) -> None:
        """Return once it is ready; raise with the reason from its log when it dies or takes too long (then it is killed)."""
        ends = time.monotonic() + self.child.ready_within
        while time.monotonic() < ends:
            if not self.alive:
                raise LocalCityError(f"{self.child.name} did not start: {self.reason()}")
            try:
                if await asyncio.wait_for(self.child.ready(), max(0.1, ends - time.monotonic())):
                    return
            except TimeoutError:
                break
            await asyncio.sleep(0.03)
        why = self.reason()
        await self.destroy()
        raise LocalCityError(f"{self.child.name} was not ready within {self.child.ready_within:g} s: {why}")

    def reason(self) -> str:
        """Why it ended or is not ready, in one line: that somebody killed it, else what it has written since this start."""
        if self._process.returncode == -signal.SIGKILL:
            return f"killed with SIGKILL (log: {self.log})"
        with self.log.open("rb") as log:
            log.seek(self._log_starts)
            return in_one_line(log.read(1 << 20).decode(errors="replace"), self.log)

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to stop; after its time is up, kill it. Nothing it started is left either."""
        family = descendants(self.pid)
        self._signal([self.pid, *family], signal.SIGCONT)
        self._signal([self.pid], self.child.stop_signal)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), self.child.stop_within)
        await self._end(family)

    async def kill(self) -> None:
        """kill -9 it alone, as a fault would; what it started is left to itself."""
        if self.alive:
            self._signal([self.pid], signal.SIGKILL)
            await self._process.wait()

    async def destroy(self) -> None:
        """kill -9 it and all it started; nothing is left."""
        await self._end(descendants(self.pid))

    async def _end(self, family: Mapping[int, float]) -> None:
        await self.kill()
        await asyncio.to_thread(end, family)

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP), with all it started: alive, holding its connections, answering nothing."""
        self._signal([self.pid, *descendants(self.pid)], signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was frozen."""
        self._signal([self.pid, *descendants(self.pid)], signal.SIGCONT)

    def _signal(self, pids: Iterable[int], number: signal.Signals) -> None:
        for pid in pids:
            if pid == self.pid and not self.alive:  # reaped: the number may be another's by now
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _appended(log: Path) -> BinaryIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        log.replace(log.with_suffix(log.suffix + ".1"))
    return log.open("ab")


def started_at(pid: int) -> float:
    """When this process began; 0.0 if there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def descendants(pid: int) -> dict[int, float]:
    """Every process below this one: pid to start time, which together name a process for good."""
    return _below(pid, recursive=True)


def children(pid: int) -> dict[int, float]:
    """The processes right below this one: pid to start time."""
    return _below(pid, recursive=False)


def _below(pid: int, *, recursive: bool) -> dict[int, float]:
    try:
        return {child.pid: child.create_time() for child in psutil.Process(pid).children(recursive=recursive)}
    except psutil.NoSuchProcess:
        return {}


def still_there(pid: int, started: float) -> bool:
    """Whether this very process runs, not another that was given its number since."""
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - started) < 0.02 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(processes: Mapping[int, float], *, patience: float = 5.0) -> None:
    """End processes that may not be our children: SIGTERM, `patience` seconds, SIGKILL; blocks until they are gone."""
    for number, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        if number is signal.SIGTERM and not patience:
            continue
        for pid, started in processes.items():
            if still_there(pid, started):
                try:
                    os.kill(pid, number)
                    os.kill(pid, signal.SIGCONT)  # a frozen one would never hear the first
                except ProcessLookupError:
                    pass
        ends = time.monotonic() + wait
        while any(still_there(*each) for each in processes.items()) and time.monotonic() < ends:
            time.sleep(0.01)


def running_in(folder: Path, program: str) -> dict[int, float]:
    """Processes of this program whose working folder is `folder`: what an earlier run may have left."""
    found = {}
    for process in psutil.process_iter(["name"]):
        try:
            if (process.info["name"] or "").startswith(program) and Path(process.cwd()) == folder:
                found[process.pid] = process.create_time()
        except (psutil.Error, OSError):
            continue
    return found
