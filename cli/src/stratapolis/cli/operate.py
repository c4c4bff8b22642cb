"""`city status`, `city pools`, `city artefacts`: for operators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from city.infrastructure.v1.artefact_service_pb2 import ListArtefactsRequest, RegisterArtefactRequest
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.infrastructure.v1.pool_pb2 import Amount
from city.infrastructure.v1.pool_service_pb2 import ListPoolsRequest, RegisterPoolRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.condition import conditions
from stratapolis.cli.local import endpoints, record
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock
from stratapolis.cli.session import pages, session

pools = typer.Typer(help="Show pools: capacity, what is held, what is free.", invoke_without_command=True)
artefacts = typer.Typer(help="Software that services may run.", no_args_is_help=True)


@told
async def status(folder: Folder = HERE, as_json: Json = False) -> None:
    """Show every process of the city: whether it is ready or stuck, dead letters, what it has not heard yet, how long events were on their way. The exit code is 0 only if all are ready."""
    at, screen = endpoints.read(folder), Screen(as_json)
    running = {each.name: each.pid for each in record.read(folder) if each.alive}
    if not running:
        raise LocalCityError(f"the city in {folder} does not run: `city up` starts it")
    found = await conditions(at, running)
    screen.data({"processes": [each.data() for each in found]})
    rows = [
        (each.name, each.state, str(each.pid or ""), each.grpc, each.http, each.dead_letters, each.lag, each.outbox, each.stale_holds, each.hop)
        for each in found
    ]
    screen.table(("PROCESS", "STATE", "PID", "GRPC", "HTTP", "DEAD LETTERS", "LAG", "OUTBOX", "STALE HOLDS", "HOP"), rows)
    if any(not each.is_ready for each in found):
        raise typer.Exit(1)


@pools.callback()
@told
async def list_pools(context: typer.Context, limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show pools: capacity, what is held, what is free."""
    if context.invoked_subcommand is not None:
        return
    async with session(folder, as_) as client:
        found = await pages(client.stub(PoolServiceStub, "infrastructure").ListPools, ListPoolsRequest(), "pools", limit)
    screen = Screen(as_json)
    screen.data({"pools": [as_data(each) for each in found]})
    screen.table(("POOL", "CAPACITY", "HELD", "FREE"), [(p.name, _amount(p.capacity), _amount(p.used), _amount(p.free)) for p in found], empty="no pool")


@pools.command("register")
@told
async def register_pool(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the pool: small letters, digits, dashes.")],
    cpu_millis: Annotated[int, typer.Option("--cpu-millis", min=1, help="CPU in thousandths of a core.")],
    memory_mib: Annotated[int, typer.Option("--memory-mib", min=1, help="Memory in MiB.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Register a pool, or change the size of one (operator)."""
    request = RegisterPoolRequest(request_id=new_id(), name=name, capacity=Amount(cpu_millis=cpu_millis, memory_mib=memory_mib))
    async with session(folder, as_) as client:
        pool = (await client.stub(PoolServiceStub, "infrastructure").RegisterPool(request)).pool
    screen = Screen(as_json)
    screen.data(as_data(pool))
    screen.line(f"pool {pool.name}: {_amount(pool.capacity)}, {_amount(pool.free)} free")


@artefacts.command("register")
@told
async def register_artefact(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name that manifests use.")],
    files: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with the files, below one that `city up --artefacts` names.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="What is run; {python} and {folder} stand for themselves. The port is in PORT.")],
    sha256: Annotated[str, typer.Option("--sha256", help="The sum that the files must have; without it: whatever they have now.")] = "",
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Register software by name and sum (operator); a manifest names it, never a command. Write `--` before a command with options."""
    request = RegisterArtefactRequest(request_id=new_id(), name=name, folder=str(files.absolute()), argv=command, sha256=sha256)
    async with session(folder, as_) as client:
        artefact = (await client.stub(ArtefactServiceStub, "infrastructure").RegisterArtefact(request)).artefact
    screen = Screen(as_json)
    screen.data(as_data(artefact))
    screen.line(f"registered {artefact.name}, sha256 {artefact.sha256}")


@artefacts.command("list")
@told
async def list_artefacts(limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Show what later deployments run."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(ArtefactServiceStub, "infrastructure").ListArtefacts, ListArtefactsRequest(), "artefacts", limit)
    screen = Screen(as_json)
    screen.data({"artefacts": [as_data(each) for each in found]})
    rows = [(a.name, a.sha256[:12], a.folder, " ".join(a.argv), clock(a.register_time)) for a in found]
    screen.table(("ARTEFACT", "SHA256", "FOLDER", "COMMAND", "SINCE"), rows, empty="no artefact: city artefacts register NAME FOLDER COMMAND")


def _amount(amount: Amount) -> str:
    return f"{amount.cpu_millis / 1000:g} CPU, {amount.memory_mib:,} MiB"
