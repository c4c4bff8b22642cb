"""Programmes."""

from __future__ import annotations

from datetime import datetime

from city.innovation.v1 import events_pb2
from city.innovation.v1 import programme_pb2 as pb
from city.innovation.v1.programme_service_pb2 import OpenProgrammeRequest
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.programme import Competency, Programme, ProgrammeKind, Training, Zone

KINDS = words.numbers(ProgrammeKind, pb.ProgrammeKind, "PROGRAMME_KIND")
KIND_OF = words.back(KINDS)


def asked(programme_id: str, request: OpenProgrammeRequest, at: datetime) -> Programme:
    """The programme that a request describes."""
    return Programme(
        programme_id=programme_id,
        kind=KIND_OF[request.kind],
        title=request.title,
        description=request.description,
        start_on=words.day(request.start_date, "start_date"),
        end_on=words.day(request.end_date, "end_date"),
        zone=Zone(place=words.place_of(request.zone.place), capacity=request.zone.capacity) if request.HasField("zone") else None,
        training=Training(competency=competency_of(request.training.competency), seats=request.training.seats) if request.HasField("training") else None,
        opened_at=at,
    )


def shown(programme: Programme) -> pb.Programme:
    """A programme for the wire."""
    zone, training = programme.zone, programme.training
    return pb.Programme(
        programme_id=programme.programme_id,
        kind=KINDS[programme.kind],
        title=programme.title,
        description=programme.description,
        start_date=programme.start_on.isoformat(),
        end_date=programme.end_on.isoformat(),
        zone=pb.Zone(place=words.place(zone.place), capacity=zone.capacity) if zone else None,
        training=pb.Training(competency=competency(training.competency), seats=training.seats) if training else None,
        state=pb.PROGRAMME_STATE_OPEN if programme.closed_at is None else pb.PROGRAMME_STATE_CLOSED,
        enrolled=programme.enrolled,
        open_time=to_timestamp(programme.opened_at),
        close_time=words.stamp(programme.closed_at),
        close_reason=programme.close_reason,
    )


def opened(programme: Programme) -> events_pb2.ProgrammeOpened:
    """The fact that one was opened."""
    return events_pb2.ProgrammeOpened(
        programme_id=programme.programme_id,
        kind=programme.kind,
        title=programme.title,
        start_date=programme.start_on.isoformat(),
        end_date=programme.end_on.isoformat(),
    )


def competency_of(given: pb.Competency) -> Competency:
    """A competency from the wire."""
    return Competency(code=given.code, name=given.name, criteria=given.criteria, valid_days=given.valid_days)


def competency(one: Competency) -> pb.Competency:
    """A competency for the wire."""
    return pb.Competency(code=one.code, name=one.name, criteria=one.criteria, valid_days=one.valid_days)
