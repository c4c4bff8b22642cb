"""Code of another release beside today's: taken from git into a folder of its own, its contracts compiled there, found before what is installed."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from e2e_tests.conftest import LAYERS, ROOT

IMPORTED = "import importlib, sys; [print(importlib.import_module(f'stratapolis.{name}.wiring').__file__) for name in sys.argv[1:]]"
FIRST = 0.5
"""Share of the layers whose first replica, the one that peers and clients call, is of the previous release; of the others it is the second."""


@dataclass(frozen=True, slots=True)
class Previous:
    """A release's code, and the processes that run it: one replica of each layer."""

    folder: Path
    processes: frozenset[str]

    def retold(self, process: str, told: dict[str, str]) -> dict[str, str]:
        """What a process is told: where its code is, if it is one of these."""
        return told | self._found() if process in self.processes else told

    def _found(self) -> dict[str, str]:
        return {"PYTHONPATH": os.pathsep.join(map(str, [self.folder / "protos" / "gen", *sorted(self.folder.glob("services/*/src"))]))}

    async def check(self) -> None:
        """Be sure that it is this code that runs: every layer's wiring is imported from the folder."""
        found = (await _run([sys.executable, "-c", IMPORTED, *LAYERS], self.folder, dict(os.environ) | self._found())).split()
        if astray := [file for file in found if not Path(file).is_relative_to(self.folder)]:
            raise RuntimeError(f"not of the previous release: {', '.join(astray)}")


@asynccontextmanager
async def checked_out(ref: str, layers: Sequence[str] = LAYERS) -> AsyncIterator[Previous]:
    """The code of a git ref; gone afterwards. Raises RuntimeError when there is no such ref or its contracts do not compile."""
    with TemporaryDirectory(prefix="previous-") as scratch:
        folder = Path(scratch)
        await _run(["git", "archive", "--format=tar", f"--output={folder}/code.tar", ref], ROOT)
        await _run(["tar", "-xf", "code.tar"], folder)
        await _run([sys.executable, str(folder / "infra" / "build" / "compile_contracts.py")], folder)
        old = frozenset(layer if number < FIRST * len(layers) else f"{layer}-2" for number, layer in enumerate(layers))
        made = Previous(folder, old)
        await made.check()
        yield made


async def _run(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    """What a command says; raises RuntimeError with what it complains of."""
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(*command, cwd=folder, env=env, stdout=pipe, stderr=pipe)
    out, err = await running.communicate()
    if running.returncode:
        raise RuntimeError(f"{command[0]} failed: {err.decode().strip()[-1_000:]}")
    return out.decode()
