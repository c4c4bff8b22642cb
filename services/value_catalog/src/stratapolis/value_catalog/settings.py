"""Settings of value_catalog: `CITY_VALUE_CATALOG_...`."""

from typing import ClassVar

from pydantic import Field
from stratapolis.chassis.settings import LayerSettings


class Settings(LayerSettings):
    """What value_catalog is told beside what every layer is told."""

    layer: ClassVar[str] = "value_catalog"

    overdue_seconds: float = Field(default=1, gt=0, le=3600, description="how often requests past their due time are looked for")
