"""Times that may be absent."""

from datetime import datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.times import to_time, to_timestamp


def stamp(at: datetime | None) -> Timestamp | None:
    """A time for the wire; None leaves the field unset."""
    return None if at is None else to_timestamp(at)


def time_of(message: Message, field: str) -> datetime | None:
    """A time from the wire; None where the field is unset."""
    return to_time(getattr(message, field)) if message.HasField(field) else None
