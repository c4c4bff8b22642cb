"""Settings of data: `CITY_DATA_...`."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import AwareDatetime, Field
from stratapolis.chassis.settings import LayerSettings
from stratapolis.data.taking import Limits


class Settings(LayerSettings):
    """What data takes in and how long it remembers what is not an observation."""

    layer: ClassVar[str] = "data"

    earliest: AwareDatetime = Field(default=datetime(2000, 1, 1, tzinfo=UTC), description="earliest time of any observation; bounds the partitions made")
    feed_quiet_seconds: float = Field(default=1, ge=0, le=3600, description="how long a window rests after a late row before it is computed")
    stream_poll_seconds: float = Field(default=0.5, gt=0, le=60, description="how often a stream looks for arrivals, and at its contract")
    arrivals_hours: float = Field(default=72, gt=0, le=8760, description="how long a stream's cursor stays good")
    refused_days: float = Field(default=7, gt=0, le=365, description="how long refused raw observations are kept")
    refused_most: int = Field(default=100_000, ge=1, le=10_000_000, description="how many refused raw observations are kept")

    @property
    def limits(self) -> Limits:
        """What batches are held to."""
        return Limits(earliest=self.earliest, quiet=timedelta(seconds=self.feed_quiet_seconds))
