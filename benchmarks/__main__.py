"""`make bench`: every figure, as a table and as JSON. `python -m benchmarks events` runs some; `--json FILE` keeps the report."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import events, history, journeys, observations
from benchmarks.figure import Figure

PARTS: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "events": events.run,
    "observations": observations.run,
    "journeys": journeys.run,
    "rest": journeys.at_rest,
    "history": history.run,
}


def main() -> None:
    """Run the parts named, all by default."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure what the README says. Targets are for two cores; they are printed, never asserted."
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts; all by default")
    parser.add_argument("--json", type=Path, help="also write the report here")
    asked = parser.parse_args()
    figures = asyncio.run(measure(asked.parts or list(PARTS)))
    table = Table("figure", "value", "target", "", title=f"{os.cpu_count()} cores, Python {platform.python_version()}")
    for figure in figures:
        table.add_row(figure.what, f"{figure.value:,.1f} {figure.unit}", figure.target, {True: "met", False: "missed", None: ""}[figure.met])
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps([f.as_json() for f in figures], indent=2))


async def measure(parts: list[str]) -> list[Figure]:
    """Each part on ground of its own."""
    figures = []
    for name in parts:
        sys.stderr.write(f"measuring {name} ...\n")
        figures += await PARTS[name]()
    return figures


if __name__ == "__main__":
    main()
