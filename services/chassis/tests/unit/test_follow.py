"""Following keeps what was said last, not what lies last on the topic."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis import envelope
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.follow import Follower
from stratapolis.chassis.testing.under_test import record


def activated(name: str, version: int) -> ConsumerRecord:
    heads = envelope.headers(
        event_id=f"{name}-{version}", event_type=PolicyActivated.DESCRIPTOR.full_name, writer="policy", at=datetime(2026, 1, 1, tzinfo=UTC), sequence=version,
        cause=Cause(), correlation="", traceparent="",
    )  # fmt: skip
    return record("city.policy.policies.v1", name, PolicyActivated(name=name, version=version).SerializeToString(), heads)


@pytest.mark.parametrize("versions", [(1, 2, 1), (1, 2, 1, 2), (2, 1)], ids=["sent again too late", "read again", "the first is gone"])
def test_g5_an_older_event_that_lies_behind_a_newer_one_is_not_the_newest(versions: tuple[int, ...]) -> None:
    heard: list[int] = []
    follower = Follower(PolicyActivated, "nowhere", lambda event: heard.append(event.version))  # type: ignore[attr-defined]
    for version in versions:
        follower._take(activated("city", version))
    follower._take(activated("other", 1))
    assert {key: event.version for key, event in follower.newest.items()} == {"city": 2, "other": 1}  # type: ignore[attr-defined]
    assert heard == [*sorted(heard[:-1]), 1]
