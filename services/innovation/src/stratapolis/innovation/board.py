"""Keeps what happened to ideas, tells it on the board, and says what of it is public, in one transaction: every change of an idea goes through here."""

from __future__ import annotations

from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.innovation.codec.ideas import said
from stratapolis.innovation.domain.idea import Idea, Moved
from stratapolis.innovation.domain.pilot import Pilot
from stratapolis.innovation.store import ideas


async def begin(tx: Tx, moved: Moved) -> Idea:
    """Keep an idea that has just been submitted."""
    await ideas.add(tx, moved[0])
    return await _tell(tx, moved)


async def keep(tx: Tx, moved: Moved, pilot: Pilot | None = None) -> Idea:
    """Keep an idea that moved; `pilot` is what moved it, where one did."""
    await ideas.put(tx, [moved[0]])
    return await _tell(tx, moved, pilot)


async def keep_all(tx: Tx, moves: list[tuple[Moved, Pilot | None]]) -> None:
    """Keep several ideas that moved at once."""
    if not moves:
        return
    await ideas.put(tx, [idea for (idea, _), _ in moves])
    events = [event for (idea, step), pilot in moves if (event := said(idea, step, pilot)) is not None]
    await outbox.append(tx, *events)
    await ideas.note(tx, [step for (_, step), _ in moves])


async def _tell(tx: Tx, moved: Moved, pilot: Pilot | None = None) -> Idea:
    idea, step = moved
    if (event := said(idea, step, pilot)) is not None:
        await outbox.append(tx, event)
    await ideas.note(tx, [step])
    return idea
