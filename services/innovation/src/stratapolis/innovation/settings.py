"""Settings of innovation: `CITY_INNOVATION_...`."""

from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from stratapolis.chassis.settings import LayerSettings
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.domain.challenge import BadRating


class Settings(LayerSettings):
    """The city's calendar and name, and what it calls a bad rating."""

    layer: ClassVar[str] = "innovation"

    zone: str = Field(default="UTC", description="IANA zone of the city, whose days pilots are booked by")
    city: str = Field(default="stratapolis", pattern="^[a-z][a-z0-9-]{1,62}$", description="name of the city, which credentials name as their issuer")
    bad_ratings: int = Field(default=3, ge=1, le=1_000_000, description="how many ratings of a month may open a challenge")
    bad_average: Decimal = Field(default=Decimal("2.5"), ge=1, lt=5, description="how many stars they have on average then, at most")
    start_seconds: float = Field(default=1, gt=0, le=3600, description="how often pilots whose first day has come are looked for")

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no zone of the IANA database, such as Europe/Berlin") from None
        return value

    @property
    def calendar(self) -> Calendar:
        """How the city counts days."""
        return Calendar(ZoneInfo(self.zone))

    @property
    def bad(self) -> BadRating:
        """What is called badly rated."""
        return BadRating(ratings=self.bad_ratings, average=self.bad_average)
