"""Refusals of the server itself, before or around what a layer decides."""

from __future__ import annotations

from collections.abc import Sequence

from stratapolis.chassis.errors import Kind, Refused
from stratapolis.chassis.validation import Broken


class Unreadable(Refused):
    """The bytes are no message of the RPC."""

    reason = "UNREADABLE"
    kind = Kind.INVALID


class InvalidRequest(Refused):
    """Fields break rules; every one is named, by path and what would be right. Layers may raise it for rules only they know."""

    reason = "INVALID_REQUEST"
    kind = Kind.INVALID

    def __init__(self, broken: Sequence[Broken]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in broken[:10]))
        self.broken = tuple(broken)


class NoDeadline(Refused):
    """A call without a deadline could wait for ever."""

    reason = "NO_DEADLINE"
    kind = Kind.INVALID


class DatabaseAway(Refused):
    """The database does not answer in time."""

    reason = "DATABASE_AWAY"
    kind = Kind.UNAVAILABLE


class Busy(Refused):
    """Others change the same at once, again and again."""

    reason = "BUSY"
    kind = Kind.UNAVAILABLE


class PeerAway(Refused):
    """Something else that is needed does not answer."""

    reason = "PEER_AWAY"
    kind = Kind.UNAVAILABLE


class AnswerTooLarge(Refused):
    """The answer is larger than a message may be; nothing was changed."""

    reason = "ANSWER_TOO_LARGE"
    kind = Kind.EXHAUSTED


class TooManyStreams(Refused):
    """The app has as many streams open as it takes."""

    reason = "TOO_MANY_STREAMS"
    kind = Kind.EXHAUSTED


class StreamEnded(Refused):
    """The stream reached its age, or the app stops: go on from the last cursor."""

    reason = "STREAM_ENDED"
    kind = Kind.UNAVAILABLE
