"""Settings of policy: `CITY_POLICY_...`."""

from typing import ClassVar

from pydantic import Field
from stratapolis.chassis.settings import LayerSettings


class Settings(LayerSettings):
    """What the city's rules cannot say for themselves."""

    layer: ClassVar[str] = "policy"

    approval_above: int = Field(default=10_000, ge=0, le=10**13, description="funding an officer approves: more than this, in whole units of its currency")
