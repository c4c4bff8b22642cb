"""Answers of the layers."""

from datetime import datetime

from city.journey.v1.journey_pb2 import StageAnswered
from stratapolis.chassis.db import Tx
from stratapolis.governance import progress
from stratapolis.governance.codec.journeys import answer_of
from stratapolis.governance.domain.journey import Course, answer
from stratapolis.governance.store import journeys


async def on_stage_answered(event: StageAnswered, *, course: Course, tx: Tx, at: datetime) -> None:
    """Note one layer's answer; the last one moves the journey on, or ends it."""
    journey = await journeys.for_update(tx, event.journey_id)
    await progress.keep(tx, answer(journey, answer_of(event), course, at=at))
