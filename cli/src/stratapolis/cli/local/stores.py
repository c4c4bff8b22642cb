"""Kafka and PostgreSQL together, in one folder on one port base: what tests, benchmarks and the city itself stand on."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from stratapolis.cli.local import ground
from stratapolis.cli.local.jars import Progress
from stratapolis.cli.local.kafka import Kafka
from stratapolis.cli.local.lock import FolderLock
from stratapolis.cli.local.ports import CityPorts
from stratapolis.cli.local.postgres import Postgres


class Stores:
    """Both stores, ready inside the `async with`.

        async with Stores(folder, 21000) as stores:
            stores.kafka.bootstrap                                  # "127.0.0.1:21092"
            await stores.postgres.create_database("governance")     # a dsn

    Data are kept for the next time; `keep=False` starts from nothing and leaves nothing.
    """

    def __init__(
        self, folder: Path, base: int = 7000, *, cache: Path | None = None, java: Path | None = None, keep: bool = True, progress: Progress | None = None
    ) -> None:
        self.folder, self._keep = folder.absolute(), keep
        ports = CityPorts(base)
        log = self.folder / "log"
        self.kafka = Kafka(self.folder / "kafka", ports.kafka, ports.kafka_controller, cache=cache, java=java, log=log / "kafka.log", progress=progress)
        self.postgres = Postgres(self.folder / "postgres", ports.postgres, log=log / "postgres.log")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if not self._keep:
            await asyncio.to_thread(wipe, self.folder)
        try:
            async with asyncio.TaskGroup() as group:
                for store in (self.kafka, self.postgres):
                    group.create_task(self._stack.enter_async_context(store))
        except BaseExceptionGroup as failed:
            await self._close()
            raise failed.exceptions[0] from None
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._close()

    async def _close(self) -> None:
        await self._stack.aclose()
        if not self._keep:
            await asyncio.to_thread(wipe, self.folder)


def wipe(folder: Path) -> None:
    """Both stores' data, always together: one without the other is a city that contradicts itself. Refused while one runs."""
    for store in ("kafka", "postgres"):
        if (folder / store).exists():
            with FolderLock(folder / store, store):
                pass
    ground.wipe(folder / "postgres")
    shutil.rmtree(folder / "kafka", ignore_errors=True)
