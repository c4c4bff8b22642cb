"""Settings of infrastructure: `CITY_INFRASTRUCTURE_...`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator
from stratapolis.chassis.settings import DoNotFit, LayerSettings
from stratapolis.infrastructure.domain.deployment import Patience
from stratapolis.infrastructure.domain.pool import Amount, Share


class Settings(LayerSettings):
    """What a pool gives to one value creator, which folders may hold artefacts, and where and how long services run."""

    layer: ClassVar[str] = "infrastructure"

    default_pool: str = Field(default="city", description="pool of manifests that name none")
    quota_cpu_millis: int = Field(default=4_000, gt=0, description="CPU one value creator may hold of a pool, in thousandths of a core")
    quota_memory_mib: int = Field(default=8_192, gt=0, description="memory one value creator may hold of a pool, in MiB")
    quota_replicas: int = Field(default=20, gt=0, description="replicas one value creator may have in a pool")
    artefact_roots: tuple[Path, ...] = Field(default=(), description="folders below which artefacts may lie, separated by colons")
    work_folder: Path = Field(description="folder that services run in; below /var/tmp where other users cannot walk to it and we are root")
    first_port: int = Field(default=7300, ge=1024, le=65535)
    last_port: int = Field(default=7399, ge=1024, le=65535)
    first_uid: int = Field(
        default=100_000, ge=1000, description="as root each service runs as a user of its own: this id plus its port, so that two cities share none"
    )
    open_files: int = Field(default=256, ge=16)
    processes: int = Field(default=128, ge=4)
    start_seconds: float = Field(default=60, gt=0, description="how long a process may take to answer its health check")
    stop_seconds: float = Field(default=5, gt=0, description="how long a process may take to end when asked")
    deaths: int = Field(default=5, ge=1, description="ends in a row after which software that was never ready has failed")
    value_catalog_address: str = Field(default="", description="host:port that services are told for value_catalog")
    data_address: str = Field(default="", description="host:port that services are told for data")

    @field_validator("artefact_roots", mode="before")
    @classmethod
    def _folders(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        folders = [Path(part) for part in value.split(":") if part]
        if any(not folder.is_absolute() for folder in folders):
            raise ValueError("write absolute folders, separated by colons")
        return folders

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_port < self.first_port:
            raise DoNotFit("first_port", "last_port", because="the last port is below the first")
        return self

    @property
    def ports(self) -> range:
        """Of services' processes."""
        return range(self.first_port, self.last_port + 1)

    @property
    def quota(self) -> Share:
        """What a value creator may hold of a pool that says nothing else."""
        return Share(amount=Amount(cpu_millis=self.quota_cpu_millis, memory_mib=self.quota_memory_mib), replicas=self.quota_replicas)

    @property
    def patience(self) -> Patience:
        """How long services may take."""
        return Patience(start=timedelta(seconds=self.start_seconds), stop=timedelta(seconds=self.stop_seconds), deaths=self.deaths)

    @property
    def told(self) -> dict[str, str]:
        """What every service is told of the city."""
        said = {
            "CITY_TOKEN_URL": f"{self.connectivity_url.rstrip('/')}/oauth2/token",
            "CITY_VALUE_CATALOG": self.value_catalog_address or self.peers.get("value_catalog", ""),
            "CITY_DATA": self.data_address or self.peers.get("data", ""),
        }
        return {name: value for name, value in said.items() if value}
