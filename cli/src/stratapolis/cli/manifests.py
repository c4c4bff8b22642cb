"""`city validate` and `city explain`: a manifest, without a city."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from stratapolis.chassis import manifest
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.options import Json
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen

File = Annotated[Path, typer.Argument(metavar="FILE", help="The manifest; `-` reads standard input.", allow_dash=True)]
Field = Annotated[str, typer.Argument(metavar="[FIELD]", help="A path such as spec.price.plans; without it: the whole manifest.")]
MOST = 2 << 20


@told
def validate(file: File, as_json: Json = False) -> None:
    """Check a manifest: every fault with its line and what would be right. Nothing is sent."""
    screen = Screen(as_json)
    _, faults = manifest.read(read_bytes(file))
    screen.data({"file": str(file), "valid": not faults, "faults": [asdict(fault) for fault in faults]})
    for fault in faults:
        screen.line(f"{file}:{fault}".replace(":line ", ":", 1))
    screen.line(f"{len(faults)} {'faults' if len(faults) > 1 else 'fault'}" if faults else f"{file}: no fault")
    if faults:
        raise typer.Exit(1)


@told
def explain(field: Field = "", as_json: Json = False) -> None:
    """Say what a field of the manifest means and what may stand in it."""
    text = manifest.explain(field)
    screen = Screen(as_json)
    screen.data({"field": field, "text": text})
    screen.line(text)


def read_bytes(file: Path) -> bytes:
    """A file's bytes, or standard input's; a size that no manifest has is refused unread."""
    if str(file) == "-":
        return sys.stdin.buffer.read(MOST)
    if not file.exists():
        raise LocalCityError(f"there is no file {file}")
    if file.is_dir():
        raise LocalCityError(f"{file} is a folder: name the files in it")
    with file.open("rb") as opened:
        return opened.read(MOST)
