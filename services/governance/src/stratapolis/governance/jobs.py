"""What runs on a clock."""

from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.governance import charging, measuring, progress, repricing
from stratapolis.governance.domain.journey import expire
from stratapolis.governance.domain.tariff import period_of
from stratapolis.governance.store import journeys, tariffs

AT_MOST = 50
"""Journeys that one run gives up on; the next run is a second away."""

FEES_AT_ONCE = 200
"""Subscriptions that one run charges a month of: on the first of a month, 72 000 an hour."""

SERVICES_MOVED_AT_ONCE, MOVED_AT_ONCE = 4, 100
"""Services, and subscriptions of each, that one run moves to new prices."""

MARKS_AT_ONCE = 2_000
"""Marks (a service, an indicator, a quarter of an hour) that one run counts again, in a handful of queries for each day and indicator."""


async def expire_stages(*, tx: Tx, at: datetime) -> None:
    """End the journeys that waited too long; what somebody has in hand right now is theirs."""
    for journey in await journeys.due(tx, at, AT_MOST):
        await progress.keep(tx, expire(journey, at=at))


async def charge_fees(*, tx: Tx, at: datetime) -> None:
    """Charge the fees of the months that have begun."""
    for subscription in await tariffs.with_fees_due(tx, period_of(at), FEES_AT_ONCE):
        await charging.charge_fees(tx, subscription, at=at)


async def move_subscriptions(*, tx: Tx, at: datetime) -> None:
    """Move the subscriptions of upgraded services to their new prices."""
    await repricing.move_some(tx, SERVICES_MOVED_AT_ONCE, MOVED_AT_ONCE, at=at)


async def measure_platform(*, tx: Tx, at: datetime, zone: str) -> None:
    """Measure the platform by its own records, where something has happened."""
    await measuring.measure_platform(tx, zone, MARKS_AT_ONCE, at=at)
