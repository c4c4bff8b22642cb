"""Requests to services, called cases here: opened with a due time, moved on by who offers the service, ended with an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from stratapolis.value_catalog.domain.errors import AnswerMissing, CaseNotInState, NotTheProvider
from stratapolis.value_catalog.domain.use import system_of


class CaseState(StrEnum):
    """Where a request stands; closed and refused are final."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    REFUSED = "refused"


ENDED = frozenset({CaseState.CLOSED, CaseState.REFUSED})
WAY = {CaseState.OPEN: frozenset({CaseState.ACKNOWLEDGED, *ENDED}), CaseState.ACKNOWLEDGED: ENDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request and what became of it. `opener` is the owner that asked, `creator_id` offers the service; `place` is (latitude, longitude)."""

    case_id: str
    service_id: str
    creator_id: str
    opener: str
    description: str
    opened_at: datetime
    updated_at: datetime
    due_at: datetime
    place: tuple[float, float] | None = None
    state: CaseState = CaseState.OPEN
    answer: str = ""
    overdue_at: datetime | None = None

    def is_overdue(self, at: datetime) -> bool:
        """Whether the due time passed without a last answer, or before it came."""
        return (self.updated_at if self.state in ENDED else at) > self.due_at


def due(opened_at: datetime, answer_within_hours: int) -> datetime:
    """When an answer is due: hours as the clock counts them, day and night."""
    return opened_at + timedelta(hours=answer_within_hours)


def move_on(case: Case, state: CaseState, *, answer: str, owners: Sequence[str], at: datetime) -> Case:
    """Acknowledge, close or refuse a request; `owners` are the caller's."""
    if case.creator_id not in owners and system_of(case.service_id) not in owners:
        raise NotTheProvider(case.case_id)
    if state not in WAY.get(case.state, frozenset()):
        raise CaseNotInState(case.case_id, case.state, state)
    if state in ENDED and not answer.strip():
        raise AnswerMissing(state)
    return replace(case, state=state, answer=answer or case.answer, updated_at=at)


def lapse(case: Case, *, at: datetime) -> Case:
    """Note that the due time has passed; nothing changes before it, after an end, or twice."""
    if case.state in ENDED or case.overdue_at is not None or at <= case.due_at:
        return case
    return replace(case, overdue_at=at)
