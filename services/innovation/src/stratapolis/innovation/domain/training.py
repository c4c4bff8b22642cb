"""Trainings: a seat each, given back or ended by an officer's word; who passed is awarded the competency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from stratapolis.innovation.domain.errors import EnrolmentEnded, ProgrammeNotOfKind, SeatsTaken
from stratapolis.innovation.domain.programme import Competency, Programme, ProgrammeKind, Training, require


class EnrolmentState(StrEnum):
    """Where an enrolment stands; all but the first are final."""

    ENROLLED = "enrolled"
    PASSED = "passed"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """Somebody's seat in a training, taken for itself or for a value creator."""

    enrolment_id: str
    programme_id: str
    subject: str
    creator_id: str
    enrolled_at: datetime
    state: EnrolmentState = EnrolmentState.ENROLLED
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """A competency as it read when it was awarded."""

    award_id: str
    enrolment_id: str
    programme_id: str
    competency: Competency
    subject: str
    creator_id: str
    awarded_at: datetime
    expires_at: datetime | None

    @property
    def holder(self) -> str:
        """The owner that has it."""
        return self.creator_id or self.subject


def enrol(training: Programme, enrolment: Enrolment, *, today: date) -> tuple[Programme, Enrolment]:
    """Take a seat; that the subject has none yet is the store's to see."""
    require(training, ProgrammeKind.TRAINING, today=today)
    seats = _training(training).seats
    if training.enrolled >= seats:
        raise SeatsTaken(seats)
    return replace(training, enrolled=training.enrolled + 1), enrolment


def leave(training: Programme, enrolment: Enrolment, *, at: datetime) -> tuple[Programme, Enrolment]:
    """Give the seat back."""
    return _ended(training, enrolment, EnrolmentState.LEFT, at)


def complete(training: Programme, enrolment: Enrolment, *, passed: bool, award_id: str, at: datetime) -> tuple[Programme, Enrolment, Award | None]:
    """End an enrolment; who passed holds the competency from now on."""
    training, ended = _ended(training, enrolment, EnrolmentState.PASSED if passed else EnrolmentState.FAILED, at)
    if not passed:
        return training, ended, None
    competency = _training(training).competency
    award = Award(
        award_id=award_id,
        enrolment_id=ended.enrolment_id,
        programme_id=training.programme_id,
        competency=competency,
        subject=ended.subject,
        creator_id=ended.creator_id,
        awarded_at=at,
        expires_at=at + timedelta(days=competency.valid_days) if competency.valid_days else None,
    )
    return training, ended, award


def _ended(training: Programme, enrolment: Enrolment, state: EnrolmentState, at: datetime) -> tuple[Programme, Enrolment]:
    if enrolment.state is not EnrolmentState.ENROLLED:
        raise EnrolmentEnded(enrolment.enrolment_id, enrolment.state)
    return replace(training, enrolled=training.enrolled - 1), replace(enrolment, state=state, ended_at=at)


def _training(programme: Programme) -> Training:
    if programme.training is None:
        raise ProgrammeNotOfKind(programme.programme_id, programme.kind, ProgrammeKind.TRAINING)
    return programme.training
