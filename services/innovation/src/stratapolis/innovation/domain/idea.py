"""An idea's way over the board, as a pure state machine: each input gives the idea as it stands now and the step that tells of it.

submitted → refined → shortlisted → piloting → piloted → graduated. A workshop may be left out; a cancelled pilot leads back to
shortlisted, a refuted one may be followed by another. From every state that is no end an idea may be dropped, or withdrawn by its proposer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stratapolis.innovation.domain.errors import IdeaNotInState, LeadMissing, NotProven, NotSupported, NotTheLead, NotTheProposer, OwnIdea
from stratapolis.innovation.domain.pilot import Pilot, Verdict


class IdeaState(StrEnum):
    """Where an idea stands."""

    SUBMITTED = "submitted"
    REFINED = "refined"
    SHORTLISTED = "shortlisted"
    PILOTING = "piloting"
    PILOTED = "piloted"
    GRADUATED = "graduated"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


ENDED = frozenset({IdeaState.GRADUATED, IdeaState.DROPPED, IdeaState.WITHDRAWN})
OPEN = frozenset(IdeaState) - ENDED
IN_DISCUSSION = frozenset({IdeaState.SUBMITTED, IdeaState.REFINED})
PILOTABLE = frozenset({IdeaState.SHORTLISTED, IdeaState.PILOTED})


class Happened(StrEnum):
    """What a step is about."""

    SUBMITTED = "submitted"
    SUPPORTED = "supported"
    SUPPORT_WITHDRAWN = "support_withdrawn"
    INVITED = "invited"
    UNINVITED = "uninvited"
    REFINED = "refined"
    SHORTLISTED = "shortlisted"
    PILOT_BOOKED = "pilot_booked"
    PILOT_STARTED = "pilot_started"
    PILOT_COMPLETED = "pilot_completed"
    PILOT_CANCELLED = "pilot_cancelled"
    GRADUATED = "graduated"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


VOTES = frozenset({Happened.SUPPORTED, Happened.SUPPORT_WITHDRAWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """One idea. `proposer` is the owner that submitted it, `lead` the value creator that pilots it, `pilot_id` its newest pilot."""

    idea_id: str
    proposer: str
    title: str
    description: str
    submitted_at: datetime
    updated_at: datetime
    challenge_id: str = ""
    state: IdeaState = IdeaState.SUBMITTED
    supporters: int = 0
    lead: str = ""
    pilot_id: str = ""
    reason: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to an idea, as the board tells it; `reference` is the workshop or pilot that it is about."""

    idea_id: str
    proposer: str
    title: str
    kind: Happened
    state: IdeaState
    supporters: int
    at: datetime
    message: str = ""
    reference: str = ""


Moved = tuple[Idea, Step]


def submit(idea: Idea) -> Moved:
    """Onto the board."""
    return _told(idea, Happened.SUBMITTED, at=idea.submitted_at)


def support(idea: Idea, *, owners: Sequence[str], at: datetime) -> Moved:
    """One more vote, from somebody else; that it is this identity's only one is the store's to see."""
    _require(idea, OPEN)
    if idea.proposer in owners:
        raise OwnIdea(idea.idea_id)
    return _told(replace(idea, supporters=idea.supporters + 1), Happened.SUPPORTED, at=at)


def unsupport(idea: Idea, *, at: datetime) -> Moved:
    """One vote less."""
    _require(idea, OPEN)
    if idea.supporters == 0:
        raise NotSupported(idea.idea_id)
    return _told(replace(idea, supporters=idea.supporters - 1), Happened.SUPPORT_WITHDRAWN, at=at)


def invite(idea: Idea, *, workshop_id: str, when: datetime, at: datetime) -> Moved:
    """A workshop will look at it."""
    _require(idea, IN_DISCUSSION)
    return _told(idea, Happened.INVITED, at=at, message=f"a workshop looks at it on {when:%Y-%m-%d %H:%M} UTC", reference=workshop_id)


def uninvite(idea: Idea, *, workshop_id: str, reason: str, at: datetime) -> Moved:
    """The workshop was called off."""
    _require(idea, OPEN)
    return _told(idea, Happened.UNINVITED, at=at, message=reason, reference=workshop_id)


def refine(idea: Idea, *, workshop_id: str, title: str, description: str, note: str, at: datetime) -> Moved:
    """A workshop has worked on it: it reads anew."""
    _require(idea, IN_DISCUSSION)
    return _told(replace(idea, title=title, description=description, state=IdeaState.REFINED), Happened.REFINED, at=at, message=note, reference=workshop_id)


def shortlist(idea: Idea, *, lead: str, at: datetime) -> Moved:
    """Chosen to be piloted by a value creator; `lead` is its id, empty where none was named or submitted it."""
    _require(idea, IN_DISCUSSION)
    if not lead:
        raise LeadMissing(idea.idea_id)
    return _told(replace(idea, lead=lead, state=IdeaState.SHORTLISTED), Happened.SHORTLISTED, at=at, message=f"{lead} pilots it")


def piloted_by(idea: Idea, *, owners: Sequence[str] | None) -> None:
    """Raise NotTheLead unless the caller acts for the lead; None: an officer, who may."""
    if owners is not None and (not idea.lead or idea.lead not in owners):
        raise NotTheLead(idea.idea_id)


def book(idea: Idea, pilot: Pilot, *, at: datetime) -> Moved:
    """A pilot has a slot."""
    _require(idea, PILOTABLE)
    message = f"{pilot.start_on} to {pilot.end_on}: {pilot.hypothesis.statement}"
    return _told(
        replace(idea, pilot_id=pilot.pilot_id, state=IdeaState.PILOTING), Happened.PILOT_BOOKED, at=at, message=message, reference=pilot.pilot_id
    )  # fmt: skip


def started(idea: Idea, pilot: Pilot, *, at: datetime) -> Moved:
    """Its first day has come."""
    _require(idea, frozenset({IdeaState.PILOTING}))
    return _told(idea, Happened.PILOT_STARTED, at=at, reference=pilot.pilot_id)


def completed(idea: Idea, pilot: Pilot, *, at: datetime) -> Moved:
    """The pilot has a result."""
    _require(idea, frozenset({IdeaState.PILOTING}))
    return _told(replace(idea, state=IdeaState.PILOTED), Happened.PILOT_COMPLETED, at=at, message=pilot.finding, reference=pilot.pilot_id)


def cancelled(idea: Idea, pilot: Pilot, *, at: datetime) -> Moved:
    """The pilot will have no result; another may be booked."""
    _require(idea, frozenset({IdeaState.PILOTING}))
    return _told(replace(idea, state=IdeaState.SHORTLISTED), Happened.PILOT_CANCELLED, at=at, message=pilot.cancel_reason, reference=pilot.pilot_id)


def graduate(idea: Idea, pilot: Pilot | None, *, at: datetime) -> Moved:
    """Proven: its newest pilot's hypothesis was confirmed by what was measured. Without that, it is refused."""
    _require(idea, frozenset({IdeaState.PILOTED}))
    if pilot is None or pilot.result is None or pilot.pilot_id != idea.pilot_id or pilot.result.verdict is not Verdict.CONFIRMED:
        raise NotProven(idea.idea_id, pilot.result.verdict if pilot and pilot.result else "not decided")
    return _ended(idea, IdeaState.GRADUATED, Happened.GRADUATED, pilot.finding, at)


def drop(idea: Idea, *, reason: str, at: datetime) -> Moved:
    """Not followed any more."""
    _require(idea, OPEN)
    return _ended(idea, IdeaState.DROPPED, Happened.DROPPED, reason, at)


def withdraw(idea: Idea, *, reason: str, owners: Sequence[str], at: datetime) -> Moved:
    """Taken back by its proposer."""
    if idea.proposer not in owners:
        raise NotTheProposer(idea.idea_id)
    _require(idea, OPEN)
    return _ended(idea, IdeaState.WITHDRAWN, Happened.WITHDRAWN, reason, at)


def _require(idea: Idea, states: frozenset[IdeaState]) -> None:
    if idea.state not in states:
        raise IdeaNotInState(idea.idea_id, idea.state, " or ".join(state for state in IdeaState if state in states))


def _ended(idea: Idea, state: IdeaState, kind: Happened, reason: str, at: datetime) -> Moved:
    return _told(replace(idea, state=state, reason=reason, ended_at=at), kind, at=at, message=reason)


def _told(idea: Idea, kind: Happened, *, at: datetime, message: str = "", reference: str = "") -> Moved:
    now = replace(idea, updated_at=at)
    step = Step(
        idea_id=now.idea_id, proposer=now.proposer, title=now.title, kind=kind, state=now.state, supporters=now.supporters, at=at,
        message=message, reference=reference,
    )  # fmt: skip
    return now, step
