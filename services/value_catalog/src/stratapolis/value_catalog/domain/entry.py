"""Entries: prepared hidden while a journey lists them, shown once it has ended live, never otherwise; then replaced, suspended or retired."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A benefit that can be measured: its indicator, and the target as a decimal; empty: none of the service's own."""

    name: str
    framework: str
    code: str
    measure: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One party's part of the revenue; all add up to 10 000."""

    party: str
    basis_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The idea that a service comes from, and the pilot that proved it."""

    idea_id: str
    idea_title: str
    challenge_id: str
    pilot_id: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One version of a service, as its value creator declared it. `manifest` is the message's bytes; `place` is (latitude, longitude)."""

    service_id: str
    version: int
    journey_id: str
    creator_id: str
    creator_name: str
    name: str
    title: str
    description: str
    category: str
    stakeholders: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    is_free: bool
    life_events: tuple[str, ...] = ()
    answer_within_hours: int | None = None
    place: tuple[float, float] | None = None
    manifest: bytes = b""
    shares: tuple[Share, ...] = ()
    endpoint: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlistable:
    """Why an entry cannot be listed: a code of the catalogue, and what would be right."""

    code: str
    message: str
    hint: str = ""


def unlistable(shown_version: int | None, *, replaces: int | None) -> tuple[Unlistable, ...]:
    """All that keeps an entry out of the catalogue: another version of the service is shown than the one it replaces."""
    if shown_version is None or shown_version == replaces:
        return ()
    return (Unlistable(code="ENTRY_ALREADY_LIVE", message=f"version {shown_version} of the service is shown", hint="one version is live at a time"),)
