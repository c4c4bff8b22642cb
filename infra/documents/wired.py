"""The layers as they are wired: what each says, hears, follows and answers, read from the same values that run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from stratapolis.chassis import contract
from stratapolis.chassis.app import App
from stratapolis.chassis.db import Database
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.run import SECURITY, Deferred
from stratapolis.cli.local.layers import Process, endpoints, environment, existing, make_keys
from stratapolis.cli.local.ports import CityPorts

NOWHERE = "postgresql://city:city@127.0.0.1:7432/city"
"""The DSN of a database that is never opened."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An event on a topic, heard by a layer; `is_followed` where every process keeps the newest of each key."""

    topic: str
    event: str
    hearer: str
    is_followed: bool = False


@cache
def apps() -> Mapping[str, App]:
    """Every layer, wired with settings of a local city that is never started."""
    layers, ports = existing(), CityPorts()
    at = endpoints(tuple(Process(layer=layer) for layer in layers), ports, kafka="127.0.0.1:7092", outside=False)
    with TemporaryDirectory() as scratch:
        keys = Path(scratch, "keys")
        make_keys(keys, layers)
        told = partial(environment, at=at, database=NOWHERE, keys=keys, work=keys, artefacts=(), inherited={})
        return {layer: _app(layer, told(Process(layer=layer))) for layer in layers}


def _app(layer: str, told: Mapping[str, str]) -> App:
    settings = import_module(f"stratapolis.{layer}.settings").Settings.read(told)
    wired: App = import_module(f"stratapolis.{layer}.wiring").wire(settings, Database(NOWHERE, name=layer), Peers(settings.peers, Deferred()))
    return wired


@cache
def edges() -> tuple[Edge, ...]:
    """Who hears what, on which topic."""
    found: list[Edge] = []
    for layer, app in apps().items():
        heard = [on.event.DESCRIPTOR.full_name for on in app.hears]
        followed = [event.DESCRIPTOR.full_name for event in (*SECURITY, *(follows.event for follows in app.follows))]
        readable = [topic for topic in contract.topics().values() if topic.may_read(layer)]
        found += [Edge(topic.name, event, layer) for topic in readable if topic.writer != layer for event in heard if event in topic.types]
        found += [Edge(topic.name, event, layer, is_followed=True) for topic in readable for event in followed if event in topic.types]
    return tuple(sorted(set(found), key=lambda edge: (edge.topic, edge.event, edge.hearer)))


def hearers(topic: str, event: str) -> tuple[str, ...]:
    """The layers that hear an event on a topic."""
    return tuple(edge.hearer for edge in edges() if (edge.topic, edge.event) == (topic, event))
