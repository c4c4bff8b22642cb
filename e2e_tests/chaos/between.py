"""Proxies between the processes of a city and all that they call: Kafka, each its own way to the database, each layer as its peers call it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from stratapolis.cli.local.city import City
from stratapolis.cli.local.kafka import Kafka
from stratapolis.cli.local.ports import HOST, LAYERS, CityPorts

from e2e_tests.chaos.proxy import Proxy

KAFKA, APART, CALLS, DATABASES = 434, 435, 436, 443
"""Ports, counted from the city's base: layers in the order of theirs, databases in the order of their processes."""


class Between:
    """Proxies for the processes of a city on a port base; enter it before the city.

        async with Between(17000, processes) as between, City(..., retold=between.retold) as city:
            between["policy"].stall()                          # as its peers call it
            between["postgres of governance-2"].reset()
            between["kafka"].delay = 0.1

    `join(city)` before the city is entered gives Kafka the door that the proxy stands before. Tests and the city's own start do not go through these.
    """

    def __init__(self, base: int, processes: Sequence[str]) -> None:
        self._ports = ports = CityPorts(base)
        databases = {f"postgres of {name}": Proxy(base + DATABASES + number, ports.postgres) for number, name in enumerate(processes)}
        calls = {layer: Proxy(base + CALLS + number, ports.grpc(layer)) for number, layer in enumerate(LAYERS)}
        self.proxies = {"kafka": Proxy(base + KAFKA, base + APART), **databases, **calls}
        self._stack = AsyncExitStack()

    def join(self, city: City) -> None:
        """Have this city's Kafka listen behind the proxy too."""
        self.open_door(city.stores.kafka)

    def open_door(self, kafka: Kafka) -> None:
        """The same for a broker that stands alone; before it is started."""
        proxy = self["kafka"]
        kafka.apart = (proxy.behind, proxy.port)

    def retold(self, process: str, told: dict[str, str]) -> dict[str, str]:
        """What a process is told, with the proxies' addresses."""
        layer = process.partition("-")[0]
        database = f"CITY_{layer.upper()}_DATABASE"
        peers = [f"{peer}={HOST}:{self[peer].port}" for peer in (each.partition("=")[0] for each in told["CITY_PEERS"].split(","))]
        return told | {
            "CITY_KAFKA": f"{HOST}:{self['kafka'].port}",
            "CITY_PEERS": ",".join(peers),
            database: told[database].replace(f":{self._ports.postgres}/", f":{self['postgres of ' + process].port}/"),
        }

    def __getitem__(self, name: str) -> Proxy:
        return self.proxies[name]

    async def __aenter__(self) -> Self:
        for proxy in self.proxies.values():
            await self._stack.enter_async_context(proxy)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    def heal(self) -> None:
        """Nothing is in anybody's way from now on."""
        for proxy in self.proxies.values():
            proxy.heal()
