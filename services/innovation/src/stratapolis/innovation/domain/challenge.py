"""Challenges: opened by an officer, or by themselves where an indicator is off target or a service is badly rated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from stratapolis.innovation.domain.errors import ChallengeClosed

SERVICE = "service:"


class Source(StrEnum):
    """What opened a challenge."""

    OFFICER = "officer"
    INDICATOR = "indicator"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class Indicator:
    """What identifies an indicator."""

    framework: str
    code: str
    measure: str = ""

    def __str__(self) -> str:
        return f"{self.framework} {self.code}" + (f" ({self.measure})" if self.measure else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the city wants ideas for. What opened by itself names the period that showed it."""

    challenge_id: str
    source: Source
    title: str
    description: str
    opened_at: datetime
    indicator: Indicator | None = None
    scope: str = ""
    service_id: str = ""
    period: str = ""
    ideas: int = 0
    closed_at: datetime | None = None
    close_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A service's ratings of a month: how many, and the sum of their stars."""

    ratings: int
    stars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRating:
    """What is called badly rated: an average of `average` stars or less, of `ratings` ratings or more."""

    ratings: int
    average: Decimal

    def shown_by(self, score: Score) -> bool:
        """Whether a month's ratings are that bad."""
        return score.ratings >= self.ratings and score.stars <= self.average * score.ratings


def scope_of(service_id: str) -> str:
    """The scope of what is measured of a service."""
    return f"{SERVICE}{service_id}"


def service_of(scope: str) -> str:
    """The service whose values are of this scope; empty: of none."""
    return scope.removeprefix(SERVICE) if scope.startswith(SERVICE) else ""


def off_target(challenge_id: str, indicator: Indicator, *, scope: str, period: str, value: str, target: str, at: datetime) -> Challenge:
    """The challenge that an indicator opens when it leaves its target."""
    where = "in the whole city" if scope == "city" else f"for {scope}"
    return Challenge(
        challenge_id=challenge_id,
        source=Source.INDICATOR,
        title=f"{indicator} is off target"[:160],
        description=f"Governance measured {value} {where} for {period}; the target is {target}. What would bring it back?",
        indicator=indicator,
        scope=scope,
        service_id=service_of(scope),
        period=period,
        opened_at=at,
    )


def badly_rated(challenge_id: str, service_id: str, *, period: str, score: Score, at: datetime) -> Challenge:
    """The challenge that a service's ratings of a month open."""
    return Challenge(
        challenge_id=challenge_id,
        source=Source.RATING,
        title=f"Service {service_id} is badly rated",
        description=f"In {period}, {score.ratings} ratings gave it {Decimal(score.stars) / score.ratings:.1f} of 5 stars. What would serve people better?",
        service_id=service_id,
        period=period,
        opened_at=at,
    )


def close(challenge: Challenge, *, reason: str, at: datetime) -> Challenge:
    """Take no more ideas; closing twice is refused."""
    if challenge.closed_at is not None:
        raise ChallengeClosed(challenge.challenge_id)
    return replace(challenge, closed_at=at, close_reason=reason)
