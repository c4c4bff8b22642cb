"""Settings of a layer: environment variables, read once at start. What is missing, unknown or wrong is named, its value never shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

SHARED = ("kafka", "connectivity_url", "peers", "instance", "otlp", "otlp_share", "log_level", "host")
"""Settings that are alike for all layers: `CITY_KAFKA` and so on. All others have the layer's prefix."""
CLOSE = 0.85
"""How alike a variable is to a shared setting that it was meant to be; others' variables begin with `CITY_` too."""


class WrongSettings(Exception):
    """Settings that cannot be used; each line names a variable."""


class DoNotFit(ValueError):
    """For a model validator: settings that are wrong together, by their fields' names."""

    def __init__(self, *fields: str, because: str) -> None:
        super().__init__(because)
        self.fields = fields


class LayerSettings(BaseSettings):
    """What every layer is told. Subclasses add their own, under `CITY_<LAYER>_`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")
    layer: ClassVar[str]

    kafka: str = Field(description="host:port of the brokers, comma separated")
    connectivity_url: str = Field(description="base URL of connectivity's HTTP face: tokens and key set")
    peers: dict[str, str] = Field(default_factory=dict, description="layer=host:port of the other layers, comma separated")
    instance: str = Field(default="", description="name of this process, unique and stable; gives it a static membership in its consumer group")
    otlp: str = Field(default="", description="URL of an OpenTelemetry collector; empty: spans are not exported")
    otlp_share: float = Field(default=1.0, ge=0, le=1, description="share of the traces that begin here that are recorded, from 0 to 1")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    host: str = Field(default="127.0.0.1", description="address to listen on")

    database: SecretStr = Field(description="PostgreSQL DSN of the layer's own database")
    grpc_port: int = Field(ge=1, le=65535)
    http_port: int = Field(ge=1, le=65535)
    key_file: Path = Field(description="PEM file with the layer's Ed25519 private key")
    pool_size: int = Field(default=8, ge=2, le=100)
    forget: int = Field(default=0, ge=0, description="go on with a database restored from a dump that does not know so many events of its own layer")

    @field_validator("peers", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if any(not (name and equals and _is_address(address)) for name, equals, address in pairs):
            raise ValueError("write layer=host:port, comma separated")
        return {name.strip(): address.strip() for name, _, address in pairs}

    @field_validator("kafka")
    @classmethod
    def _addresses(cls, value: str) -> str:
        if not all(map(_is_address, value.split(","))):
            raise ValueError("write host:port of the brokers, comma separated")
        return value

    @field_validator("connectivity_url", "otlp")
    @classmethod
    def _web(cls, value: str) -> str:
        if value and _scheme(value) not in {"http", "https"}:
            raise ValueError("write a URL that begins with http:// or https://")
        return value

    @field_validator("database")
    @classmethod
    def _dsn(cls, value: SecretStr) -> SecretStr:
        if _scheme(value.get_secret_value()) not in {"postgresql", "postgres"}:
            raise ValueError("write a DSN: postgresql://role:password@host:port/database")
        return value

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
        names = {cls.variable(field): field for field in cls.model_fields}
        faults = [f"{v}: there is no such setting" for v in cls._unknown(environ)]
        found: dict[str, Any] = {field: environ[v] for v, field in names.items() if v in environ}
        try:
            settings = cls(**found)
        except ValidationError as error:
            raise WrongSettings("\n".join([*faults, *cls._faults(error)])) from None
        if faults:
            raise WrongSettings("\n".join(faults))
        settings.key()
        return settings

    def key(self) -> Ed25519PrivateKey:
        """The layer's private key; raises WrongSettings where the file holds none."""
        try:
            key = load_pem_private_key(self.key_file.read_bytes(), None)
        except OSError as error:
            raise WrongSettings(f"{self.variable('key_file')}: the file cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise WrongSettings(f"{self.variable('key_file')}: the file holds no Ed25519 private key in PEM without a password")
        return key

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a setting."""
        return f"CITY_{field.upper()}" if field in SHARED else f"CITY_{cls.layer.upper()}_{field.upper()}"

    @classmethod
    def _unknown(cls, environ: Mapping[str, str]) -> list[str]:
        known = {cls.variable(field) for field in cls.model_fields}
        shared = [cls.variable(field) for field in SHARED]
        ours = cls.variable("")
        return sorted(v for v in set(environ) - known if v.startswith(ours) or (v.startswith("CITY_") and get_close_matches(v, shared, cutoff=CLOSE)))

    @classmethod
    def _faults(cls, error: ValidationError) -> Iterator[str]:
        """A line for each fault; pydantic's own way of telling them would show values."""
        for each in error.errors(include_url=False, include_input=False):
            cause = each.get("ctx", {}).get("error")
            fields = cause.fields if isinstance(cause, DoNotFit) else [str(part) for part in each["loc"][:1]]
            named = ", ".join(map(cls.variable, fields)) or f"{cls.variable('')}*"
            yield f"{named}: {'is missing' if each['type'] == 'missing' else each['msg'].removeprefix('Value error, ')}"


def _is_address(text: str) -> bool:
    host, _, port = text.strip().rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and 0 < int(port) <= 65535


def _scheme(url: str) -> str:
    """The scheme of a URL; empty where it is none. urllib's own errors would show the URL, and with it a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is no number
    except ValueError:
        return ""
    return parts.scheme if parts.netloc or parts.query else ""
