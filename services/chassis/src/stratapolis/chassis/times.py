"""Times on the wire and in the code: Timestamps there, aware UTC datetimes here."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def to_time(stamp: Timestamp) -> datetime:
    """A Timestamp as an aware UTC datetime, to the microsecond."""
    return stamp.ToDatetime(tzinfo=UTC)


def to_timestamp(at: datetime) -> Timestamp:
    """An aware datetime as a Timestamp."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def given(stamp: Timestamp) -> bool:
    """Whether a Timestamp was set to anything but the epoch."""
    return bool(stamp.seconds or stamp.nanos)
