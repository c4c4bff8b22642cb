"""`city demo`: brings a city up, tells its story, stops it."""

from __future__ import annotations

import random
import sys
from typing import Annotated

import typer
from rich.console import Console
from stratapolis.cli import demo as told_story
from stratapolis.cli.local_city import Base
from stratapolis.cli.options import HERE, Folder
from stratapolis.cli.refused import told

PIPED_WIDTH = 150
"""Columns of the plain text that a pipe gets."""


@told
async def demo(
    base: Base = 7000,
    folder: Folder = HERE,
    chapter: Annotated[
        int | None, typer.Option("--chapter", min=1, max=len(told_story.CHAPTERS), help="Tell this chapter alone; what it rests on comes about in silence.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Names and amounts of the story; a new one each time unless given.")] = None,
) -> None:
    """Tell the story of a city: from nothing to live services, in a local city that is stopped at the end. Its data stay, and it may be told again."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
    chosen = random.randrange(1_000_000) if seed is None else seed
    async with told_story.city(folder, base, console) as running:
        await told_story.tell(running, console, seed=chosen, only=chapter)
