"""What `city new service` makes runs, and what `city logs --follow` follows ends with its city."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from stratapolis.cli.local import endpoints, record
from stratapolis.cli.local.city import until
from stratapolis.cli.local.endpoints import Endpoints
from stratapolis.cli.local.ports import CityPorts
from stratapolis.cli.local.process import started_at
from stratapolis.cli.local.record import Recorded
from stratapolis.cli.main import app
from typer.testing import CliRunner

SECONDS = 60


@asynccontextmanager
async def running(*argv: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child that ends with the block."""
    child = await asyncio.create_subprocess_exec(
        *argv, env=os.environ | environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def test_a_new_services_program_answers_on_its_port(tmp_path: Path, ports: CityPorts) -> None:
    assert CliRunner().invoke(app, ["new", "service", "hello", "--into", str(tmp_path)]).exit_code == 0
    port, program = ports.creators[-1], tmp_path / "hello" / "program" / "main.py"
    async with (
        running(sys.executable, "-I", str(program), PORT=str(port), CITY_SERVICE_ID="service-1"),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):

        async def answers() -> bool:
            try:
                return bool((await http.get("/health")).json() == {"ready": True})
            except httpx.TransportError:
                return False

        await until(answers, "the program to answer", within=SECONDS)
        assert (await http.get("/?x=1")).json() == {"hello": "city", "service": "service-1"}
        nothing = await http.get("/nothing")
        assert (nothing.status_code, list(nothing.json())) == (404, ["error"])


async def test_a_log_is_followed_until_its_city_stops(tmp_path: Path) -> None:
    endpoints.write(tmp_path, Endpoints(base=7000, kafka="k", token_url="t", grpc={}, http={}))
    log = tmp_path / "log" / "kafka.log"
    log.parent.mkdir()
    log.write_text("first\nlast\n")
    command = [sys.executable, "-c", "from stratapolis.cli.main import main; main()", "logs", "kafka", "--follow", "--lines", "1", "--folder", str(tmp_path)]
    async with running(sys.executable, "-c", "input()") as city:
        record.write(tmp_path, [Recorded("kafka", city.pid, started_at(city.pid))])
        async with asyncio.timeout(SECONDS), running(*command) as follows:
            assert follows.stdout is not None
            assert await follows.stdout.readline() == b"last\n"
            with log.open("a") as file:
                file.write("one mo")
                file.flush()
                file.write("re\n")
            assert await follows.stdout.readline() == b"one more\n"
            log.write_text("anew\n")
            assert await follows.stdout.readline() == b"anew\n"
            city.kill()
            await city.wait()
            assert await follows.wait() == 0
