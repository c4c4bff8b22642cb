"""`city new`: begins what a value creator goes on with."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Annotated

import typer
from city.manifest.v1.manifest_pb2 import Metadata
from stratapolis.chassis import manifest
from stratapolis.chassis.validation import broken_rules
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.options import Json
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen

app = typer.Typer(help="Begin a service of your own.", no_args_is_help=True)
STARTER = Path(__file__).with_name("starter")
MANIFEST, PROGRAM = Path("service.yaml"), Path("program") / "main.py"
HERE = Path()


@app.callback()
def begin() -> None:
    """Begin a service of your own."""


@app.command()
@told
def service(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the service and of its folder: small letters, digits, dashes.")],
    into: Annotated[Path, typer.Option("--into", help="Folder to make it in.", show_default="here")] = HERE,
    as_json: Json = False,
) -> None:
    """Write a folder with a manifest and a small program that go live as they are: NAME/service.yaml and NAME/program/main.py."""
    text = manifest_of(name)
    place = into / name
    if place.exists() or place.is_symlink():
        raise LocalCityError(f"there is a {place} already: choose another name, or another folder with --into")
    if not into.is_dir():
        raise LocalCityError(f"there is no folder {into}")
    (place / PROGRAM).parent.mkdir(parents=True)
    (place / MANIFEST).write_text(text)
    (place / PROGRAM).write_text((STARTER / PROGRAM).read_text())
    screen = Screen(as_json)
    screen.data({"name": name, "folder": str(place), "manifest": str(place / MANIFEST), "program": str(place / PROGRAM)})
    screen.line(f"made {place / MANIFEST}, what the city is told of it, and {place / PROGRAM}, what runs")
    screen.line("what comes next, in a city that `city up` keeps running from a folder above it:")
    for line in steps(name, place):
        screen.line(f"  {line}")


def steps(name: str, place: Path) -> tuple[str, ...]:
    """The commands that bring it live, by a member of a value creator and by an operator."""
    return (
        f"city validate {place / MANIFEST}",
        f"city artefacts register {name} {(place / PROGRAM).parent} --as officer -- '{{python}}' '{{folder}}/{PROGRAM.name}'",
        f"city propose {place / MANIFEST} --wait",
    )


def manifest_of(name: str) -> str:
    """The manifest of a new service; raises LocalCityError for a name that no service may have."""
    title = name.replace("-", " ").capitalize()
    broken = [each.message for each in broken_rules(Metadata(name=name, title=title, description="a new service")) if each.path == "name"]
    if broken:
        raise LocalCityError(f"{name!r} is no name of a service ({'; '.join(broken)}): small letters, digits and dashes, such as bike-repair")
    text = Template((STARTER / MANIFEST).read_text()).substitute(name=name, title=title)
    _, faults = manifest.read(text.encode())
    if faults:
        raise LocalCityError("; ".join(str(fault) for fault in faults))
    return text
