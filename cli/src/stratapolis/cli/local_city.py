"""`city up`, `city init`, `city reset`: the local city."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from stratapolis.cli import founding
from stratapolis.cli.local import endpoints
from stratapolis.cli.local.city import City, Interrupted, wipe
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.process import Running
from stratapolis.cli.options import HERE, Folder, Json
from stratapolis.cli.people import OFFICER
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen

Base = Annotated[int, typer.Option("--base", help="First of the city's ports: Kafka +92, PostgreSQL +432, gRPC +101.., HTTP +201.., services +300..")]


@told
async def up(
    base: Base = 7000,
    folder: Folder = HERE,
    kafka: Annotated[str, typer.Option("--kafka", metavar="HOST:PORT", help="Use this Kafka instead of an own one.")] = "",
    postgres: Annotated[str, typer.Option("--postgres", metavar="DSN", help="Use this PostgreSQL: the DSN of a role that may make databases and roles.")] = "",
    artefacts: Annotated[list[Path] | None, typer.Option("--artefacts", help="Folder below which artefacts may lie; repeatable. Without it: here.")] = None,
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="Show the processes' logs; they are kept in FOLDER/log either way.")] = True,
    as_json: Json = False,
) -> None:
    """Start a city and keep it running; Ctrl-C stops it in order. Data stay in the folder."""
    screen, began = Screen(as_json), time.monotonic()
    roots = [path.absolute() for path in artefacts or [Path.cwd()]]
    if missing := [str(path) for path in roots if not path.is_dir()]:
        raise typer.BadParameter(f"there is no folder {', '.join(missing)}", param_hint="--artefacts")
    city = City(
        folder, base, kafka=kafka, postgres=postgres, artefacts=roots, say=_say, echo=_say if logs else None, coloured=screen.is_terminal, progress=_fetched
    )
    if not city.processes:
        raise LocalCityError("no layer is installed here")
    try:
        async with city:
            _show(screen, city, time.monotonic() - began)
            await city.wait()
    except Interrupted as error:
        raise LocalCityError(str(error)) from None


def _say(line: str) -> None:
    """Beside the answer: a program reads only that."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _fetched(done: int, total: int) -> None:
    if done % 10 == 0 or done == total:
        _say(f"fetching Kafka: {done} of {total} jars")


def _show(screen: Screen, city: City, seconds: float) -> None:
    running: dict[str, Running] = {name: city.process(name) for name in city.names}
    shown = [{"name": name, "pid": each.pid, "grpc": city.grpc_of(name), "http": city.http_of(name), "log": str(each.log)} for name, each in running.items()]
    screen.data({"folder": str(city.folder), "base": city.ports.base, "processes": shown, "seconds": round(seconds, 1)})
    screen.line(f"the city is up after {seconds:.1f} s, in {city.folder}", style="bold")
    screen.table(("PROCESS", "PID", "GRPC", "HTTP"), [(str(p["name"]), str(p["pid"]), str(p["grpc"]), str(p["http"])) for p in shown])
    who = "founded; the officer's key is in its folder" if city.people.find(OFFICER) else "not founded: connectivity or policy is missing"
    screen.line(f"{who}. Next: city status, city propose FILE. Ctrl-C stops it.")
    sys.stdout.flush()


@told
async def init(folder: Folder = HERE, as_json: Json = False) -> None:
    """Found the city: its first officer, its founding policy, its default pool. Once; `city up` does it by itself."""
    at = endpoints.read(folder)
    officer = await founding.found(folder.absolute(), at, folder.absolute() / "keys")
    screen = Screen(as_json)
    screen.data({"officer": officer.subject})
    screen.line(f"founded; the officer is {officer.subject}")


@told
async def reset(folder: Folder = HERE, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False, as_json: Json = False) -> None:
    """Wipe everything a stopped city keeps: both stores together, keys and people."""
    screen = Screen(as_json)
    if not folder.exists():
        screen.data({"wiped": False})
        screen.line(f"there is nothing in {folder}")
        return
    if (folder / "city.json").exists() and endpoints.read(folder).outside:
        raise LocalCityError("this city's stores are somebody else's: drop their databases and topics there, then remove its folder")
    if not yes:
        typer.confirm(f"Wipe the city in {folder.absolute()}, with all its data?", abort=True)
    await asyncio.to_thread(wipe, folder.absolute())
    screen.data({"wiped": True})
    screen.line(f"wiped; the next `city up` in {folder} begins from nothing")
