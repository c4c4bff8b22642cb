"""Revocations: tokens that count no more before they expire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, cast

from city.connectivity.v1.revocations_pb2 import Revoked
from stratapolis.chassis.times import to_time

if TYPE_CHECKING:
    from stratapolis.chassis.follow import Follower

SILENT_AFTER = timedelta(seconds=30)


class Revocations(Protocol):
    """What is known of revocations now; never waits."""

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        """Whether a token of the subject, issued then, counts no more."""
        ...

    def silent_for(self) -> timedelta:
        """How long nothing has been heard of the feed."""
        ...


class FollowedRevocations:
    """Revocations as the process follows them: one entry a subject, or `jti:<id>` for a single token."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        newest = self._follower.newest
        return f"jti:{jti}" in newest or _ends(cast("Revoked | None", newest.get(subject)), issued_at)

    def silent_for(self) -> timedelta:
        return timedelta(seconds=self._follower.silent_for())


def _ends(revoked: Revoked | None, issued_at: datetime) -> bool:
    """`iat` is in whole seconds: a token issued in the very second of the revocation is refused, its successor costs a second's wait."""
    if revoked is None:
        return False
    return revoked.gone or issued_at < to_time(revoked.before_time)
