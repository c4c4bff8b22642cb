"""The ports of a local city, and who holds one that is taken."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

import psutil
from stratapolis.cli.local.errors import LocalCityError

LAYERS = ("value_catalog", "innovation", "governance", "policy", "data", "connectivity", "infrastructure")
HOST = "127.0.0.1"
_EPHEMERAL = 32768


@dataclass(frozen=True, slots=True)
class CityPorts:
    """All ports of one city, counted from one number; all below 32768.

    Above that a client that retries a closed port can be given that very port as its own, is connected to itself, and the server
    cannot bind it any more.
    """

    base: int = 7000

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= _EPHEMERAL - 500:
            raise LocalCityError(f"port base {self.base} does not work: choose one from 1024 to {_EPHEMERAL - 500}")

    @property
    def kafka(self) -> int:
        return self.base + 92

    @property
    def kafka_controller(self) -> int:
        return self.base + 93

    @property
    def postgres(self) -> int:
        return self.base + 432

    def grpc(self, layer: str) -> int:
        return self.base + 101 + LAYERS.index(layer)

    def http(self, layer: str) -> int:
        return self.base + 201 + LAYERS.index(layer)

    @property
    def creators(self) -> range:
        """For the processes of value creators' services."""
        return range(self.base + 300, self.base + 400)

    @property
    def stores(self) -> dict[int, str]:
        return {self.kafka: "Kafka", self.kafka_controller: "Kafka's controller", self.postgres: "PostgreSQL"}

    @property
    def all(self) -> dict[int, str]:
        """Every fixed port and what it is for."""
        grpc = {self.grpc(layer): f"{layer} (gRPC)" for layer in LAYERS}
        return self.stores | grpc | {self.http(layer): f"{layer} (HTTP)" for layer in LAYERS}


def taken(ports: Mapping[int, str], host: str = HOST) -> dict[int, str]:
    """The ports that cannot be bound now, each with its holder as a person would name him."""
    busy = [port for port in ports if not _free(host, port)]
    holders = _holders() if busy else {}
    return {port: holders.get(port, "another user's process") for port in busy}


def require_free(ports: Mapping[int, str], host: str = HOST) -> None:
    """Raise, naming every taken port and its holder in one line."""
    if busy := taken(ports, host):
        named = ", ".join(f"{port} for {ports[port]} is held by {holder}" for port, holder in busy.items())
        raise LocalCityError(f"port taken: {named}; stop that, or choose another port base")


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _holders() -> dict[int, str]:
    found = {}
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr:
                found[connection.laddr.port] = f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:  # without rights, as on macOS, the port is still named
        pass
    return found
