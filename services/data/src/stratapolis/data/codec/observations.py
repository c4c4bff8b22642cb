"""Readings and observations. Readings of the raw stream come by the thousand: no validation by reflection, each field is looked at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from city.connectivity.v1.observations_pb2 import ThingObserved
from city.data.v1 import observations_service_pb2 as pb
from city.types.v1 import types_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.db import Row
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.times import LAST_SECOND, in_range, to_timestamp
from stratapolis.data.domain.feed import mean
from stratapolis.data.domain.place import Box, Circle, Place
from stratapolis.data.domain.reading import Reading, RefusedReading
from stratapolis.data.domain.windows import Window
from stratapolis.data.store.intake import Outcome
from stratapolis.data.store.reads import Cursor, Observation, Sum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_FLAGS, LONGEST_FLAG = 8, 40
CURSOR_PARTS = 3
LARGEST = 2**63 - 1
OUTCOME = {
    Outcome.ACCEPTED: pb.INTAKE_OUTCOME_ACCEPTED,
    Outcome.DUPLICATE: pb.INTAKE_OUTCOME_DUPLICATE,
    Outcome.CORRECTED: pb.INTAKE_OUTCOME_CORRECTED,
}
WINDOW_OF = {pb.WINDOW_HOUR: Window.HOUR, pb.WINDOW_DAY: Window.DAY}


def raw_reading(event: ThingObserved) -> Reading:
    """A reading of the raw stream."""
    place = place_of(event.place) if event.HasField("place") else None
    flags = flags_of(event.flags) if event.flags else ()
    return Reading(event.owner, event.thing, event.property, event.value, event.unit, moment(event.observed_time), place, flags)


def own_reading(reading: pb.Reading, owner: str) -> Reading:
    """A reading that its owner has handed in."""
    place = place_of(reading.place) if reading.HasField("place") else None
    return Reading(owner, reading.thing, reading.property, reading.value, reading.unit, moment(reading.observed_time), place, flags_of(reading.flags))


def moment(timestamp: Timestamp) -> datetime | None:
    """The time to the millisecond; None where it is none."""
    seconds, nanos = timestamp.seconds, timestamp.nanos
    if nanos == 0 and 0 <= seconds <= LAST_SECOND:
        return _second(seconds)
    if not in_range(timestamp):
        return None
    return EPOCH + timedelta(seconds=seconds, milliseconds=nanos // 1_000_000)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> datetime:
    """Most times are whole seconds, and many things speak at the same."""
    return datetime.fromtimestamp(seconds, UTC)


def flags_of(flags: Sequence[str]) -> tuple[str, ...]:
    """Flags as they are kept: a few short words."""
    words = ("".join(c for c in flag if c.isalnum() or c in "_-")[:LONGEST_FLAG] for flag in flags[:MOST_FLAGS])
    return tuple(word for word in words if word)


def place_of(place: types_pb2.Place) -> Place:
    """A place."""
    return Place(latitude=place.latitude, longitude=place.longitude)


def area_of(request: pb.LatestObservationsRequest) -> Box | Circle | None:
    """The area that is asked for."""
    match request.WhichOneof("area"):
        case "box":
            box = request.box
            return Box(south=box.south_west.latitude, west=box.south_west.longitude, north=box.north_east.latitude, east=box.north_east.longitude)
        case "circle":
            return Circle(center=place_of(request.circle.center), radius_meters=request.circle.radius_meters)
        case _:
            return None


def number_shown(value: Decimal) -> str:
    """A decimal in plain digits, without zeros that say nothing."""
    return f"{value.normalize():f}"


def observation_shown(observation: Observation, unit: str) -> pb.Observation:
    """An observation."""
    place = observation.place
    return pb.Observation(
        thing=observation.series.thing,
        property=observation.series.prop,
        value=number_shown(observation.value),
        unit=unit,
        observed_time=to_timestamp(observation.observed_at),
        place=types_pb2.Place(latitude=place.latitude, longitude=place.longitude) if place else None,
        flags=observation.flags,
    )


def result_shown(outcome: Outcome) -> pb.IntakeResult:
    """What became of a reading that was taken in."""
    return pb.IntakeResult(outcome=OUTCOME[outcome])


def refusal_shown(refused: RefusedReading) -> pb.IntakeResult:
    """Why a reading was not taken in."""
    return pb.IntakeResult(outcome=pb.INTAKE_OUTCOME_REFUSED, reason=refused.refusal.reason, message=refused.refusal.message)


def window_shown(found: Sum, start: datetime, end: datetime) -> pb.Aggregated:
    """A window of one thing."""
    return pb.Aggregated(
        thing=found.thing,
        start_time=to_timestamp(start),
        end_time=to_timestamp(end),
        count=found.count,
        mean=number_shown(mean(found.total, found.count)),
        min=number_shown(found.low),
        max=number_shown(found.high),
    )


def refused_shown(row: Row) -> pb.RefusedObservation:
    """A refused raw observation."""
    return pb.RefusedObservation(
        thing=row["thing"],
        owner=row["owner"],
        property=row["property"],
        value=row["value"],
        unit=row["unit"],
        observed_time=to_timestamp(row["observed_at"]) if row["observed_at"] else None,
        reason=row["reason"],
        message=row["message"],
        refuse_time=to_timestamp(row["refused_at"]),
    )


def intake_shown(row: Row) -> pb.Intake:
    """An hour's counts."""
    return pb.Intake(
        hour=to_timestamp(row["hour"]),
        way=row["way"],
        accepted=row["accepted"],
        duplicates=row["duplicates"],
        corrected=row["corrected"],
        refused=row["refused"],
    )


def cursor_text(cursor: Cursor) -> str:
    """A stream's cursor for its client."""
    return f"{cursor.txid}.{cursor.series_id}.{(cursor.observed_at - EPOCH) // timedelta(milliseconds=1)}"


def cursor_of(text: str) -> Cursor:
    """A stream's cursor; raises InvalidField for what is none."""
    try:
        numbers = [int(part) for part in text.split(".")]
        if len(numbers) != CURSOR_PARTS or not all(0 <= number <= LARGEST for number in numbers[:2]):
            raise ValueError(text)
        return Cursor(numbers[0], numbers[1], EPOCH + timedelta(milliseconds=numbers[2]))
    except (ValueError, OverflowError):
        raise InvalidField("cursor", "is no cursor of this stream: take the one of the last response") from None
