"""Workshops: set up for some ideas, called off before they begin, and refining what they looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stratapolis.chassis.errors import InvalidField
from stratapolis.innovation.domain.errors import IdeaNotInvited, WorkshopBegun, WorkshopCancelled, WorkshopNotBegun

AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A meeting about ideas at a place, (latitude, longitude)."""

    workshop_id: str
    programme_id: str
    title: str
    place: tuple[float, float]
    start_at: datetime
    idea_ids: tuple[str, ...]
    cancelled_at: datetime | None = None
    cancel_reason: str = ""


def schedule(workshop: Workshop, *, at: datetime) -> Workshop:
    """A workshop to come, within a year."""
    if not at <= workshop.start_at <= at + AHEAD:
        raise InvalidField("start_time", "is between now and a year from now")
    return workshop


def cancel(workshop: Workshop, *, reason: str, at: datetime) -> Workshop:
    """Call it off before it begins."""
    if workshop.cancelled_at is not None:
        raise WorkshopCancelled(workshop.workshop_id)
    if at >= workshop.start_at:
        raise WorkshopBegun(workshop.workshop_id)
    return replace(workshop, cancelled_at=at, cancel_reason=reason)


def may_refine(workshop: Workshop, idea_id: str, *, at: datetime) -> None:
    """Raise why the workshop cannot have refined the idea."""
    if workshop.cancelled_at is not None:
        raise WorkshopCancelled(workshop.workshop_id)
    if idea_id not in workshop.idea_ids:
        raise IdeaNotInvited(idea_id, workshop.workshop_id)
    if at < workshop.start_at:
        raise WorkshopNotBegun(workshop.workshop_id)
