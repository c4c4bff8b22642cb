"""The layers as processes: which there are, what they are told, and how each is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx
from stratapolis.cli.local.endpoints import Endpoints
from stratapolis.cli.local.ports import HOST, LAYERS, CityPorts
from stratapolis.cli.local.process import Child
from stratapolis.cli.people import new_pem, public_pem, write_secret

IN_JOURNEYS = ("value_catalog", "policy", "data", "connectivity", "infrastructure", "innovation")
"""Layers that governance asks; those that do not run are not asked."""
FOUNDER = "founder"
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "TERM", "USER")


def existing() -> tuple[str, ...]:
    """The layers that are installed, in the order of their ports."""
    return tuple(layer for layer in LAYERS if _program(layer))


def _program(layer: str) -> bool:
    spec = find_spec(f"stratapolis.{layer}")
    folders = spec.submodule_search_locations if spec is not None else None
    return any((Path(folder) / "__main__.py").exists() for folder in folders or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process of a layer; replica 0 is the one its peers call."""

    layer: str
    replica: int = 0

    @property
    def name(self) -> str:
        """As it stands in logs: `governance`, `governance-2`."""
        return f"{self.layer}-{self.replica + 1}" if self.replica else self.layer

    def grpc(self, ports: CityPorts) -> int:
        return ports.grpc(self.layer) + 10 * self.replica

    def http(self, ports: CityPorts) -> int:
        return ports.http(self.layer) + 10 * self.replica


def endpoints(processes: tuple[Process, ...], ports: CityPorts, *, kafka: str, outside: bool) -> Endpoints:
    """Where the faces of these processes are."""
    grpc: dict[str, list[str]] = {}
    http: dict[str, list[str]] = {}
    for each in processes:
        grpc.setdefault(each.layer, []).append(f"{HOST}:{each.grpc(ports)}")
        http.setdefault(each.layer, []).append(f"{HOST}:{each.http(ports)}")
    token_url = f"http://{HOST}:{ports.http('connectivity')}/oauth2/token"
    return Endpoints(base=ports.base, kafka=kafka, token_url=token_url, grpc=grpc, http=http, outside=outside)


def make_keys(folder: Path, layers: tuple[str, ...]) -> Path:
    """A key pair for each layer and the founder, made once; the folder with the public ones."""
    public = folder / "public"
    public.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (*layers, FOUNDER):
        private = folder / f"{name}.pem"
        if not private.exists():
            write_secret(private, new_pem())
        (public / f"{name}.pub.pem").write_text(public_pem(private.read_text()))
    return public


def environment(
    process: Process, at: Endpoints, *, database: str, keys: Path, work: Path, artefacts: tuple[Path, ...], inherited: Mapping[str, str]
) -> dict[str, str]:
    """What a layer's process is told. What the caller's own environment says of the city comes with it."""
    ports, prefix = CityPorts(at.base), f"CITY_{process.layer.upper()}_"
    told = {name: value for name, value in inherited.items() if name in _PASSED_ON or name.startswith("CITY_")}
    told |= {
        "CITY_KAFKA": at.kafka,
        "CITY_CONNECTIVITY_URL": at.token_url.removesuffix("/oauth2/token"),
        "CITY_PEERS": ",".join(f"{layer}={addresses[0]}" for layer, addresses in at.grpc.items() if layer != process.layer),
        "CITY_INSTANCE": process.name,
        f"{prefix}DATABASE": database,
        f"{prefix}GRPC_PORT": str(process.grpc(ports)),
        f"{prefix}HTTP_PORT": str(process.http(ports)),
        f"{prefix}KEY_FILE": str(keys / f"{process.layer}.pem"),
        "PYTHONUNBUFFERED": "1",
    }
    if process.layer == "connectivity":
        told[f"{prefix}PUBLIC_KEYS"] = str(keys / "public")
    if process.layer == "governance":
        told.setdefault(f"{prefix}LAYERS", ",".join(layer for layer in at.layers if layer in IN_JOURNEYS))
    if process.layer == "infrastructure":
        told |= {
            f"{prefix}WORK_FOLDER": str(work),
            f"{prefix}ARTEFACT_ROOTS": os.pathsep.join(map(str, artefacts)),
            f"{prefix}FIRST_PORT": str(ports.creators.start),
            f"{prefix}LAST_PORT": str(ports.creators.stop - 1),
        }
    return told


def child(process: Process, at: Endpoints, env: Mapping[str, str], *, cwd: Path) -> Child:
    """How a layer's process is run; ready when it says so itself."""
    url = f"http://{at.http[process.layer][process.replica]}/health/ready"
    return Child(
        name=process.name,
        argv=(sys.executable, "-m", f"stratapolis.{process.layer}"),
        cwd=cwd,
        env=env,
        ready=lambda: is_ready(url),
        stop_within=60.0,
    )


async def is_ready(url: str) -> bool:
    """Whether a layer says that it may be called."""
    try:
        async with httpx.AsyncClient(timeout=1, trust_env=False, verify=False) as client:  # noqa: S501 - plain HTTP on the loopback: reading the certificates would cost more than the start
            return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
