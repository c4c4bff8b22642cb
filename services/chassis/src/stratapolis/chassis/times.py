"""Times: aware datetimes in UTC here, Timestamps in the contracts. Both keep microseconds; a Timestamp's nanoseconds below are cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_SECOND = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
LAST_SECOND = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())


def in_range(timestamp: Timestamp) -> bool:
    """Whether it is a time at all: the years 1 to 9999, as google.protobuf.Timestamp says. The chassis asks this of every request."""
    return FIRST_SECOND <= timestamp.seconds <= LAST_SECOND and 0 <= timestamp.nanos <= 999_999_999


def to_time(timestamp: Timestamp) -> datetime:
    """The aware UTC datetime; raises ValueError for what is `in_range` of no calendar."""
    if not in_range(timestamp):
        raise ValueError(f"not a time: {timestamp.seconds} s and {timestamp.nanos} ns")
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


def to_timestamp(time: datetime) -> Timestamp:
    """The Timestamp of an aware datetime; raises ValueError for a naive one, which could be any time of a day."""
    if time.tzinfo is None:
        raise ValueError("a naive datetime has no place in time")
    since = time - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def given(stamp: Timestamp) -> bool:
    """Whether a Timestamp says anything but the epoch, which is what an unset one says."""
    return bool(stamp.seconds or stamp.nanos)
