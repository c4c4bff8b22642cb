"""An app is a value: what it hears, answers, follows and does on a clock. The chassis runs it (`run.py`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from stratapolis.chassis.db import Database

if TYPE_CHECKING:
    from stratapolis.chassis.http_face import Serves

Handler = Callable[..., Awaitable[None]]
"""`async def on_thing(event, *, tx, at)`: load, one domain call, store, say."""

BatchHandler = Callable[..., Awaitable[None]]
"""`async def on_things(events, *, tx, at)` for raw streams; raises Permanent for nothing: it sorts out what it refuses itself."""

Job = Callable[..., Awaitable[None]]
"""`async def job(*, tx, at)`: bounded work in one transaction."""

Tending = Callable[[Database], Awaitable[None]]
"""`async def tend(db)`: work with effects on the world; opens its own transactions."""


@dataclass(frozen=True, slots=True)
class On:
    """Hear an event, from every topic that carries it and that the contract lets this app read."""

    event: type[Message]
    handler: Handler
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class OnBatch:
    """Hear a raw stream in big batches; the handler has a natural key instead of the inbox."""

    event: type[Message]
    handler: BatchHandler


@dataclass(frozen=True, slots=True)
class Answers:
    """Answer a gRPC service: `servicer` has a method in snake_case for each RPC, `async def get_thing(self, request, call)`."""

    service: ServiceDescriptor
    servicer: Any


@dataclass(frozen=True, slots=True)
class Follows:
    """Keep the newest message of each key of a compacted topic in memory, read to the end before the app is ready; `heard` is told of each."""

    event: type[Message]
    heard: Callable[[Message], None] | None = None


@dataclass(frozen=True, slots=True)
class Every:
    """Run a job on a clock, on one replica at a time, in one transaction."""

    period: timedelta
    job: Job


@dataclass(frozen=True, slots=True)
class Tends:
    """Run work with effects on the world on a clock, on one replica at a time."""

    period: timedelta
    work: Tending


@dataclass(frozen=True, slots=True)
class App:
    """One of the seven layers, or another app on the chassis."""

    name: str
    hears: Sequence[On | OnBatch] = ()
    answers: Sequence[Answers] = ()
    follows: Sequence[Follows] = ()
    every: Sequence[Every | Tends] = ()
    routes: Sequence[Serves] = ()
    lives: Sequence[AbstractAsyncContextManager[Any]] = ()
    """What is open while the app runs, such as a producer for a raw stream."""
    on_denials: BatchHandler | None = None
    """Takes in what the app itself denied, a second's worth at a time; without it, it is said on the app's topic of denials."""
    issuer: Any = None
    """Connectivity's own: gives tokens and keys in process (`tokens.TokenSource` and `tokens.Keys`); every other app asks connectivity."""


Clock = Callable[[], datetime]
"""The wall clock, for what has no transaction; a fixed one in tests."""
