"""Workshops."""

from __future__ import annotations

from city.innovation.v1 import workshop_service_pb2 as pb
from stratapolis.chassis.times import to_time, to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.workshop import Workshop


def asked(workshop_id: str, request: pb.ScheduleWorkshopRequest) -> Workshop:
    """The workshop that a request describes."""
    return Workshop(
        workshop_id=workshop_id,
        programme_id=request.programme_id,
        title=request.title,
        place=words.place_of(request.place),
        start_at=to_time(request.start_time),
        idea_ids=tuple(sorted(request.idea_ids)),
    )


def shown(workshop: Workshop) -> pb.Workshop:
    """A workshop for the wire."""
    return pb.Workshop(
        workshop_id=workshop.workshop_id,
        programme_id=workshop.programme_id,
        title=workshop.title,
        place=words.place(workshop.place),
        start_time=to_timestamp(workshop.start_at),
        idea_ids=workshop.idea_ids,
        cancelled=workshop.cancelled_at is not None,
        cancel_reason=workshop.cancel_reason,
    )
