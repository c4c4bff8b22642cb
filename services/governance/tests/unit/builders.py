"""What journeys are made of in tests; what does not matter has a default."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stratapolis.governance.domain.journey import Course, Journey, Moved, answer, propose, retire
from stratapolis.governance.domain.step import Answer, Kind, Obligation, Reason, Replaced, Stage, Step

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LAYERS = frozenset({"policy", "data", "connectivity", "infrastructure", "value_catalog", "innovation"})
LIMITS = {
    Stage.CLEARING: timedelta(hours=24),
    Stage.DECIDING: timedelta(days=14),
    Stage.DEPLOYING: timedelta(minutes=10),
    Stage.CONNECTING: timedelta(hours=24),
    Stage.LISTING: timedelta(hours=24),
    Stage.RETIRING: timedelta(hours=24),
}
COURSE = Course(layers=LAYERS, limits=LIMITS)
OFFICER_NEEDED = Obligation(code="OFFICER_APPROVAL", message="a street is closed for it")


LIVE = Replaced(version=1, journey_id="journey-1")


def a_proposal(*, has_software: bool = True, at: datetime = NOW, kind: Kind = Kind.LAUNCH) -> Journey:
    """A journey that nobody has been asked about yet; an upgrade and a retirement are of what journey-1 has brought live."""
    if kind is not Kind.LAUNCH:
        launched = a_proposal(has_software=has_software, at=at)
        return replace(launched, journey_id="journey-2", version=2 if kind is Kind.UPGRADE else 1, tariff_id="tariff-2", kind=kind, replaces=LIVE)
    return Journey(
        journey_id="journey-1",
        service_id="service-1",
        version=1,
        creator_id="creator-1",
        creator_name="Harbour Rowing Club",
        name="rowing-lessons",
        tariff_id="tariff-1",
        has_software=has_software,
        proposed_at=at,
        updated_at=at,
    )


def a_journey(*refusals: Reason, has_software: bool = True, course: Course = COURSE, at: datetime = NOW) -> Moved:
    """A journey just proposed."""
    return propose(a_proposal(has_software=has_software, at=at), refusals, course, at=at)


def a_retirement(*, course: Course = COURSE, at: datetime = NOW) -> Moved:
    """A retirement that has just begun."""
    return retire(a_proposal(at=at, kind=Kind.RETIREMENT), course, reason="nobody rows any more", actor="founder-1", at=at)


def a_reason(layer: str = "policy", code: str = "NO_FUNDS") -> Reason:
    """A layer's reason against a proposal."""
    return Reason(layer=layer, code=code, message="the source has not enough left")


def a_yes(party: str, stage: Stage = Stage.CLEARING, attempt: int = 1, *obligations: Obligation, valid_until: datetime | None = None) -> Answer:
    """A layer's clearance."""
    return Answer(party=party, stage=stage, attempt=attempt, cleared=True, obligations=obligations, valid_until=valid_until)


def a_no(party: str, stage: Stage = Stage.CLEARING, attempt: int = 1, *reasons: Reason) -> Answer:
    """A layer's refusal."""
    return Answer(party=party, stage=stage, attempt=attempt, cleared=False, reasons=reasons or (a_reason(party),))


def all_clear(journey: Journey, *obligations: Obligation, course: Course = COURSE, at: datetime = NOW, valid_until: datetime | None = None) -> Moved:
    """Everybody who is awaited says yes."""
    steps: tuple[Step, ...] = ()
    for ask in journey.awaited:
        given = a_yes(ask.party, ask.stage, ask.attempt, *obligations, valid_until=valid_until)
        journey, more = answer(journey, given, course, at=at)
        steps += more
    return journey, steps
