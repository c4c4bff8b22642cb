"""Children's logs on the terminal, each line with its child's name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_PAUSE = 0.1
_WIDTH = 14


async def follow(name: str, log: Path, print_line: Callable[[str], None], *, colour: int | None = None) -> None:
    """Print what is appended to a log from now on, until cancelled. The child writes to its file, so a slow terminal never holds it up."""
    prefix = name.ljust(_WIDTH) if colour is None else f"\033[{_COLOURS[colour % len(_COLOURS)]}m{name.ljust(_WIDTH)}\033[0m"
    at, rest = _size(log), b""
    while True:
        if _size(log) < at:  # begun anew
            at = 0
        fresh = _read(log, at)
        at += len(fresh)
        *lines, rest = (rest + fresh).split(b"\n")
        for line in lines:
            print_line(f"{prefix} {line.decode(errors='replace')}")
        await asyncio.sleep(_PAUSE)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _read(log: Path, at: int) -> bytes:
    if not log.exists():
        return b""
    with log.open("rb") as file:
        file.seek(at)
        return file.read(1 << 20)
