"""Where a running city's faces are; kept in its folder so that the command finds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from stratapolis.cli.local.errors import LocalCityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Addresses of a city, as host:port; of a layer with replicas: one of each."""

    base: int
    kafka: str
    token_url: str
    grpc: Mapping[str, list[str]]
    http: Mapping[str, list[str]]
    outside: bool = False
    """Whether a store of it is not ours to wipe."""

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self.grpc)


def write(folder: Path, endpoints: Endpoints) -> None:
    """Whole or not at all."""
    path = folder / "city.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(endpoints), indent=1))
    fresh.replace(path)


def read(folder: Path) -> Endpoints:
    """Of the city in this folder; raises where there is none."""
    try:
        return Endpoints(**json.loads((folder / "city.json").read_text()))
    except FileNotFoundError:
        raise LocalCityError(f"there is no city in {folder}: start one with `city up`, or name its folder with --folder") from None
    except (ValueError, TypeError) as error:
        raise LocalCityError(f"{folder / 'city.json'} is damaged: start the city again with `city up`") from error
