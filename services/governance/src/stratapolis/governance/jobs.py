"""What runs on a clock."""

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.governance import progress
from stratapolis.governance.domain.journey import expire
from stratapolis.governance.store import journeys

AT_MOST = 50
"""Journeys that one run gives up on; the next run is a second away."""


async def expire_stages(*, tx: Tx, at: datetime) -> None:
    """End the journeys that waited too long; what somebody has in hand right now is theirs."""
    for journey in await journeys.due(tx, at, AT_MOST):
        await progress.keep(tx, expire(journey, at=at))
