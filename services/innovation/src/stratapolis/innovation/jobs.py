"""What runs on a clock: pilots begin on their first day."""

from __future__ import annotations

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.innovation import board
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.domain.idea import started
from stratapolis.innovation.domain.pilot import start
from stratapolis.innovation.store import ideas, pilots

AT_MOST = 50
"""Pilots that one run begins; the next run is a second away."""


async def start_pilots(*, calendar: Calendar, tx: Tx, at: datetime) -> None:
    """Begin the pilots whose first day has come; what somebody has in hand right now is theirs."""
    today = calendar.day(at)
    begun = [start(pilot, today=today, at=at) for pilot in await pilots.due(tx, today, AT_MOST)]
    of = await ideas.all_for_update(tx, [pilot.idea_id for pilot in begun])
    await pilots.put(tx, begun)
    await board.keep_all(tx, [(started(idea, pilot, at=at), pilot) for idea, pilot in zip(of, begun, strict=True)])
