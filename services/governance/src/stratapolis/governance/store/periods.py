"""Periods: the calendar months that are settled as a whole. Posting takes a month's row `for key share`, settlement `for update`."""

from dataclasses import dataclass
from datetime import datetime

from stratapolis.chassis.db import Tx
from stratapolis.governance.domain.errors import PeriodClosed
from stratapolis.governance.domain.tariff import first_open

OPENED = "insert into period (period) values ($1) on conflict do nothing"
SHARED = "select closed_at is null from period where period = $1 for key share"
ALONE = "select closed_at is null from period where period = $1 for update"
CLOSED = "select period from period where period >= $1 and closed_at is not null"
CLOSE = "update period set closed_at = $2 where period = $1"
LIST = "select period, closed_at from period where $1::text is null or period < $1 order by period desc limit $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A month, and when it was settled; None: it is open."""

    period: str
    closed_at: datetime | None


async def posting_to(tx: Tx, service_period: str) -> str:
    """Where something earned in a month is posted: that month, or the first open one after it. It is not closed meanwhile."""
    period = service_period
    while not (is_open := await tx.value(SHARED, period)):
        if is_open is None:
            await tx.execute(OPENED, period)
        else:
            period = await first_open_from(tx, period)
    return period


async def first_open_from(tx: Tx, service_period: str) -> str:
    """That month, or the first one after it that is not settled."""
    return first_open(service_period, {row["period"] for row in await tx.fetch(CLOSED, service_period)})


async def lock(tx: Tx, period: str) -> None:
    """Wait for what is being posted to a month, and let nothing more in; raises PeriodClosed."""
    await tx.execute(OPENED, period)
    if not await tx.value(ALONE, period):
        raise PeriodClosed(period)


async def close(tx: Tx, period: str, at: datetime) -> None:
    """For good."""
    await tx.execute(CLOSE, period, at)


async def listed(tx: Tx, *, before: str | None, limit: int) -> list[Period]:
    """Months that were posted to or settled, newest first."""
    return [Period(period=row["period"], closed_at=row["closed_at"]) for row in await tx.fetch(LIST, before, limit)]
