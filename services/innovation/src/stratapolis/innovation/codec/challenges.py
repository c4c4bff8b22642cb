"""Challenges."""

from __future__ import annotations

from datetime import datetime

from city.innovation.v1 import challenge_service_pb2 as pb
from city.innovation.v1 import events_pb2
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.challenge import Challenge, Source

SOURCES = words.numbers(Source, pb.ChallengeSource, "CHALLENGE_SOURCE")
SOURCE_OF = words.back(SOURCES)


def asked(challenge_id: str, request: pb.OpenChallengeRequest, at: datetime) -> Challenge:
    """The challenge that an officer describes."""
    return Challenge(
        challenge_id=challenge_id,
        source=Source.OFFICER,
        title=request.title,
        description=request.description,
        indicator=words.indicator(request.indicator) if request.HasField("indicator") else None,
        service_id=request.service_id,
        opened_at=at,
    )


def shown(challenge: Challenge) -> pb.Challenge:
    """A challenge for the wire."""
    return pb.Challenge(
        challenge_id=challenge.challenge_id,
        source=SOURCES[challenge.source],
        title=challenge.title,
        description=challenge.description,
        indicator=words.key(challenge.indicator),
        scope=challenge.scope,
        service_id=challenge.service_id,
        period=challenge.period,
        ideas=challenge.ideas,
        open_time=to_timestamp(challenge.opened_at),
        close_time=words.stamp(challenge.closed_at),
        close_reason=challenge.close_reason,
    )


def opened(challenge: Challenge) -> events_pb2.ChallengeOpened:
    """The fact that one was opened."""
    return events_pb2.ChallengeOpened(
        challenge_id=challenge.challenge_id,
        source=challenge.source,
        title=challenge.title,
        indicator=words.key(challenge.indicator),
        scope=challenge.scope,
        service_id=challenge.service_id,
        period=challenge.period,
    )
