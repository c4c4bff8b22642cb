"""Settings of connectivity: `CITY_CONNECTIVITY_*`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.settings import LayerSettings
from stratapolis.connectivity import keys
from stratapolis.connectivity.domain.connection import LAYERS
from stratapolis.connectivity.domain.signing import Rhythm

FOUNDER = "founder"


class Settings(LayerSettings):
    """What connectivity is told."""

    layer: ClassVar[str] = "connectivity"

    public_keys: Path = Field(description="folder with the public keys of the layers and of the founder: <name>.pub.pem, Ed25519")
    languages: tuple[str, ...] = Field(default=("de", "en"), min_length=1, description="languages of the city, BCP 47, comma separated")
    token_seconds: int = Field(default=900, ge=10, le=3600, description="how long an access token lives")
    signing_key_days: float = Field(default=30, gt=0.01, le=365, description="how long a key signs tokens")
    key_set_seconds: int = Field(default=300, ge=1, le=3600, description="how long readers may keep the key set")
    tokens_per_second: float = Field(default=10, gt=0, description="tokens a subject may ask for; ten times as many at once")
    requests_per_second: float = Field(default=200, gt=0, description="token requests an address may make; ten times as many at once")
    observations_per_second: float = Field(default=2000, gt=0, description="observations a thing may post; ten times as many at once")

    @field_validator("languages", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("public_keys")
    @classmethod
    def _usable(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError("there is no such folder")
        try:
            names = keys.read_folder(value).keys()
        except (Refused, OSError, UnicodeDecodeError):
            raise ValueError("a key in it is no Ed25519 public key in PEM") from None
        if unknown := sorted(names - {*LAYERS, FOUNDER}):
            raise ValueError(f"{unknown[0]} is neither a layer nor {FOUNDER}")
        return value

    @property
    def issuer(self) -> str:
        """The issuer's name: the base URL that clients reach it by."""
        return self.connectivity_url.rstrip("/")

    @property
    def rhythm(self) -> Rhythm:
        """How signing keys follow one another."""
        return Rhythm(lasts=timedelta(days=self.signing_key_days), shown=timedelta(seconds=self.key_set_seconds), token=timedelta(seconds=self.token_seconds))
