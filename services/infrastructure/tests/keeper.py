"""The layer in a process of its own that kills itself: keeper.py DSN FOLDER FIRST_PORT END_PORT POINT.

Points of its first start: `placed` (noted, not begun), `started` (begun, not noted), `noted` (both).
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from stratapolis.chassis.db import Database
from stratapolis.infrastructure.domain.deployment import Deployment, Process
from stratapolis.infrastructure.providers.process import ProcessProvider
from stratapolis.infrastructure.providers.provider import Artefact

from services.infrastructure.tests.builders import Layer

STARTED: list[Process] = []
start = ProcessProvider.start


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(dsn: str, folder: str, first: int, end: int, point: str) -> None:
    async def start_and_die(provider: ProcessProvider, deployment: Deployment, artefact: Artefact) -> Process:
        if point == "placed":
            die()
        STARTED.append(await start(provider, deployment, artefact))
        if point == "started":
            die()
        return STARTED[0]

    ProcessProvider.start = start_and_die  # type: ignore[method-assign,assignment]
    async with Database(dsn, name="infrastructure") as db:
        layer = Layer(db, Path(folder), range(first, end))
        while True:
            await layer.tend()
            if STARTED:
                die()
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
