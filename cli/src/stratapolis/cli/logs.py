"""`city logs`: what a layer has said, as plain text."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from stratapolis.cli.local import endpoints, record
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.options import HERE, Folder, Json
from stratapolis.cli.refused import told

LEVELS = ("debug", "info", "warning", "error", "critical")
WORDS = {"LOG": "info", "NOTICE": "info", "WARN": "warning", "SEVERE": "error", "FATAL": "critical", "PANIC": "critical"}
"""What Kafka and PostgreSQL call a level."""
SPOKEN = re.compile(r"\b(DEBUG|INFO|LOG|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|PANIC)\b")
SHOWN_OTHERWISE = ("timestamp", "level", "event", "app", "instance", "exception")
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log. `said` has its fields where it is JSON; what has no level of its own goes with the line before it."""

    text: str
    level: str
    said: dict[str, Any]

    def plain(self) -> str:
        """As people read it: time, level, what happened, and what belongs to it."""
        if not self.said:
            return self.text
        more = [f"{name}={value}" for name, value in self.said.items() if name not in SHOWN_OTHERWISE]
        at = str(self.said.get("timestamp", "")).replace("T", " ")[:23]
        head = "  ".join(part for part in (at, f"{self.level:<8}", str(self.said.get("event", "")), " ".join(more)) if part)
        return "\n".join([head, *str(self.said.get("exception", "")).splitlines()])

    def data(self) -> str:
        """As programs read it: one JSON object a line."""
        return json.dumps(self.said or {"level": self.level, "event": self.text}, ensure_ascii=False)


@told
def logs(
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="A layer such as governance; or governance-2, kafka, postgres.")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="The most to show of what was said already.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is said from now on, until the city stops or Ctrl-C.")] = False,
    level: Annotated[str, typer.Option("--level", help="Only this level and worse: debug, info, warning, error or critical.")] = "debug",
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Show what a process of the local city has logged, as plain text; with --json one object a line. A stopped city's logs are kept."""
    if level not in LEVELS:
        raise typer.BadParameter(f"a level is one of {', '.join(LEVELS)}", param_hint="--level")
    endpoints.read(folder)
    log, wanted = _log_of(layer, folder), LEVELS[LEVELS.index(level) :]

    def print_line(line: Line) -> None:
        sys.stdout.write((line.data() if as_json else line.plain()) + "\n")
        sys.stdout.flush()

    if follow and not _runs(folder):
        raise LocalCityError(f"the city in {folder} does not run, nothing more will be said: leave --follow out, or start it with `city up`")
    with log.open("rb") as file:
        last = deque((line for line in read(_complete(file)) if line.level in wanted), maxlen=lines)
        for line in last:
            print_line(line)
        if follow:
            for line in read(onward(file, log, lambda: _runs(folder))):
                if line.level in wanted:
                    print_line(line)


def read(texts: Iterable[str]) -> Iterator[Line]:
    """Lines of a log, each with its level."""
    level = "info"
    for text in texts:
        said = _said(text)
        spoken = SPOKEN.search(text) if not said else None
        if said:
            level = str(said.get("level", "info"))
        elif spoken is not None:
            level = WORDS.get(spoken[1], spoken[1].lower())
        yield Line(text, level, said)


def onward(file: BinaryIO, log: Path, runs: Callable[[], bool]) -> Iterator[str]:
    """What is appended to a log, as long as its city runs; one that was begun anew is read from its beginning."""
    while True:
        goes_on = runs()
        if log.exists() and log.stat().st_size < file.tell():
            file.seek(0)
        yield from _complete(file)
        if not goes_on:
            return
        time.sleep(PAUSE)


def _complete(file: BinaryIO) -> Iterator[str]:
    """Whole lines from where the file stands; of one that is still written, nothing."""
    while line := file.readline():
        if not line.endswith(b"\n"):
            file.seek(-len(line), 1)
            return
        yield line.decode(errors="replace").rstrip("\n")


def _said(text: str) -> dict[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _log_of(layer: str, folder: Path) -> Path:
    """The log of a process; raises where there is none, and says which there are."""
    found = {path.stem: path for path in sorted((folder / "log").glob("*.log"))}
    if layer not in found:
        near = get_close_matches(layer, found, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise LocalCityError(f"no process of the city in {folder} is called {layer}; {meant}there are {', '.join(found) or 'no logs yet'}")
    return found[layer]


def _runs(folder: Path) -> bool:
    return any(each.alive for each in record.read(folder))
