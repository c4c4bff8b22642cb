"""Settings of governance: `CITY_GOVERNANCE_...`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from stratapolis.chassis.settings import LayerSettings
from stratapolis.governance.domain.journey import PARTIES, Course
from stratapolis.governance.domain.step import Stage

DAY = 86_400
TEN_YEARS_IN_HOURS = 87_600
HOLDERS = sorted({party for stage, parties in PARTIES.items() if stage is not Stage.DECIDING for party in parties})


class Settings(LayerSettings):
    """How long a journey waits in each stage and for which layers, when a month is settled, and in which zone the city is measured."""

    layer: ClassVar[str] = "governance"

    clearing_seconds: float = Field(default=DAY, gt=0, le=30 * DAY, description="how long the layers may take to clear")
    deciding_seconds: float = Field(default=14 * DAY, gt=0, le=365 * DAY, description="how long an officer may take to decide")
    deploying_seconds: float = Field(default=600, gt=0, le=DAY, description="how long infrastructure may take to bring software up")
    connecting_seconds: float = Field(default=DAY, gt=0, le=30 * DAY, description="how long the layers may take to connect")
    listing_seconds: float = Field(default=DAY, gt=0, le=30 * DAY, description="how long value_catalog may take to prepare the entry")
    settlement_hours: float = Field(
        default=48,
        ge=-TEN_YEARS_IN_HOURS,
        le=90 * 24,
        description="how long after its end a month takes late uses; a story's city settles many months ahead of their end, with less than 0",
    )
    zone: str = Field(default="UTC", description="IANA zone of the city, whose days and months its own indicators are measured by")
    measure_seconds: float = Field(default=60, gt=0, le=DAY, description="how often the platform measures itself; each change of a running day is a revision")
    retiring_seconds: float = Field(default=DAY, gt=0, le=30 * DAY, description="how long the layers may take to let go of a retired service")
    drain_seconds: float = Field(default=30, ge=0, le=DAY, description="how long a replaced version serves on beside the new one")
    layers: frozenset[str] = Field(default=frozenset(HOLDERS), description="layers that take part in journeys, comma separated")

    @field_validator("layers", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
        if isinstance(names, list) and (unknown := sorted(set(names) - set(HOLDERS))):
            raise ValueError(f"no layer that takes part in journeys: {', '.join(unknown)}; there are {', '.join(HOLDERS)}")
        return names

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no zone of the IANA database: {value}; write it like Europe/Berlin") from None

    @property
    def settlement_wait(self) -> timedelta:
        """How long after its end a period is settled at the earliest."""
        return timedelta(hours=self.settlement_hours)

    @property
    def measure_every(self) -> timedelta:
        """How often the platform measures itself."""
        return timedelta(seconds=self.measure_seconds)

    @property
    def course(self) -> Course:
        """What holds for all journeys."""
        limits: Mapping[Stage, timedelta] = {stage: timedelta(seconds=getattr(self, f"{stage}_seconds")) for stage in Stage}
        return Course(layers=self.layers, limits=limits, drain=timedelta(seconds=self.drain_seconds))
