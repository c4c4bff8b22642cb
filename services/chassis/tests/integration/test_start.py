"""Every layer as a real process: one that is told nonsense ends at once, says which variables are wrong, and shows none of their values."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stratapolis.cli.local.layers import existing
from stratapolis.cli.local.postgres import Postgres
from stratapolis.cli.people import new_pem

SECRET = "hunter2"
SECONDS = 3.0
"""Of work: on a machine that is busy otherwise the clock says nothing of the process."""
HUNG_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    worked: float
    said: str


def _run(layer: str, environ: dict[str, str], folder: Path) -> Ended:
    out = folder / f"{layer}.out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", f"stratapolis.{layer}"], env={"PATH": os.environ["PATH"]} | environ, cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(process.returncode, usage.ru_utime + usage.ru_stime, out.read_text())


async def test_every_layer_names_what_is_missing_unknown_or_wrong_within_three_seconds(tmp_path: Path) -> None:
    async def ended(layer: str) -> Ended:
        ours = f"CITY_{layer.upper()}_"
        wrong = {f"{ours}DATABASE": f"mysql://{layer}:{SECRET}@db/x", f"{ours}HTTP_PORT": SECRET, f"{ours}NONSENSE": SECRET, "CITY_KAFKA": SECRET}
        return await asyncio.to_thread(_run, layer, wrong, tmp_path)

    layers = existing()
    async with asyncio.timeout(HUNG_SECONDS):
        found = dict(zip(layers, await asyncio.gather(*map(ended, layers)), strict=True))
    for layer, process in found.items():
        ours = f"CITY_{layer.upper()}_"
        named = {line.partition(":")[0] for line in process.said.splitlines()}
        assert {f"{ours}DATABASE", f"{ours}HTTP_PORT", f"{ours}NONSENSE", f"{ours}GRPC_PORT", "CITY_KAFKA", "CITY_CONNECTIVITY_URL"} <= named, process
        assert process.code == 2, process
        assert SECRET not in process.said, process
        assert "Traceback" not in process.said, process
        assert process.worked < SECONDS, process
    assert len(found) >= 6


async def test_a_database_that_does_not_take_the_layer_is_named_by_its_variable(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(new_pem())
    dsn = f"postgresql://nobody:{SECRET}@{postgres.dsn().rpartition('@')[2]}"
    environ = {
        "CITY_KAFKA": "127.0.0.1:1", "CITY_CONNECTIVITY_URL": "http://127.0.0.1:1", "CITY_GOVERNANCE_DATABASE": dsn, "CITY_GOVERNANCE_GRPC_PORT": "1",
        "CITY_GOVERNANCE_HTTP_PORT": "1", "CITY_GOVERNANCE_KEY_FILE": str(tmp_path / "key.pem"),
    }  # fmt: skip
    async with asyncio.timeout(HUNG_SECONDS):
        process = await asyncio.to_thread(_run, "governance", environ, tmp_path)
    assert process.code == 2, process
    (line,) = process.said.splitlines()
    assert line.startswith("CITY_GOVERNANCE_DATABASE: PostgreSQL says: ")
    assert SECRET not in line
