"""`make bench`: every figure, as a table and as JSON. `python -m benchmarks events` runs some; `--json FILE` keeps the report."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import decisions, endurance, events, history, journeys, observations, search
from benchmarks.figure import Figure

Part = Callable[[], Coroutine[Any, Any, list[Figure]]]
PARTS: dict[str, Part] = {
    "events": events.run,
    "observations": observations.run,
    "decisions": decisions.run,
    "search": search.run,
    "journeys": journeys.run,
    "crowd": journeys.crowd,
    "memory": endurance.run,
    "rest": journeys.at_rest,
    "history": history.run,
}


def main() -> None:
    """Run the parts named, all by default."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure what the README says. Targets are for two cores; they are printed, never asserted."
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all by default")
    parser.add_argument("--minutes", type=float, default=endurance.MINUTES, help="how long the part `memory` keeps the city under load")
    parser.add_argument("--json", type=Path, help="also write the report here")
    asked = parser.parse_args()
    parts: dict[str, Part] = {**PARTS, "memory": partial(endurance.run, minutes=asked.minutes)}
    found: list[Figure] = []
    for name in asked.parts or PARTS:
        sys.stderr.write(f"measuring {name} ...\n")
        found += (figures := uvloop.run(parts[name]()))
        show(name, figures)
    if asked.json:
        about = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
        asked.json.write_text(json.dumps({**about, "figures": [f.as_json() for f in found]}, indent=2))


def show(part: str, figures: list[Figure]) -> None:
    """A part's figures, as soon as they are there."""
    table = Table("figure", "value", "target", "", title=f"{part}: {os.cpu_count()} cores, Python {platform.python_version()}", title_justify="left")
    for figure in figures:
        table.add_row(figure.what, f"{figure.value:,.1f} {figure.unit}", figure.target, {True: "met", False: "missed", None: figure.note}[figure.met])
    Console().print(table)


if __name__ == "__main__":
    main()
