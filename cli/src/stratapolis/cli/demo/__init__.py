"""`city demo`: the story of a city, told against a running one. Every number shown is read from it at that moment, and every step asserts what it shows."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from stratapolis.cli.demo import crashing, earning, ideas, launching, leaving, living, opening, promising, renewing, scorecard
from stratapolis.cli.demo.story import Story, repository
from stratapolis.cli.local.city import City

SETTLES_AHEAD = "-87600"
"""Hours: the story settles the month it plays in, and in each later telling in the same city the next one."""
Chapter = Callable[[Story], Awaitable[None]]
CHAPTERS: tuple[Chapter, ...] = (
    opening.seed,
    opening.creators,
    launching.launches,
    launching.refusal,
    living.living,
    earning.earning,
    crashing.crash,
    scorecard.scorecard,
    ideas.board,
    ideas.pilot,
    renewing.renewal,
    promising.penalty,
    leaving.leaving,
)


def city(folder: Path, base: int, console: Console) -> City:
    """The city the story is told in: a local one that runs the examples' programs and may be hurt at named points."""
    crash_folder = folder.absolute() / "crash"
    crash_folder.mkdir(parents=True, exist_ok=True)
    return City(
        folder,
        base,
        artefacts=[repository() / "examples"],
        settings={
            "CITY_CRASH_FOLDER": str(crash_folder),
            "CITY_GOVERNANCE_MEASURE_SECONDS": "1",
            "CITY_GOVERNANCE_SETTLEMENT_HOURS": SETTLES_AHEAD,
        },
        say=lambda text: console.print(f"[dim]{text}[/]"),
    )


async def tell(running: City, console: Console, *, seed: int, only: int | None = None) -> None:
    """Tell the story, or one chapter of it after bringing about in silence what it rests on; raises StoryBroken when something it shows does not hold."""
    story = Story(running, console, random.Random(seed))
    console.print(f"\n[bold]A city in {len(CHAPTERS)} chapters[/]  [dim]seed {seed}[/]")
    for number, chapter in enumerate(CHAPTERS[:only], 1):
        story.console = console
        if only not in (None, number):
            console.print(f"[dim]chapter {number} in silence ...[/]")
            story.console = Console(quiet=True)
        await chapter(story)
    console.print("\n[bold green]All of it held.[/]\n")
