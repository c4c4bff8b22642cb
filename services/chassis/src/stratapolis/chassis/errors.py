"""How things go wrong: refusals that a caller may see, and the two kinds of failure of an event.

Domains import this module and nothing else of the chassis.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What kind of fact was refused; the edge turns it into a gRPC status or an HTTP code."""

    INVALID = "invalid"  # the request itself is wrong: INVALID_ARGUMENT, 400
    UNAUTHENTICATED = "unauthenticated"  # nobody we know: UNAUTHENTICATED, 401
    DENIED = "denied"  # known, but may not: PERMISSION_DENIED, 403
    NOT_FOUND = "not_found"  # there is none, or it is another owner's: NOT_FOUND, 404
    EXISTS = "exists"  # there is one already: ALREADY_EXISTS, 409
    PRECONDITION = "precondition"  # not in this state: FAILED_PRECONDITION, 409
    EXHAUSTED = "exhausted"  # no more of it: RESOURCE_EXHAUSTED, 429
    UNAVAILABLE = "unavailable"  # not now, try again: UNAVAILABLE, 503


class Refused(Exception):
    """An expected refusal. Subclasses are named after the refused fact and name their `reason`, a value of the layer's ErrorReason.

    `message` is for people and says what would be right; `details` are short strings for programs (they travel in ErrorInfo.metadata).
    """

    reason: ClassVar[str] = "REFUSED"
    kind: ClassVar[Kind] = Kind.PRECONDITION

    def __init__(self, message: str, **details: str) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidField(Refused):
    """A field of a request is wrong; `field` is its path."""

    reason = "INVALID_FIELD"
    kind = Kind.INVALID

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)


class Permanent(Exception):
    """An event that can never be applied as it is: it becomes a dead letter at once."""


class Transient(Exception):
    """Something is away for a while: the event is tried again."""
