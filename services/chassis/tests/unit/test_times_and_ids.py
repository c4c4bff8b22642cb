"""Times keep their microseconds and their zone; ids grow with time."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import in_range, to_time, to_timestamp


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_time_survives_the_way_to_the_contract_and_back(time: datetime) -> None:
    assert to_time(to_timestamp(time)) == time
    assert to_timestamp(time) == _as_protobuf_has_it(time)


def _as_protobuf_has_it(time: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(time)
    return made


def test_another_zone_is_the_same_time() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert to_time(to_timestamp(noon)) == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_timestamp(datetime(2026, 3, 1))  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize(("seconds", "nanos"), [(253402300800, 0), (-62135596801, 0), (0, -1), (0, 10**9), (2**62, 0)])
def test_what_is_no_time_is_refused(seconds: int, nanos: int) -> None:
    timestamp = Timestamp(seconds=seconds, nanos=nanos)
    assert not in_range(timestamp)
    with pytest.raises(ValueError, match="not a time"):
        to_time(timestamp)


def test_ids_are_version_7_and_never_repeat() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert {uuid.UUID(one).version for one in made} == {7}
    assert made == sorted(made)
