"""What innovation hears: what is measured, what is off target, how services are rated and that they go, and who may be a partner."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from city.governance.v1.events_pb2 import IndicatorMeasured, IndicatorOffTarget, StageRequested, ValueCreatorAccepted, ValueCreatorSuspended
from city.value_catalog.v1.events_pb2 import FeedbackGiven, ServicePublished
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.holds import Answer, Cleared, Version
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_time
from stratapolis.innovation import board
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import challenges as codec
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.challenge import BadRating, Challenge, badly_rated, off_target, scope_of
from stratapolis.innovation.domain.idea import cancelled
from stratapolis.innovation.domain.period import span_of
from stratapolis.innovation.domain.pilot import Measurement, cancel
from stratapolis.innovation.store import challenges, ideas, measurements, partners, pilots, services

THING = "thing:"
RETIRED = "the service is retired"
"""What the end of a challenge or a pilot about it is put down to."""
AT_ONCE = 50
"""Pilots of a retiring service that one transaction cancels."""
DECIMAL = re.compile(r"-?[0-9]{1,30}([.][0-9]{1,30})?")


async def on_indicator_measured(event: IndicatorMeasured, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Keep a value: it may become evidence. One that is no decimal, or of no period, never could."""
    if not DECIMAL.fullmatch(event.value):
        raise Permanent(f"{event.value!r} is no decimal")
    try:
        days = span_of(event.period)
    except ValueError as error:
        raise Permanent(str(error)) from error
    measured = Measurement(period=event.period, revision=event.revision, value=Decimal(event.value), unit=event.unit)
    await measurements.put(tx, words.indicator(event.indicator), event.scope, measured, days)


async def on_indicator_off_target(event: IndicatorOffTarget, *, tx: Tx, at: datetime) -> None:
    """Ask for ideas, once per period and scope, and not while it is asked already. What a single thing measures asks nobody: the city's value has it in it."""
    if event.scope.startswith(THING):
        return
    indicator = words.indicator(event.indicator)
    await _open(tx, off_target(new_id(), indicator, scope=event.scope, period=event.period, value=event.value, target=event.target, at=at))


async def on_feedback_given(event: FeedbackGiven, *, calendar: Calendar, bad: BadRating, tx: Tx, at: datetime) -> None:
    """Note a rating in its month; where the month's are bad, ask for ideas."""
    month = calendar.month(to_time(event.give_time) if event.HasField("give_time") else at)
    score = await challenges.rate(tx, event.service_id, event.feedback_id, event.rating, month)
    if bad.shown_by(score):
        await _open(tx, badly_rated(new_id(), event.service_id, period=month, score=score, at=at))


async def on_value_creator_accepted(event: ValueCreatorAccepted, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """One more may be a partner, and lead ideas."""
    await partners.note_accepted(tx, event.creator_id, event.name, event.kind)


async def on_value_creator_suspended(event: ValueCreatorSuspended, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """It may no more."""
    await partners.note_suspended(tx, event.creator_id)


async def retire(request: StageRequested, *, calendar: Calendar, tx: Tx, at: datetime) -> Answer | None:
    """End what is about the service: its challenges close, pilots that its values decide are cancelled, some at a time; asked again until none goes on."""
    await services.put_retired(tx, request.service_id, request.version)
    await challenges.close_about(tx, request.service_id, reason=RETIRED, at=at)
    measuring = await pilots.measuring(tx, scope_of(request.service_id), AT_ONCE)
    ended = [cancel(pilot, reason=RETIRED, today=calendar.day(at), at=at) for pilot in measuring]
    of = await ideas.all_for_update(tx, [pilot.idea_id for pilot in ended])
    await pilots.put(tx, ended)
    await board.keep_all(tx, [(cancelled(idea, pilot, at=at), pilot) for idea, pilot in zip(of, ended, strict=True)])
    return Cleared() if len(ended) < AT_ONCE else None


async def let_go(version: Version, *, tx: Tx, at: datetime) -> None:
    """Nothing here is a single version's."""


async def on_service_published(event: ServicePublished, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """One that was retired may have been launched again."""
    await services.put_published(tx, event.service_id, event.version)


async def _open(tx: Tx, challenge: Challenge) -> None:
    if challenge.service_id and await services.retired(tx, challenge.service_id):
        return
    if await challenges.add(tx, challenge):
        await outbox.append(tx, codec.opened(challenge))
