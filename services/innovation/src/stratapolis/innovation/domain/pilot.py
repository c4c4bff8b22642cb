"""Pilots: a slot in a zone, testers who agreed, a hypothesis, and a result that only measurements can give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

from stratapolis.chassis.errors import InvalidField
from stratapolis.innovation.domain.challenge import Indicator
from stratapolis.innovation.domain.errors import ConsentWithdrawn, NotMeasured, PilotNotInState, StatementDiffers, TestersFull, ZoneFull
from stratapolis.innovation.domain.programme import Programme, ProgrammeKind, require

LONGEST = 366
"""Days."""
_PLACES = Decimal("1e-9")
_WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)


class PilotState(StrEnum):
    """Where a pilot stands."""

    BOOKED = "booked"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ENDED = frozenset({PilotState.COMPLETED, PilotState.CANCELLED})


class Comparison(StrEnum):
    """On which side of the expected value a hypothesis holds; the value itself is on both."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


class Verdict(StrEnum):
    """What measurements say of a hypothesis."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What a pilot is to show: the mean of an indicator's values while it runs, against the expected value."""

    statement: str
    indicator: Indicator
    scope: str
    comparison: Comparison
    expected: Decimal

    def holds(self, mean: Decimal) -> bool:
        """Whether a mean is on its side."""
        return mean <= self.expected if self.comparison is Comparison.AT_MOST else mean >= self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A value as governance said it; `value` is a decimal in the unit."""

    period: str
    revision: int
    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a pilot, and the measurements it rests on: at least one."""

    verdict: Verdict
    mean: Decimal
    evidence: tuple[Measurement, ...]
    baseline: Measurement | None
    conclusion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """An idea tried in a zone from its first day to its last, by at most `places` testers."""

    pilot_id: str
    idea_id: str
    zone_id: str
    lead: str
    start_on: date
    end_on: date
    places: int
    hypothesis: Hypothesis
    consent_statement: str
    booked_at: datetime
    state: PilotState = PilotState.BOOKED
    testers: int = 0
    began_at: datetime | None = None
    ended_at: datetime | None = None
    ended_on: date | None = None
    result: Result | None = None
    cancel_reason: str = ""

    @property
    def finding(self) -> str:
        """The result in a line; empty where there is none."""
        if self.result is None:
            return ""
        side = "at most" if self.hypothesis.comparison is Comparison.AT_MOST else "at least"
        unit = self.result.evidence[-1].unit
        return (
            f"{self.hypothesis.indicator}: mean {plain(self.result.mean)} {unit} of {len(self.result.evidence)} measured, "
            f"{side} {plain(self.hypothesis.expected)} expected: {self.result.verdict}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A tester's agreement, with the words that were agreed to."""

    consent_id: str
    pilot_id: str
    subject: str
    statement: str
    given_at: datetime
    withdrawn_at: datetime | None = None


def days(first: date, last: date) -> list[date]:
    """Every day of a span, both ends included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def span(first: date, last: date, *, fields: tuple[str, str] = ("start_date", "end_date")) -> None:
    """Raise InvalidField for a span that goes backwards or is too long."""
    if last < first:
        raise InvalidField(fields[1], "the last day is before the first")
    if (last - first).days >= LONGEST:
        raise InvalidField(fields[1], f"{LONGEST} days at most")


def book(pilot: Pilot, zone: Programme, taken: Mapping[date, int], *, today: date) -> Pilot:
    """A slot in a zone on each day of the span; raises ZoneFull with the first day on which too little is left."""
    require(zone, ProgrammeKind.INNOVATION_ZONE, today=today)
    span(pilot.start_on, pilot.end_on)
    if pilot.start_on < today:
        raise InvalidField("start_date", f"is over; today is {today}")
    if pilot.start_on < zone.start_on or pilot.end_on > zone.end_on:
        raise InvalidField("end_date", f"the zone is open from {zone.start_on} to {zone.end_on}")
    capacity = zone.zone.capacity if zone.zone else 0
    for day in days(pilot.start_on, pilot.end_on):
        left = capacity - taken.get(day, 0)
        if pilot.places > left:
            raise ZoneFull(day, left, capacity)
    return pilot


def start(pilot: Pilot, *, today: date, at: datetime) -> Pilot:
    """Its first day has come."""
    if pilot.state is not PilotState.BOOKED or pilot.start_on > today:
        raise PilotNotInState(pilot.pilot_id, pilot.state)
    return replace(pilot, state=PilotState.RUNNING, began_at=at)


def cancel(pilot: Pilot, *, reason: str, today: date, at: datetime) -> Pilot:
    """No result will come; the days from today on are free again."""
    if pilot.state in ENDED:
        raise PilotNotInState(pilot.pilot_id, pilot.state)
    return replace(pilot, state=PilotState.CANCELLED, cancel_reason=reason, ended_at=at, ended_on=today)


def conclude(pilot: Pilot, evidence: Sequence[Measurement], baseline: Measurement | None, *, conclusion: str, today: date, at: datetime) -> Pilot:
    """End a running pilot by what was measured while it ran, oldest first; without any of it there is no result."""
    if pilot.state is not PilotState.RUNNING:
        raise PilotNotInState(pilot.pilot_id, pilot.state)
    if not evidence:
        raise NotMeasured(pilot.pilot_id, str(pilot.hypothesis.indicator), pilot.hypothesis.scope)
    mean = average([one.value for one in evidence])
    verdict = Verdict.CONFIRMED if pilot.hypothesis.holds(mean) else Verdict.REFUTED
    result = Result(verdict=verdict, mean=mean, evidence=tuple(evidence), baseline=baseline, conclusion=conclusion)
    return replace(pilot, state=PilotState.COMPLETED, result=result, ended_at=at, ended_on=today)


def agree(pilot: Pilot, consent: Consent) -> Pilot:
    """One more tester, who agrees to the words that stand there."""
    if pilot.state in ENDED:
        raise PilotNotInState(pilot.pilot_id, pilot.state)
    if consent.statement != pilot.consent_statement:
        raise StatementDiffers(pilot.pilot_id)
    if pilot.testers >= pilot.places:
        raise TestersFull(pilot.places)
    return replace(pilot, testers=pilot.testers + 1)


def withdraw(pilot: Pilot, consent: Consent, *, at: datetime) -> tuple[Pilot, Consent]:
    """A tester less; of a pilot that has ended the count stays, it had them."""
    if consent.withdrawn_at is not None:
        raise ConsentWithdrawn(consent.consent_id)
    left = pilot if pilot.state in ENDED else replace(pilot, testers=pilot.testers - 1)
    return left, replace(consent, withdrawn_at=at)


def average(values: Sequence[Decimal]) -> Decimal:
    """The arithmetic mean, half-even to nine places."""
    total = Decimal(0)
    for value in values:
        total = _WIDE.add(total, value)
    return _WIDE.divide(total, Decimal(len(values))).quantize(_PLACES, context=_WIDE)


def plain(value: Decimal) -> str:
    """A decimal without idle zeros and without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
