"""Programmes: opened with what their kind needs, closed once; what takes part in one asks for an open one of the right kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from stratapolis.chassis.errors import InvalidField
from stratapolis.innovation.domain.errors import ProgrammeClosed, ProgrammeNotOfKind


class ProgrammeKind(StrEnum):
    """What a programme is."""

    LAB = "lab"
    INNOVATION_ZONE = "innovation_zone"
    TRAINING = "training"
    IDEATION_WORKSHOP = "ideation_workshop"
    PARTNERSHIP = "partnership"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A place, (latitude, longitude), that takes so many testers at once."""

    place: tuple[float, float]
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Competency:
    """What a training teaches; an award counts for `valid_days`, 0: for good."""

    code: str
    name: str
    criteria: str
    valid_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training's competency, and how many it takes at once."""

    competency: Competency
    seats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """An offer to those who have ideas, from its first day to its last. `enrolled` are the seats of a training that are taken."""

    programme_id: str
    kind: ProgrammeKind
    title: str
    description: str
    start_on: date
    end_on: date
    opened_at: datetime
    zone: Zone | None = None
    training: Training | None = None
    enrolled: int = 0
    closed_at: datetime | None = None
    close_reason: str = ""


def begin(programme: Programme, *, today: date) -> Programme:
    """A programme as it may be opened; raises InvalidField for what does not fit together."""
    if programme.end_on < programme.start_on:
        raise InvalidField("end_date", "the last day is before the first")
    if programme.end_on < today:
        raise InvalidField("end_date", f"the last day is over; today is {today}")
    for field, detail, kind in (("zone", programme.zone, ProgrammeKind.INNOVATION_ZONE), ("training", programme.training, ProgrammeKind.TRAINING)):
        if (detail is not None) != (programme.kind is kind):
            raise InvalidField(field, f"is said of programmes of kind {kind}, and of no other")
    return programme


def close(programme: Programme, *, reason: str, at: datetime) -> Programme:
    """Take nobody any more; closing twice is refused."""
    if programme.closed_at is not None:
        raise ProgrammeClosed(programme.programme_id)
    return replace(programme, closed_at=at, close_reason=reason)


def require(programme: Programme, kind: ProgrammeKind, *, today: date) -> Programme:
    """The programme, if it is of the kind and open; raises ProgrammeNotOfKind or ProgrammeClosed."""
    if programme.kind is not kind:
        raise ProgrammeNotOfKind(programme.programme_id, programme.kind, kind)
    if programme.closed_at is not None or programme.end_on < today:
        raise ProgrammeClosed(programme.programme_id)
    return programme
