"""A store of the local city as an `async with`: one child process on one folder."""

from __future__ import annotations

import abc
import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.lock import FolderLock
from stratapolis.cli.local.ports import require_free
from stratapolis.cli.local.process import Child, Running
from stratapolis.cli.local.trouble import reason, require_space


class Daemon(abc.ABC):
    """Kafka or PostgreSQL on a folder of its own; ready inside the `async with`, gone behind it, data kept.

    A supervisor that runs the child itself uses `prepare` and, behind it all, `release`.
    """

    name: str

    def __init__(self, folder: Path, ports: dict[int, str], log: Path | None) -> None:
        self.folder = folder.absolute()
        self.log = log or self.folder / "log" / f"{self.name}.log"
        self._ports = ports
        self._lock = FolderLock(self.folder, self.name)
        self._running: Running | None = None

    @abc.abstractmethod
    async def make(self) -> Child:
        """Fetch and make what it needs, once; then how to run it. Doing it again changes nothing. The folder must be ours."""

    async def prepare(self) -> Child:
        """Take the folder for this process and make everything ready; how to run it. `release` lets go of the folder."""
        require_space(self.folder)
        try:
            if not self._lock.held:
                self._lock.take()
            return await self.make()
        except OSError as error:
            raise LocalCityError(f"{self.name} could not be made ready in {self.folder}: {reason(str(error))}") from error

    def release(self) -> None:
        """Let another process have the folder. The child must be gone."""
        self._lock.free()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            self.release()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._running is not None:
                await self._running.stop()
        finally:
            self.release()

    async def _start(self) -> None:
        child = await self.prepare()
        await child.before()
        await asyncio.to_thread(require_free, self._ports)
        self._running = await Running.start(child, self.log)
        try:
            await self._running.until_ready()
        except BaseException:
            await self._running.destroy()
            raise

    @property
    def process(self) -> Running:
        if self._running is None:
            raise LocalCityError(f"{self.name} is not running: enter it with `async with` first")
        return self._running

    @property
    def pid(self) -> int:
        return self.process.pid

    async def kill(self) -> None:
        """kill -9, as a power cut would; `restart` brings it back."""
        await self.process.kill()

    async def stop(self) -> None:
        """Stop it in order; `restart` brings it back."""
        await self.process.stop()

    async def restart(self) -> None:
        """Bring it back on the same data and ports, stopping it in order first if it still runs; returns when it is ready."""
        if self.process.alive:
            await self.process.stop()
        await self._start()

    def freeze(self) -> None:
        """Alive but answering nothing until `thaw`."""
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()
