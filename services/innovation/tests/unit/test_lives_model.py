"""Ideas and their pilots against all inputs in any order, with a model of what must come of each: states, votes, slots, evidence, ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import settings, strategies
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from stratapolis.innovation.domain import idea as ideas
from stratapolis.innovation.domain import pilot as pilots
from stratapolis.innovation.domain.errors import IdeaNotInState, LeadMissing, NotMeasured, NotProven, NotSupported, OwnIdea, PilotNotInState, ZoneFull
from stratapolis.innovation.domain.idea import Happened, Idea, IdeaState, Moved, Step
from stratapolis.innovation.domain.pilot import Pilot, PilotState, Verdict

from services.innovation.tests.builders import ADA, DAY, LANTERN, NOW, TODAY, a_pilot, a_zone, an_idea, measured

CAPACITY = 10
END = {Happened.GRADUATED, Happened.DROPPED, Happened.WITHDRAWN}
LEADS_TO = {
    Happened.SUBMITTED: {IdeaState.SUBMITTED},
    Happened.REFINED: {IdeaState.REFINED},
    Happened.SHORTLISTED: {IdeaState.SHORTLISTED},
    Happened.PILOT_BOOKED: {IdeaState.PILOTING},
    Happened.PILOT_COMPLETED: {IdeaState.PILOTED},
    Happened.PILOT_CANCELLED: {IdeaState.SHORTLISTED},
    Happened.GRADUATED: {IdeaState.GRADUATED},
    Happened.DROPPED: {IdeaState.DROPPED},
    Happened.WITHDRAWN: {IdeaState.WITHDRAWN},
}
"""The state in which a step leaves an idea; a step that is not here leaves it where it was."""


@dataclass
class Life:
    """An idea, what happened to it, its pilots, and who supports it."""

    idea: Idea
    steps: list[Step] = field(default_factory=list)
    pilots: list[Pilot] = field(default_factory=list)
    supporters: set[str] = field(default_factory=set)

    def take(self, moved: Moved) -> None:
        self.idea, step = moved
        self.steps.append(step)

    def open_pilot(self) -> int | None:
        return next((n for n, pilot in enumerate(self.pilots) if pilot.state in (PilotState.BOOKED, PilotState.RUNNING)), None)


class Lives(RuleBasedStateMachine):
    """Some ideas that share a zone."""

    lives = Bundle("lives")

    @initialize(target=lives, count=strategies.integers(1, 3))
    def submit(self, count: int) -> object:
        self.now: datetime = NOW
        self.today: date = TODAY
        self.all: list[Life] = []
        for n in range(count):
            life = Life(an_idea(idea_id=f"idea-{n}"))
            life.take(ideas.submit(life.idea))
            self.all.append(life)
        return multiple(*self.all)

    def taken(self) -> Counter[date]:
        """What pilots have of the zone, counted by hand."""
        counted: Counter[date] = Counter()
        for life in self.all:
            for pilot in life.pilots:
                frees = {None: pilot.end_on + DAY, PilotState.COMPLETED: (pilot.ended_on or TODAY) + DAY, PilotState.CANCELLED: pilot.ended_on or TODAY}
                until = min(pilot.end_on + DAY, frees[pilot.state if pilot.ended_on else None])
                counted.update(dict.fromkeys((pilot.start_on + n * DAY for n in range((until - pilot.start_on).days)), pilot.places))
        return counted

    @rule(life=lives, name=strategies.sampled_from("abc"))
    def somebody_votes(self, life: Life, name: str) -> None:
        if name in life.supporters:
            return
        try:
            life.take(ideas.support(life.idea, owners=(name,), at=self.now))
        except IdeaNotInState:
            assert life.idea.ended_at is not None
        else:
            life.supporters.add(name)

    @rule(life=lives)
    def the_proposer_votes(self, life: Life) -> None:
        try:
            ideas.support(life.idea, owners=ADA.owners, at=self.now)
        except (OwnIdea, IdeaNotInState):
            return
        raise AssertionError("nobody votes for their own idea")

    @rule(life=lives)
    def somebody_takes_a_vote_back(self, life: Life) -> None:
        try:
            life.take(ideas.unsupport(life.idea, at=self.now))
        except NotSupported:
            assert not life.supporters
        except IdeaNotInState:
            assert life.idea.ended_at is not None
        else:
            life.supporters.pop()

    @rule(life=lives)
    def a_workshop_refines_it(self, life: Life) -> None:
        before = life.idea.state
        try:
            life.take(ideas.refine(life.idea, workshop_id="w", title="Better lamps", description="Lamps, but better.", note="shorter", at=self.now))
        except IdeaNotInState:
            assert before not in (IdeaState.SUBMITTED, IdeaState.REFINED)

    @rule(life=lives, lead=strategies.sampled_from(["", LANTERN]))
    def an_officer_shortlists_it(self, life: Life, lead: str) -> None:
        before = life.idea.state
        try:
            life.take(ideas.shortlist(life.idea, lead=lead, at=self.now))
        except IdeaNotInState:
            assert before not in (IdeaState.SUBMITTED, IdeaState.REFINED)
        except LeadMissing:
            assert lead == ""

    @rule(life=lives, first=strategies.integers(0, 5), length=strategies.integers(1, 6), places=strategies.integers(1, CAPACITY + 1))
    def its_lead_books_a_pilot(self, life: Life, first: int, length: int, places: int) -> None:
        start = self.today + first * DAY
        asked = a_pilot(
            pilot_id=f"{life.idea.idea_id}-{len(life.pilots)}", start_on=start, end_on=start + (length - 1) * DAY, places=places, booked_at=self.now
        )  # fmt: skip
        taken = self.taken()
        fits = all(taken[start + n * DAY] + places <= CAPACITY for n in range(length))
        before = life.idea.state
        try:
            booked = pilots.book(asked, a_zone(CAPACITY), taken, today=self.today)
            life.take(ideas.book(life.idea, booked, at=self.now))
        except ZoneFull:
            assert not fits
        except IdeaNotInState:
            assert before not in (IdeaState.SHORTLISTED, IdeaState.PILOTED)
        else:
            assert fits
            life.pilots.append(booked)

    @rule(life=lives)
    def its_first_day_comes(self, life: Life) -> None:
        if (n := life.open_pilot()) is None:
            return
        before = life.pilots[n]
        try:
            life.pilots[n] = pilots.start(before, today=self.today, at=self.now)
        except PilotNotInState:
            assert before.state is PilotState.RUNNING or before.start_on > self.today
        else:
            life.take(ideas.started(life.idea, life.pilots[n], at=self.now))

    @rule(life=lives, values=strategies.lists(strategies.decimals(0, 30, places=2), max_size=4))
    def its_lead_records_the_result(self, life: Life, values: list[Decimal]) -> None:
        if (n := life.open_pilot()) is None:
            return
        before, evidence = life.pilots[n], [measured(str(value)) for value in values]
        try:
            done = pilots.conclude(before, evidence, None, conclusion="so it is", today=self.today, at=self.now)
        except PilotNotInState:
            assert before.state is PilotState.BOOKED
        except NotMeasured:
            assert not values
        else:
            life.pilots[n] = done
            life.take(ideas.completed(life.idea, done, at=self.now))

    @rule(life=lives, values=strategies.lists(strategies.sampled_from([Decimal(10), Decimal(15), Decimal(25)]), min_size=1, max_size=3))
    def all_goes_as_planned(self, life: Life, values: list[Decimal]) -> None:
        """The long way to a result in one rule, so that what comes after it is tried often."""
        self.an_officer_shortlists_it(life, LANTERN)
        self.its_lead_books_a_pilot(life, first=0, length=1, places=1)
        self.its_first_day_comes(life)
        self.its_lead_records_the_result(life, values)

    @rule(life=lives)
    def its_lead_cancels(self, life: Life) -> None:
        if (n := life.open_pilot()) is not None:
            life.pilots[n] = pilots.cancel(life.pilots[n], reason="rain", today=self.today, at=self.now)
            life.take(ideas.cancelled(life.idea, life.pilots[n], at=self.now))

    @rule(life=lives)
    def an_officer_graduates_it(self, life: Life) -> None:
        before, newest = life.idea, life.pilots[-1] if life.pilots else None
        is_proven = newest is not None and newest.result is not None and newest.result.verdict is Verdict.CONFIRMED
        try:
            life.take(ideas.graduate(before, newest, at=self.now))
        except IdeaNotInState:
            assert before.state is not IdeaState.PILOTED
        except NotProven:
            assert not is_proven
        else:
            assert is_proven and before.state is IdeaState.PILOTED

    @rule(life=lives, by_proposer=strategies.booleans())
    def it_is_given_up(self, life: Life, by_proposer: bool) -> None:
        before = life.idea
        try:
            moved = (
                ideas.withdraw(before, reason="no more", owners=ADA.owners, at=self.now) if by_proposer else ideas.drop(before, reason="no more", at=self.now)
            )
        except IdeaNotInState:
            assert before.ended_at is not None
            return
        if (n := life.open_pilot()) is not None:
            life.pilots[n] = pilots.cancel(life.pilots[n], reason="no more", today=self.today, at=self.now)
        life.take(moved)

    @rule(days=strategies.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.today += timedelta(days=days)

    @invariant()
    def the_zone_is_never_past_its_capacity(self) -> None:
        assert all(places <= CAPACITY for places in self.taken().values())

    @invariant()
    def every_step_is_told_and_leads_where_it_says(self) -> None:
        for life in self.all:
            state = IdeaState.SUBMITTED
            for step in life.steps:
                assert step.state in LEADS_TO.get(step.kind, {state})
                state = step.state
            assert state is life.idea.state and life.steps[-1].supporters == life.idea.supporters

    @invariant()
    def an_end_comes_once_and_last(self) -> None:
        for life in self.all:
            ends = [n for n, step in enumerate(life.steps) if step.kind in END]
            assert ends == ([len(life.steps) - 1] if life.idea.ended_at else [])
            assert (life.idea.state in ideas.ENDED) == (life.idea.ended_at is not None)

    @invariant()
    def votes_are_counted(self) -> None:
        assert all(life.idea.supporters == len(life.supporters) for life in self.all)

    @invariant()
    def an_idea_has_a_pilot_open_exactly_while_it_is_piloted(self) -> None:
        for life in self.all:
            assert (life.open_pilot() is not None) == (life.idea.state is IdeaState.PILOTING)
            assert len([p for p in life.pilots if p.ended_at is None]) <= 1

    @invariant()
    def what_graduated_was_confirmed_by_measurements(self) -> None:
        for life in self.all:
            if life.idea.state is IdeaState.GRADUATED:
                newest = life.pilots[-1]
                assert newest.pilot_id == life.idea.pilot_id and newest.result is not None
                values = [one.value for one in newest.result.evidence]
                assert values and sum(values) <= 15 * len(values)


Lives.TestCase.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
TestLives = Lives.TestCase
