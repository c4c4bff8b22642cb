"""The 49 seed services: what a manifest of each needs, and for 22 of them what one city measured in 2015."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Boston, 2015, as published: `with_target` cases had a due time, and `on_time_pct` is the share of those kept.

    Hours are medians. None is `not published`, never zero.
    """

    cases: int
    closed_pct: Decimal
    with_target: int | None
    on_time_pct: Decimal | None
    target_hours_median: Decimal | None
    close_hours_median: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedService:
    """One line of `seed-services.csv`; indicator and stakeholders are a judgement, names and figures are as published."""

    slug: str
    name: str
    description: str
    category: str
    framework: str
    code: str
    measure: str
    stakeholders: tuple[str, ...]
    figures: Figures | None


def seed_services(folder: Path) -> tuple[SeedService, ...]:
    """All seed services in the order of the file."""
    with (folder / "seed-services.csv").open(encoding="utf-8", newline="") as text:
        return tuple(_service(row) for row in csv.DictReader(text))


def _service(row: dict[str, str]) -> SeedService:
    return SeedService(
        slug=row["slug"],
        name=row["name"],
        description=row["description"],
        category=row["category"],
        framework=row["framework"],
        code=row["code"],
        measure=row["measure"],
        stakeholders=tuple(row["stakeholders"].split("|")),
        figures=_figures(row) if row["cases_2015"] else None,
    )


def _figures(row: dict[str, str]) -> Figures:
    return Figures(
        cases=int(row["cases_2015"]),
        closed_pct=Decimal(row["closed_pct"]),
        with_target=int(row["with_target"]) if row["with_target"] else None,
        on_time_pct=_decimal(row["on_time_pct"]),
        target_hours_median=_decimal(row["target_hours_median"]),
        close_hours_median=_decimal(row["close_hours_median"]),
    )


def _decimal(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None
