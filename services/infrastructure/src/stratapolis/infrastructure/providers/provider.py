"""What a provider does; the job that tends deployments knows no more of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from stratapolis.infrastructure.domain.deployment import Deployment, Process, Seen


class CannotStart(Exception):
    """The software cannot be run as it is: starting it again would not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """Software as an operator has registered it."""

    name: str
    sha256: str
    folder: str
    argv: Sequence[str]


class Provider(Protocol):
    """Each method may be repeated: it looks at what is there before it does anything."""

    def choose_port(self, taken: Collection[int]) -> int:
        """A port that no deployment has; raises when there is none."""
        ...

    async def prepare(self, deployment: Deployment) -> str:
        """Give the deployment a place and a key pair of its own; returns the public key, PEM. The private one goes nowhere else."""
        ...

    async def start(self, deployment: Deployment, artefact: Artefact) -> Process:
        """Start it, unless it runs; its files are checked by sum before. Raises CannotStart."""
        ...

    async def look(self, deployment: Deployment) -> Seen:
        """What runs, whether it answers, what it uses."""
        ...

    async def stop(self, deployment: Deployment, *, kill: bool) -> None:
        """Ask all its processes to end, or end them; returns at once."""
        ...

    async def remove(self, deployment: Deployment) -> None:
        """Remove its place. Nothing of it runs any more."""
        ...

    async def end_orphans(self, known: Collection[str]) -> Sequence[str]:
        """End and remove what belongs to no journey in `known`; returns the journeys found."""
        ...
