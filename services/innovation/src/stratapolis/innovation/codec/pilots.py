"""Pilots, their results and consents."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from city.innovation.v1 import pilot_pb2 as pb
from city.innovation.v1 import pilot_service_pb2
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.pilot import Comparison, Consent, Hypothesis, Measurement, Pilot, PilotState, Result, Verdict, plain

STATES = words.numbers(PilotState, pb.PilotState, "PILOT_STATE")
STATE_OF = words.back(STATES)
COMPARISONS = words.numbers(Comparison, pb.Comparison, "COMPARISON")
COMPARISON_OF = words.back(COMPARISONS)
VERDICTS = words.numbers(Verdict, pb.Verdict, "VERDICT")


def asked(pilot_id: str, request: pilot_service_pb2.BookPilotRequest, *, lead: str, at: datetime) -> Pilot:
    """The pilot that a request describes."""
    return Pilot(
        pilot_id=pilot_id,
        idea_id=request.idea_id,
        zone_id=request.zone_id,
        lead=lead,
        start_on=words.day(request.start_date, "start_date"),
        end_on=words.day(request.end_date, "end_date"),
        places=request.places,
        hypothesis=hypothesis_of(request.hypothesis),
        consent_statement=request.consent_statement,
        booked_at=at,
    )


def hypothesis_of(given: pb.Hypothesis) -> Hypothesis:
    """A hypothesis from the wire."""
    return Hypothesis(
        statement=given.statement,
        indicator=words.indicator(given.indicator),
        scope=given.scope,
        comparison=COMPARISON_OF[given.comparison],
        expected=Decimal(given.expected),
    )


def shown(pilot: Pilot) -> pb.Pilot:
    """A pilot for the wire; of its testers, how many."""
    hypothesis = pilot.hypothesis
    return pb.Pilot(
        pilot_id=pilot.pilot_id,
        idea_id=pilot.idea_id,
        zone_id=pilot.zone_id,
        lead=pilot.lead,
        start_date=pilot.start_on.isoformat(),
        end_date=pilot.end_on.isoformat(),
        places=pilot.places,
        hypothesis=pb.Hypothesis(
            statement=hypothesis.statement,
            indicator=words.key(hypothesis.indicator),
            scope=hypothesis.scope,
            comparison=COMPARISONS[hypothesis.comparison],
            expected=plain(hypothesis.expected),
        ),
        consent_statement=pilot.consent_statement,
        testers=pilot.testers,
        state=STATES[pilot.state],
        result=_result(pilot.result) if pilot.result else None,
        cancel_reason=pilot.cancel_reason,
        book_time=to_timestamp(pilot.booked_at),
        begin_time=words.stamp(pilot.began_at),
        end_time=words.stamp(pilot.ended_at),
    )


def consent(given: Consent) -> pilot_service_pb2.Consent:
    """A consent, for its tester."""
    return pilot_service_pb2.Consent(
        consent_id=given.consent_id,
        pilot_id=given.pilot_id,
        statement=given.statement,
        give_time=to_timestamp(given.given_at),
        withdraw_time=words.stamp(given.withdrawn_at),
    )


def _result(result: Result) -> pb.PilotResult:
    return pb.PilotResult(
        verdict=VERDICTS[result.verdict],
        mean=plain(result.mean),
        evidence=[_observed(one) for one in result.evidence],
        baseline=_observed(result.baseline) if result.baseline else None,
        conclusion=result.conclusion,
    )


def _observed(one: Measurement) -> pb.Observed:
    return pb.Observed(period=one.period, revision=one.revision, value=plain(one.value), unit=one.unit)
