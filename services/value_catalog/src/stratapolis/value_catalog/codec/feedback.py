"""Feedback."""

from __future__ import annotations

from city.value_catalog.v1 import events_pb2
from city.value_catalog.v1.feedback_service_pb2 import Feedback as FeedbackMessage
from stratapolis.chassis.times import to_timestamp
from stratapolis.value_catalog.domain.feedback import Feedback


def shown(given: Feedback, *, is_mine: bool) -> FeedbackMessage:
    """Feedback for the wire; who gave it is told to nobody else."""
    return FeedbackMessage(
        feedback_id=given.feedback_id,
        service_id=given.service_id,
        rating=given.rating,
        comment=given.comment,
        give_time=to_timestamp(given.given_at),
        update_time=to_timestamp(given.updated_at),
        mine=is_mine,
    )


def rated(given: Feedback) -> events_pb2.FeedbackGiven:
    """The fact that a service was rated; without the comment."""
    return events_pb2.FeedbackGiven(
        service_id=given.service_id, feedback_id=given.feedback_id, rating=given.rating, give_time=to_timestamp(given.updated_at)
    )  # fmt: skip
