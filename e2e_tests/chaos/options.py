"""How much chaos: counts, a seed, and the time after which no more begins."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e_tests.conftest import BASE
from e2e_tests.observing import BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A run, which its seed repeats as far as processes and a network can be repeated."""

    journeys: int = 60
    kills: int = 12
    observations: int = 20_000
    seed: int = 0
    minutes: float = 5.0
    base: int = BASE + 500
    mixed: str = ""
    """A git ref: one replica of each layer runs its code."""
    json: Path | None = None


def parsed(words: Sequence[str] | None = None) -> Options:
    """What the command line says."""
    usual = Options()
    parser = argparse.ArgumentParser(
        prog="make chaos", description="A city under load while it is killed, frozen and cut; at the end, what was lost, doubled or hung."
    )
    parser.add_argument("--journeys", type=int, default=usual.journeys, help="journeys, each with a report of uses")
    parser.add_argument("--kills", type=int, default=usual.kills, help="kill -9; freezes, cuts and rebalances come with them")
    parser.add_argument("--observations", type=int, default=usual.observations, help=f"observations, rounded up to posts of {BATCH}")
    parser.add_argument("--seed", type=int, help="of the plan; a new one unless said")
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="after this nothing new begins, whatever was asked for")
    parser.add_argument("--mixed", default="", metavar="REF", help="one replica of each layer runs the code of this git ref; without kills no call may fail")
    parser.add_argument("--base", type=int, default=usual.base, help="the city's port base")
    parser.add_argument("--json", type=Path, help="also write the report here")
    asked = vars(parser.parse_args(words))
    if asked["seed"] is None:
        asked["seed"] = random.randrange(1_000_000)
    return Options(**asked)
