"""A journey: one proposal's way through the layers, as a pure state machine.

Each input is a function `(journey, input, at) -> (journey, steps)`. The steps are the journey's history; those of kind
PROPOSED, ASKED (of layers) and ENDED are published too. A state that waits has a deadline; an end is final and happens once.

A launch and an upgrade pass the same stages. A retirement has one, in which nobody can refuse: it ends when all have let go, or with its deadline.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from stratapolis.governance.domain.errors import JourneyHasEnded, JourneyNotDeciding, RetirementIsFinal
from stratapolis.governance.domain.step import Answer, Ask, Happened, Kind, Obligation, Reason, Replaced, Share, Stage, State, Step

GOVERNANCE = "governance"
OFFICER = "officer"
OFFICER_APPROVAL = "OFFICER_APPROVAL"
"""The obligation, imposed at clearing, that makes a journey wait for an officer."""

MAX_ATTEMPTS = 3
"""A clearance that is stale each time it is needed is asked for this often, then it is a reason."""

TERMINAL = frozenset({State.LIVE, State.REJECTED, State.WITHDRAWN, State.RETIRED})
ORDER = (Stage.CLEARING, Stage.DECIDING, Stage.DEPLOYING, Stage.CONNECTING, Stage.LISTING)
"""The way of a proposal; a retirement has a stage of its own."""
PARTIES: Mapping[Stage, tuple[str, ...]] = {
    Stage.CLEARING: ("policy", "data", "connectivity", "infrastructure"),
    Stage.DECIDING: (OFFICER,),
    Stage.DEPLOYING: ("infrastructure",),
    Stage.CONNECTING: ("connectivity", "data", "policy"),
    Stage.LISTING: ("value_catalog",),
    Stage.RETIRING: ("policy", "data", "connectivity", "infrastructure", "value_catalog", "innovation"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What holds for all journeys of a city: which layers take part, how long each stage may take, how long a replaced version serves on."""

    layers: frozenset[str]
    limits: Mapping[Stage, timedelta]
    drain: timedelta = timedelta(seconds=30)

    def parties(self, stage: Stage) -> tuple[str, ...]:
        """Who is asked in a stage, of those that take part."""
        return tuple(party for party in PARTIES[stage] if party in self.layers or party == OFFICER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One proposal under way. `asks` has the newest question to each party of each stage; `until` is the deadline of what is awaited."""

    journey_id: str
    service_id: str
    version: int
    creator_id: str
    creator_name: str
    name: str
    tariff_id: str
    has_software: bool
    proposed_at: datetime
    updated_at: datetime
    kind: Kind = Kind.LAUNCH
    replaces: Replaced | None = None
    drain_until: datetime | None = None
    state: State = State.CLEARING
    stage: Stage = Stage.CLEARING
    until: datetime | None = None
    ended_at: datetime | None = None
    approved: bool = False
    steps: int = 0
    asks: tuple[Ask, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def ended(self) -> bool:
        """Nothing changes an ended journey."""
        return self.state in TERMINAL

    @property
    def awaited(self) -> tuple[Ask, ...]:
        """The questions that the journey waits for."""
        return () if self.ended else tuple(ask for ask in self.asks if ask.stage is self.stage and ask.answer is None)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers in time or late, newest attempt of each party and stage."""
        return tuple(ask.answer for ask in self.asks if ask.answer is not None)

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """What clearances have imposed."""
        return tuple(obligation for answer in self.answers for obligation in answer.obligations)

    @property
    def shares(self) -> tuple[Share, ...]:
        """Who gets which part of the revenue: the agreement's snapshot from policy, else all is the value creator's."""
        snapshots = [answer.shares for answer in self.answers if answer.shares]
        return snapshots[-1] if snapshots else (Share(party=self.creator_id, basis_points=10_000),)

    @property
    def endpoint(self) -> str:
        """Where the software answers; empty where there is none, or not yet."""
        return next((answer.endpoint for answer in self.answers if answer.endpoint), "")


Moved = tuple[Journey, tuple[Step, ...]]


def propose(journey: Journey, refusals: tuple[Reason, ...], course: Course, *, at: datetime) -> Moved:
    """Start a journey: everybody clears in parallel, even where governance itself refuses, so that all reasons come back."""
    journey, steps = _noted(journey, Step(kind=Happened.PROPOSED, at=at))
    if refusals:
        refused = replace(journey, reasons=refusals, state=State.REFUSING)
        journey, found = _noted(refused, Step(kind=Happened.REFUSED, at=at, parties=(GOVERNANCE,), cleared=False, reasons=refusals))
        steps += found
    return _then(steps, _enter(journey, Stage.CLEARING, course, at), course, at)


def retire(journey: Journey, course: Course, *, reason: str, actor: str, at: datetime) -> Moved:
    """Start a retirement: every layer is asked to let go of the service."""
    journey, steps = _noted(replace(journey, state=State.RETIRING), Step(kind=Happened.RETIREMENT, at=at, stage=Stage.RETIRING, message=reason, actor=actor))
    return _then(steps, _enter(journey, Stage.RETIRING, course, at), course, at)


def answer(journey: Journey, given: Answer, course: Course, *, at: datetime) -> Moved:
    """Take one layer's answer. Doubles and answers to questions that were never asked change nothing; late ones only the history."""
    ask = next((ask for ask in journey.asks if (ask.stage, ask.party, ask.attempt) == (given.stage, given.party, given.attempt)), None)
    if ask is None or ask.answer is not None:
        return journey, ()
    if not given.cleared and not given.reasons:
        given = replace(given, reasons=(Reason(layer=given.party, code="REFUSED", message="the layer gave no reason"),))
    late = journey.ended
    asks = tuple(replace(one, answer=given) if one is ask else one for one in journey.asks)
    answered = replace(journey, asks=asks)
    if not late and not given.cleared:
        state = State.RETIRING if journey.kind is Kind.RETIREMENT else State.REFUSING
        answered = replace(answered, reasons=journey.reasons + given.reasons, state=state)
    moved = _noted(answered, _told(given, late=late, at=at))
    return moved if late else _then((), moved, course, at)


def decide(journey: Journey, *, approve: bool, reason: str, officer: str, course: Course, at: datetime) -> Moved:
    """An officer's word: on with it, or the end."""
    _open(journey)
    if journey.state is not State.DECIDING:
        raise JourneyNotDeciding(journey.journey_id, journey.state)
    given = Answer(party=OFFICER, stage=Stage.DECIDING, attempt=1, cleared=approve)
    asks = tuple(replace(ask, answer=given) if ask.stage is Stage.DECIDING else ask for ask in journey.asks)
    against = () if approve else (Reason(layer=GOVERNANCE, code="OFFICER_REJECTED", message=reason),)
    decided = replace(journey, asks=asks, approved=approve, reasons=journey.reasons + against)
    step = replace(_told(given, late=False, at=at), kind=Happened.DECIDED, reasons=against, message=reason, actor=officer)
    return _then((), _noted(decided, step), course, at)


def withdraw(journey: Journey, *, reason: str, actor: str, at: datetime) -> Moved:
    """The value creator takes the proposal back; whatever is on its way comes too late."""
    _open(journey)
    if journey.kind is Kind.RETIREMENT:
        raise RetirementIsFinal(journey.journey_id)
    return _end(journey, State.WITHDRAWN, at, message=reason, actor=actor)


def stop(journey: Journey, reason: Reason, *, actor: str, at: datetime) -> Moved:
    """End an open journey for a reason of governance's own, such as its value creator's suspension. A retirement goes on: it ends by itself."""
    _open(journey)
    if journey.kind is Kind.RETIREMENT:
        return journey, ()
    return _end(replace(journey, reasons=(*journey.reasons, reason)), State.REJECTED, at, message=reason.message, actor=actor)


def expire(journey: Journey, *, at: datetime) -> Moved:
    """Give up on what is overdue: every silent party is a reason. Nothing happens before the deadline or after the end.

    A retirement is over then too: its end asks the silent layers once more (docs/adr/0010-a-retirement-always-ends.md).
    """
    if journey.until is None or at < journey.until:
        return journey, ()
    silent = tuple(_silence(ask) for ask in journey.awaited)
    state = State.RETIRED if journey.kind is Kind.RETIREMENT else State.REJECTED
    return _end(replace(journey, reasons=journey.reasons + silent), state, at, message="the deadline has passed")


def _told(given: Answer, *, late: bool, at: datetime) -> Step:
    return Step(
        kind=Happened.ANSWERED_LATE if late else Happened.ANSWERED,
        at=at,
        stage=given.stage,
        attempt=given.attempt,
        parties=(given.party,),
        cleared=given.cleared,
        reasons=given.reasons,
        held=given.held,
        obligations=given.obligations,
        decided_on=given.decided_on,
    )


def _silence(ask: Ask) -> Reason:
    if ask.party == OFFICER:
        return Reason(layer=GOVERNANCE, code="NO_DECISION", message="no officer decided in time", hint="propose again")
    message = f"{ask.party} did not answer to {ask.stage} in time"
    hint = "it lets go when it is back" if ask.stage is Stage.RETIRING else "propose again when the layer is back"
    return Reason(layer=ask.party, code="NO_ANSWER", message=message, hint=hint)


def _open(journey: Journey) -> None:
    if journey.ended:
        raise JourneyHasEnded(journey.journey_id, journey.state)


def _then(steps: tuple[Step, ...], moved: Moved, course: Course, at: datetime) -> Moved:
    """Go on as far as nothing is awaited, and gather the steps of the way."""
    journey, more = moved
    steps += more
    while not journey.awaited and not journey.ended:
        journey, more = _onward(journey, course, at)
        steps += more
    return journey, steps


def _onward(journey: Journey, course: Course, at: datetime) -> Moved:
    """All is answered: end with the reasons, ask again what went stale, or enter the next stage."""
    if journey.kind is Kind.RETIREMENT:
        return _end(journey, State.RETIRED, at)
    if journey.reasons:
        return _end(journey, State.REJECTED, at)
    is_obliged = any(obligation.code == OFFICER_APPROVAL for obligation in journey.obligations)
    if journey.stage is Stage.CLEARING and is_obliged and not journey.approved:
        return _ask(journey, Stage.DECIDING, (OFFICER,), 1, course, at)
    if journey.stage in (Stage.CLEARING, Stage.DECIDING):
        return _refreshed(journey, course, at) or _enter(journey, Stage.DEPLOYING, course, at)
    if journey.stage is ORDER[-1]:
        drain_until = at + course.drain if journey.replaces is not None else None
        return _end(replace(journey, drain_until=drain_until), State.LIVE, at)
    return _enter(journey, ORDER[ORDER.index(journey.stage) + 1], course, at)


def _refreshed(journey: Journey, course: Course, at: datetime) -> Moved | None:
    """At approval, clearances that went stale are asked for again; None if there are none."""
    asked = [ask for ask in journey.asks if ask.stage is Stage.CLEARING]
    stale = tuple(ask.party for ask in asked if ask.answer and ask.answer.valid_until is not None and ask.answer.valid_until <= at)
    if not stale:
        return None
    attempt = max(ask.attempt for ask in asked) + 1
    if attempt > MAX_ATTEMPTS:
        message = f"the clearance was stale each of {MAX_ATTEMPTS} times it was needed"
        reasons = tuple(Reason(layer=party, code="CLEARANCE_STALE", message=message, hint="propose again") for party in stale)
        return _end(replace(journey, reasons=reasons), State.REJECTED, at)
    return _ask(journey, Stage.CLEARING, stale, attempt, course, at)


def _enter(journey: Journey, stage: Stage, course: Course, at: datetime) -> Moved:
    """Ask everybody whose turn it is in the stage; where nobody's is, the history says why."""
    parties = course.parties(stage)
    if stage is Stage.DEPLOYING and not journey.has_software:
        parties, why = (), "the service has no software to deploy"
    else:
        why = "no layer of this city takes part in it"
    if parties:
        return _ask(journey, stage, parties, 1, course, at)
    return _noted(replace(journey, state=State(stage), stage=stage), Step(kind=Happened.SKIPPED, at=at, stage=stage, message=why))


def _ask(journey: Journey, stage: Stage, parties: tuple[str, ...], attempt: int, course: Course, at: datetime) -> Moved:
    """Enter a stage with questions; a question asked again replaces the one before."""
    until = at + course.limits[stage]
    kept = tuple(ask for ask in journey.asks if not (ask.stage is stage and ask.party in parties))
    asked = tuple(Ask(party=party, stage=stage, attempt=attempt, since=at, until=until) for party in parties)
    state = State.REFUSING if journey.reasons and stage is not Stage.RETIRING else State(stage)
    entered = replace(journey, state=state, stage=stage, until=until, asks=kept + asked)
    return _noted(entered, Step(kind=Happened.ASKED, at=at, stage=stage, attempt=attempt, parties=parties, until=until))


def _end(journey: Journey, state: State, at: datetime, *, message: str = "", actor: str = "") -> Moved:
    """The point of no return."""
    ended = replace(journey, state=state, until=None, ended_at=at)
    return _noted(ended, Step(kind=Happened.ENDED, at=at, stage=journey.stage, reasons=ended.reasons, message=message, actor=actor))


def _noted(journey: Journey, step: Step) -> Moved:
    """Number the step and say which state it left the journey in."""
    number = journey.steps + 1
    return replace(journey, steps=number, updated_at=step.at), (replace(step, number=number, state=journey.state),)
