"""Enrolments and awards."""

from __future__ import annotations

from city.innovation.v1 import events_pb2
from city.innovation.v1 import training_service_pb2 as pb
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.codec.programmes import competency
from stratapolis.innovation.domain.training import Award, Enrolment, EnrolmentState

STATES = words.numbers(EnrolmentState, pb.EnrolmentState, "ENROLMENT_STATE")


def shown(enrolment: Enrolment) -> pb.Enrolment:
    """An enrolment for the wire."""
    return pb.Enrolment(
        enrolment_id=enrolment.enrolment_id,
        programme_id=enrolment.programme_id,
        subject=enrolment.subject,
        creator_id=enrolment.creator_id,
        state=STATES[enrolment.state],
        enrol_time=to_timestamp(enrolment.enrolled_at),
        end_time=words.stamp(enrolment.ended_at),
    )


def award(given: Award) -> pb.Award:
    """An award for the wire."""
    return pb.Award(
        award_id=given.award_id,
        programme_id=given.programme_id,
        competency=competency(given.competency),
        subject=given.subject,
        creator_id=given.creator_id,
        award_time=to_timestamp(given.awarded_at),
        expire_time=words.stamp(given.expires_at),
    )


def awarded(given: Award) -> events_pb2.CompetencyAwarded:
    """The fact that somebody has shown a competency."""
    return events_pb2.CompetencyAwarded(
        holder=given.holder,
        award_id=given.award_id,
        competency=given.competency.code,
        creator_id=given.creator_id,
        subject=given.subject,
        award_time=to_timestamp(given.awarded_at),
        expire_time=words.stamp(given.expires_at),
    )
