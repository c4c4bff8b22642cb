from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.ports import HOST, CityPorts, taken
from stratapolis.cli.local.process import running_in
from stratapolis.cli.local.stores import Stores, wipe

from cli.tests.conftest import OWN

LAUNCHER = """
import asyncio, sys
from pathlib import Path
from stratapolis.cli.local.stores import Stores

async def main():
    async with Stores(Path(sys.argv[1]), int(sys.argv[2])) as stores:
        print(await stores.postgres.create_database("kept"), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def entries(folder: Path) -> list[str] | None:
    return [each.name for each in folder.iterdir()] if folder.exists() else None


async def test_stores_end_with_a_launcher_that_was_killed_and_come_back_with_their_data(tmp_path: Path) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(tmp_path), str(OWN)], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  # it returns at once
    try:
        assert launcher.stdout is not None
        dsn = (await asyncio.to_thread(launcher.stdout.readline)).strip()
        assert dsn
    finally:
        os.kill(launcher.pid, signal.SIGKILL)
        launcher.communicate()
    async with Stores(tmp_path, OWN) as stores:
        assert await stores.postgres.create_database("kept") == dsn
        data = Path(stores.postgres.process.child.argv[2])
        with pytest.raises(LocalCityError, match="is already running"):
            wipe(tmp_path)
        assert stores.postgres.process.alive
    assert running_in(tmp_path / "kafka", "java") == {}
    wipe(tmp_path)
    assert entries(data) is None
    assert entries(tmp_path) == ["log"]


async def test_when_one_store_cannot_start_the_other_is_stopped(tmp_path: Path) -> None:
    ports = CityPorts(OWN)
    stores = Stores(tmp_path, OWN, keep=False)
    with socket.create_server((HOST, ports.kafka_controller)):
        with pytest.raises(LocalCityError, match=f"port taken: {ports.kafka_controller} for Kafka's controller"):
            await stores.__aenter__()
        assert set(taken(ports.stores)) == {ports.kafka_controller}
