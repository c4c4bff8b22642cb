"""What runs in a city's folder, kept on disk: so that `city status` can say it and a later start can end what a killed one left."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stratapolis.cli.local.process import end, still_there


@dataclass(frozen=True, slots=True)
class Recorded:
    """A process by name, number and start time; the last two together are never another's."""

    name: str
    pid: int
    started: float

    @property
    def alive(self) -> bool:
        return still_there(self.pid, self.started)


def write(folder: Path, processes: Sequence[Recorded]) -> None:
    """Whole or not at all."""
    path = folder / "run.json"
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump([asdict(each) for each in processes], file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read(folder: Path) -> tuple[Recorded, ...]:
    """What was running when it was last written; look at `alive`."""
    try:
        return tuple(Recorded(**each) for each in json.loads((folder / "run.json").read_text()))
    except FileNotFoundError:
        return ()


def end_left(folder: Path) -> tuple[Recorded, ...]:
    """End what an earlier launcher left running and forget it; who that was. Call it with the folder's lock held; blocks."""
    left = tuple(each for each in read(folder) if each.alive)
    end({each.pid: each.started for each in left})
    forget(folder)
    return left


def forget(folder: Path) -> None:
    (folder / "run.json").unlink(missing_ok=True)
