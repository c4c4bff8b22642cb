"""Settings of a layer: environment variables, read once at start. What is missing, unknown or wrong is named, its value never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

SHARED = ("kafka", "connectivity_url", "peers", "instance", "otlp", "log_level", "host")
"""Settings that are alike for all layers: `CITY_KAFKA` and so on. All others have the layer's prefix."""


class WrongSettings(Exception):
    """Settings that cannot be used; each line names a variable."""


class LayerSettings(BaseSettings):
    """What every layer is told. Subclasses add their own, under `CITY_<LAYER>_`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")
    layer: ClassVar[str]

    kafka: str = Field(description="host:port of the brokers, comma separated")
    connectivity_url: str = Field(description="base URL of connectivity's HTTP face: tokens and key set")
    peers: dict[str, str] = Field(default_factory=dict, description="layer=host:port of the other layers, comma separated")
    instance: str = Field(default="", description="name of this process, unique and stable; gives it a static membership in its consumer group")
    otlp: str = Field(default="", description="URL of an OpenTelemetry collector; empty: spans are not exported")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    host: str = Field(default="127.0.0.1", description="address to listen on")

    database: SecretStr = Field(description="PostgreSQL DSN of the layer's own database")
    grpc_port: int = Field(ge=1, le=65535)
    http_port: int = Field(ge=1, le=65535)
    key_file: Path = Field(description="PEM file with the layer's Ed25519 private key")
    pool_size: int = Field(default=8, ge=2, le=100)

    @field_validator("peers", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if any(not (name and equals and address) for name, equals, address in pairs):
            raise ValueError("write layer=host:port, comma separated")
        return {name.strip(): address.strip() for name, _, address in pairs}

    @field_validator("key_file")
    @classmethod
    def _there(cls, value: Path) -> Path:
        if not value.is_file():
            raise ValueError("there is no such file")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' own signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment is read by `read`, by full name, so that an unknown variable is seen."""
        return (init_settings,)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Settings from the environment; raises WrongSettings with a line for each fault."""
        environ = os.environ if environ is None else environ
        prefix = f"CITY_{cls.layer.upper()}_"
        names = {(f"CITY_{n.upper()}" if n in SHARED else f"{prefix}{n.upper()}"): n for n in cls.model_fields}
        unknown = sorted(v for v in environ if v.startswith(prefix) and v not in names)
        faults = [f"{v}: there is no such setting" for v in unknown]
        variable_of = {n: v for v, n in names.items()}
        found: dict[str, Any] = {n: environ[v] for v, n in names.items() if v in environ}
        try:
            settings = cls(**found)
        except ValidationError as error:
            faults += [f"{variable_of[str(e['loc'][0])]}: {_fault(e)}" for e in error.errors(include_url=False, include_input=False)]
            raise WrongSettings("\n".join(faults)) from None
        if faults:
            raise WrongSettings("\n".join(faults))
        return settings


def _fault(error: Mapping[str, object]) -> str:
    return "is missing" if error["type"] == "missing" else str(error["msg"]).removeprefix("Value error, ")
