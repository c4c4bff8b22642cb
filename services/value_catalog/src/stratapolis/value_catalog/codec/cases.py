"""Requests to services."""

from __future__ import annotations

from datetime import datetime

from city.types.v1.types_pb2 import Place
from city.value_catalog.v1 import events_pb2, request_service_pb2
from stratapolis.chassis.times import to_timestamp
from stratapolis.value_catalog.domain.case import Case, CaseState

STATES = {one: request_service_pb2.CaseState.Value(f"CASE_STATE_{one.name}") for one in CaseState}
STATE_OF = {number: state for state, number in STATES.items()}


def shown(one: Case, at: datetime) -> request_service_pb2.Case:
    """A request for the wire."""
    return request_service_pb2.Case(
        case_id=one.case_id,
        service_id=one.service_id,
        opener=one.opener,
        description=one.description,
        place=Place(latitude=one.place[0], longitude=one.place[1]) if one.place else None,
        state=STATES[one.state],
        answer=one.answer,
        due_time=to_timestamp(one.due_at),
        overdue=one.is_overdue(at),
        open_time=to_timestamp(one.opened_at),
        update_time=to_timestamp(one.updated_at),
    )


def opened(one: Case) -> events_pb2.RequestOpened:
    """The fact that a request was opened."""
    return events_pb2.RequestOpened(service_id=one.service_id, case_id=one.case_id, due_time=to_timestamp(one.due_at), opened_time=to_timestamp(one.opened_at))


def updated(one: Case) -> events_pb2.RequestUpdated:
    """The fact that a request was moved on."""
    return events_pb2.RequestUpdated(
        service_id=one.service_id, case_id=one.case_id, state=one.state, due_time=to_timestamp(one.due_at), update_time=to_timestamp(one.updated_at)
    )


def overdue(one: Case) -> events_pb2.RequestOverdue:
    """The fact that a request's due time has passed."""
    return events_pb2.RequestOverdue(service_id=one.service_id, case_id=one.case_id, due_time=to_timestamp(one.due_at))
