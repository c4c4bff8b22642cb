"""Days and hours of a zone as spans of UTC: half-open, without gap or overlap, 23 to 25 hours long where clocks change."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stratapolis.data.domain.errors import EndBeforeStart, NoSuchDate, RangeTooLong, UnknownZone

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Window(StrEnum):
    """How long the spans of an aggregate are."""

    HOUR = "hour"
    DAY = "day"


MOST_DAYS = {Window.HOUR: 366, Window.DAY: 3660}
"""The longest range of one call, in days."""


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of the IANA database; raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(name) from None


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The moment a local day begins, in UTC: midnight, the first of two, or what the clock shows instead of it."""
    return datetime.combine(day, time(0), tzinfo=zone).astimezone(UTC)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The local day that a moment lies in."""
    return moment.astimezone(zone).date()


def day_span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A local day, half-open, in UTC."""
    return day_start(day, zone), day_start(day + DAY, zone)


def a_day(text: str, field: str) -> date:
    """The date a text says; raises NoSuchDate. The first and last years of the calendar are left out, so that zones fit around every day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise NoSuchDate(field, text) from None
    if not 1900 <= day.year <= 9000:
        raise NoSuchDate(field, text)
    return day


def boundaries(first: date, last: date, zone: ZoneInfo, window: Window) -> Sequence[datetime]:
    """The starts of all windows from the first day to the last, both included, and the end of the last window.

    Hours are counted from the start of the local day; where clocks change by less than an hour, the day's last is shorter.
    Raises EndBeforeStart, RangeTooLong.
    """
    if last < first:
        raise EndBeforeStart(first.isoformat(), last.isoformat())
    if (last - first).days >= MOST_DAYS[window]:
        raise RangeTooLong(MOST_DAYS[window])
    starts: list[datetime] = []
    for number in range((last - first).days + 1):
        start, end = day_span(first + number * DAY, zone)
        if window is Window.DAY:
            starts.append(start)
            continue
        while start < end:
            starts.append(start)
            start += HOUR
    return [*starts, day_start(last + DAY, zone)]
