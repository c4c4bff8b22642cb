"""The journey, of each kind, against all inputs in any order: late, lost, doubled, reordered answers, decisions, withdrawals, expiry, stale clearances."""

from datetime import datetime, timedelta

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stratapolis.governance.domain.errors import JourneyHasEnded, JourneyNotDeciding, RetirementIsFinal
from stratapolis.governance.domain.journey import (
    MAX_ATTEMPTS,
    ORDER,
    PARTIES,
    TERMINAL,
    Journey,
    Moved,
    answer,
    decide,
    expire,
    propose,
    retire,
    stop,
    withdraw,
)
from stratapolis.governance.domain.step import Answer, Happened, Kind, Stage, State, Step

from services.governance.tests.unit.builders import COURSE, LIMITS, NOW, OFFICER_NEEDED, a_reason
from services.governance.tests.unit.builders import a_proposal as a_new_proposal

PARTS = strategies.integers(0, 10)


class Journeys(RuleBasedStateMachine):
    """One journey to live, layers that answer when and how they like, and a model of what must come of it."""

    @initialize(kind=strategies.sampled_from([Kind.LAUNCH, Kind.UPGRADE]), has_software=strategies.booleans(), unknown_indicator=strategies.booleans())
    def begin(self, kind: Kind, has_software: bool, unknown_indicator: bool) -> None:
        self.now: datetime = NOW
        self.steps: list[Step] = []
        self.given: list[Answer] = []
        self.refusals = [a_reason("governance", "UNKNOWN_INDICATOR")] if unknown_indicator else []
        self.journey = a_new_proposal(has_software=has_software, kind=kind)
        self.take(propose(self.journey, tuple(self.refusals), COURSE, at=NOW))

    def take(self, moved: Moved) -> None:
        """Note what happened; an ended journey stays as it ended."""
        before = self.journey
        self.journey, steps = moved
        self.steps += steps
        if before.ended:
            assert ended_part(self.journey) == ended_part(before)
            assert {step.kind for step in steps} <= {Happened.ANSWERED_LATE}

    @rule(
        which=PARTS,
        cleared=strategies.booleans(),
        obliged=strategies.booleans(),
        hours=strategies.none() | strategies.integers(-1, 400),
    )
    def a_layer_answers(self, which: int, cleared: bool, obliged: bool, hours: int | None) -> None:
        asks = [ask for ask in self.journey.asks if ask.party != "officer"]
        ask = asks[which % len(asks)]
        given = Answer(
            party=ask.party,
            stage=ask.stage,
            attempt=ask.attempt,
            cleared=cleared,
            reasons=() if cleared else (a_reason(ask.party, f"NO_{len(self.given)}"),),
            obligations=(OFFICER_NEEDED,) if obliged else (),
            valid_until=None if hours is None else self.now + timedelta(hours=hours),
        )
        counts = ask.answer is None and not self.journey.ended
        self.take(answer(self.journey, given, COURSE, at=self.now))
        self.given.append(given)
        if counts and not cleared:
            self.refusals += given.reasons

    @rule(but_one=strategies.booleans(), obliged=strategies.booleans())
    def layers_clear(self, but_one: bool, obliged: bool) -> None:
        for ask in self.journey.awaited[int(but_one) :]:
            if ask.party != "officer":
                obligations = (OFFICER_NEEDED,) if obliged else ()
                given = Answer(party=ask.party, stage=ask.stage, attempt=ask.attempt, cleared=True, obligations=obligations)
                self.take(answer(self.journey, given, COURSE, at=self.now))
                self.given.append(given)

    @precondition(lambda self: self.given)
    @rule(which=PARTS)
    def an_answer_arrives_again(self, which: int) -> None:
        before = self.journey
        self.take(answer(before, self.given[which % len(self.given)], COURSE, at=self.now))
        assert self.journey == before

    @rule(party=strategies.sampled_from(["policy", "value_catalog", "innovation"]), stage=strategies.sampled_from(Stage), attempt=strategies.integers(4, 9))
    def an_answer_comes_that_nobody_asked_for(self, party: str, stage: Stage, attempt: int) -> None:
        before = self.journey
        self.take(answer(before, Answer(party=party, stage=stage, attempt=attempt, cleared=False), COURSE, at=self.now))
        assert self.journey == before

    @rule(approve=strategies.booleans())
    def an_officer_decides(self, approve: bool) -> None:
        before = self.journey
        try:
            self.take(decide(before, approve=approve, reason="so be it", officer="officer-1", course=COURSE, at=self.now))
        except JourneyHasEnded:
            assert before.ended
        except JourneyNotDeciding:
            assert before.state is not State.DECIDING
        else:
            assert before.state is State.DECIDING
            assert approve or self.journey.state is State.REJECTED

    @rule(by_suspension=strategies.booleans())
    def it_is_taken_back(self, by_suspension: bool) -> None:
        before = self.journey
        reason = a_reason("governance", "VALUE_CREATOR_SUSPENDED")
        try:
            if by_suspension:
                self.take(stop(before, reason, actor="officer-1", at=self.now))
                self.refusals += [reason] if before.kind is not Kind.RETIREMENT else []
            else:
                self.take(withdraw(before, reason="", actor="member-1", at=self.now))
        except JourneyHasEnded:
            assert before.ended
        except RetirementIsFinal:
            assert before.kind is Kind.RETIREMENT and not by_suspension
        else:
            self.has_been_taken_back(before, by_suspension=by_suspension)

    def has_been_taken_back(self, before: Journey, *, by_suspension: bool) -> None:
        assert self.journey.state is (State.REJECTED if by_suspension else State.WITHDRAWN)

    @rule(hours=strategies.integers(0, 30))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def the_expiry_job_looks(self) -> None:
        before = self.journey
        self.take(expire(before, at=self.now))
        assert self.journey.ended == (before.ended or (before.until is not None and before.until <= self.now))

    @invariant()
    def it_waits_with_a_deadline_or_has_ended(self) -> None:
        assert self.journey.ended != bool(self.journey.awaited)
        assert (self.journey.until is None) == self.journey.ended == (self.journey.ended_at is not None)
        for ask in self.journey.awaited:
            assert ask.until == self.journey.until == ask.since + LIMITS[ask.stage]

    @invariant()
    def it_ends_exactly_once_and_last(self) -> None:
        ends = [step for step in self.steps if step.kind is Happened.ENDED]
        assert len(ends) == int(self.journey.ended)
        if ends:
            assert ends[0].reasons == self.journey.reasons
            assert {step.kind for step in self.steps[ends[0].number :]} <= {Happened.ANSWERED_LATE}

    @invariant()
    def all_reasons_are_kept(self) -> None:
        assert set(self.refusals) <= set(self.journey.reasons)
        ends_anyway = self.journey.kind is Kind.RETIREMENT or self.journey.state is State.WITHDRAWN
        assert bool(self.journey.reasons) == (self.journey.state in (State.REFUSING, State.REJECTED)) or ends_anyway

    @invariant()
    def it_is_live_only_when_everybody_asked_has_cleared(self) -> None:
        if self.journey.state is State.LIVE:
            answered = {(ask.stage, ask.party) for ask in self.journey.asks if ask.answer is not None and ask.answer.cleared}
            needed = {(stage, party) for stage in ORDER for party in PARTIES[stage] if is_needed(self.journey, stage)}
            assert needed <= answered

    @invariant()
    def what_is_replaced_drains_from_the_end_on_and_from_no_other(self) -> None:
        has_replaced = self.journey.state is State.LIVE and self.journey.replaces is not None
        assert (self.journey.drain_until is not None) == has_replaced
        if self.journey.drain_until is not None and self.journey.ended_at is not None:
            assert self.journey.drain_until == self.journey.ended_at + COURSE.drain

    @invariant()
    def the_history_has_no_gaps_and_bounded_attempts(self) -> None:
        assert [step.number for step in self.steps] == list(range(1, self.journey.steps + 1))
        assert self.steps[-1].state is self.journey.state or self.journey.state not in TERMINAL
        assert all(ask.attempt <= MAX_ATTEMPTS for ask in self.journey.asks)


def ended_part(journey: Journey) -> tuple[object, ...]:
    """What an end makes final."""
    return journey.state, journey.ended_at, journey.until, journey.reasons, journey.stage


def is_needed(journey: Journey, stage: Stage) -> bool:
    if stage is Stage.DECIDING:
        return any(OFFICER_NEEDED in ask.answer.obligations for ask in journey.asks if ask.stage is Stage.CLEARING and ask.answer is not None)
    return stage is not Stage.DEPLOYING or journey.has_software


class Retirements(Journeys):
    """A retirement against the same inputs: nobody can stop it, and it ends retired."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.steps = []
        self.given = []
        self.refusals = []
        self.journey = a_new_proposal(kind=Kind.RETIREMENT)
        self.take(retire(self.journey, COURSE, reason="nobody comes any more", actor="officer-1", at=NOW))

    def has_been_taken_back(self, before: Journey, *, by_suspension: bool) -> None:
        assert by_suspension and self.journey == before

    @invariant()
    def it_asks_all_once_and_is_retiring_or_retired(self) -> None:
        assert {ask.party for ask in self.journey.asks} == set(PARTIES[Stage.RETIRING])
        assert self.journey.state is (State.RETIRED if self.journey.ended else State.RETIRING)

    @invariant()
    def the_silent_are_named(self) -> None:
        if self.journey.ended:
            in_time = {party for step in self.steps if step.kind is Happened.ANSWERED for party in step.parties}
            silent = {reason.layer for reason in self.journey.reasons if reason.code == "NO_ANSWER"}
            assert silent == set(PARTIES[Stage.RETIRING]) - in_time


Journeys.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
Retirements.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestJourneys = Journeys.TestCase
TestRetirements = Retirements.TestCase
