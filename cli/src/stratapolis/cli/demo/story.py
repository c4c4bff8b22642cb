"""The teller of the story: what it shows, what it holds true, who acts in it."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console
from rich.table import Table
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.cli import membership
from stratapolis.cli.local.city import City
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.people import Identity


class StoryBroken(LocalCityError):
    """Something the story shows does not hold."""


@dataclass(frozen=True, slots=True)
class Creator:
    """A value creator of the story and the person who founded it."""

    creator_id: str
    name: str
    founder: Identity


@dataclass(slots=True)
class Story:
    """One telling. `rng` gives names and amounts, so that another seed tells it with others."""

    city: City
    console: Console
    rng: random.Random
    run: str = field(default_factory=lambda: new_id()[-6:])
    began: float = field(default_factory=time.monotonic)
    creators: dict[str, Creator] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    residents: dict[str, Identity] = field(default_factory=dict)
    answered: int = 0
    """Answers that the traffic guide gave, each of them a use."""
    journeys: dict[str, str] = field(default_factory=dict)
    ideas: dict[str, str] = field(default_factory=dict)
    """Ideas by the service that they become."""

    @property
    def today(self) -> date:
        """The real day; recorded days are shifted to the ones before it."""
        return datetime.now(UTC).date()

    @property
    def next_year(self) -> str:
        """An end date for grants and contracts."""
        return (self.today + timedelta(days=365)).isoformat()

    @property
    def crash_folder(self) -> Path:
        """Where crash points are armed."""
        return self.city.folder / "crash"

    def chapter(self, number: int, title: str) -> None:
        """Begin a chapter."""
        self.console.print()
        self.console.rule(f"[bold]{number} · {title}[/]  [dim]{time.monotonic() - self.began:.0f} s[/]", align="left")

    def tell(self, text: str) -> None:
        """A line of the story."""
        self.console.print(f"  {text}")

    def show(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A table whose every cell was read from the city just now."""
        table = Table(*columns, title=title, title_justify="left", box=None, padding=(0, 2), header_style="dim")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        self.console.print(table)

    def hold(self, true: object, what: str) -> None:
        """What the story shows must hold, or it breaks off."""
        if not true:
            raise StoryBroken(f"this should hold and does not: {what}")

    async def person(self, name: str, *, kind: str = "person", creator: str = "") -> Identity:
        """Somebody who stays: found again when the story is told twice in one city."""
        known = self.city.people.find(name)
        if known is None:
            known = await self.city.enrol(name, kind=kind, creator=creator)
            self.city.people.keep(known)
        return known

    async def creator(self, key: str, name: str, *, kind: str) -> Creator:
        """A value creator of this telling, accepted."""
        founder = await self.city.enrol(f"{name} founder")
        creator_id = await self.city.creator(name, founder, kind=kind)
        self.creators[key] = Creator(creator_id, name, founder)
        return self.creators[key]

    async def lasting_creator(self, name: str, *, kind: str) -> Creator:
        """A value creator that stays, found again in a second telling."""
        founder = await self.person(f"{name} founder")
        claims = await self.city.client(founder).claims("governance")
        creator_id = str(claims.get("creator") or "")
        if not creator_id:
            creator_id = await self.city.creator(name, founder, kind=kind)
        return Creator(creator_id, name, founder)

    async def newcomer(self, name: str, *, kind: str) -> tuple[str, Identity]:
        """One who registers and waits."""
        founder = await self.city.enrol(f"{name} founder")
        return await membership.register(self.city.client(founder), name, kind=kind), founder


@asynccontextmanager
async def refused(story: Story, code: grpc.StatusCode, reason: str = "") -> AsyncIterator[list[str]]:
    """The call inside must be refused so; yields a list that gets the message."""
    said: list[str] = []
    try:
        yield said
    except grpc.aio.AioRpcError as error:
        found = refusal(error)
        story.hold(
            error.code() is code and reason in ("", found.reason), f"refused with {code.name} {reason}, not {error.code().name} {found.reason}: {found.message}"
        )
        said.append(found.message)
    else:
        raise StoryBroken(f"a call that should be refused with {code.name} {reason} was accepted")


def repository() -> Path:
    """The checkout whose examples the story plays."""
    for folder in Path(__file__).parents:
        if (folder / "examples" / "manifests").is_dir():
            return folder
    raise LocalCityError("the story needs the examples of a checkout: run it from the repository")
