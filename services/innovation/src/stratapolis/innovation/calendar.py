"""The city's calendar: days and months as its people count them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days of the city's zone."""

    zone: ZoneInfo

    def day(self, at: datetime) -> date:
        """The day of a moment."""
        return at.astimezone(self.zone).date()

    def month(self, at: datetime) -> str:
        """The month of a moment, such as `2026-01`."""
        return f"{at.astimezone(self.zone):%Y-%m}"
