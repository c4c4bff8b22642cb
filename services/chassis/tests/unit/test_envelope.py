"""The short look at a raw record's headers, beside the long one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from city.connectivity.v1.observations_pb2 import ThingObserved
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.chassis import contract, envelope
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.errors import Permanent

TOPIC = contract.topics()["city.connectivity.raw.v1"]
USUAL = envelope.stamp_of(ThingObserved, TOPIC)
SAID = envelope.headers(
    event_id="1", event_type=ThingObserved.DESCRIPTOR.full_name, writer="connectivity", at=datetime(2026, 3, 1, tzinfo=UTC), sequence=1,
    cause=Cause(), correlation="", traceparent="",
)  # fmt: skip
USED = [(name, value) for name, value in envelope.wire(SAID) if name != "ce_sequence"]
ODD = st.sampled_from(
    [("ce_type", b"x"), ("ce_id", b"1"), ("ce_actor", b"\xff"), ("ce_actor", None), ("ce_sequence", b"0"), ("\udcff", b""), ("x", b"\xff"), ("x", b"1")]
)


def test_what_the_ingress_writes_needs_no_long_look() -> None:
    assert envelope.stamp(USED) == USUAL


@given(st.permutations(USED), st.lists(ODD, max_size=3), st.integers(0, len(USED)))
def test_what_passes_the_short_look_passes_the_long_one(used: list[Any], odd: list[Any], cut: int) -> None:
    headers = [*used[:cut], *odd, *used[cut:]]
    if envelope.stamp(headers) == USUAL:
        found = envelope.read(headers)
        assert isinstance(envelope.decode(found, b"", TOPIC), ThingObserved)


@given(st.lists(ODD, min_size=1, max_size=3))
def test_what_the_long_look_refuses_does_not_pass_the_short_one(odd: list[Any]) -> None:
    headers = [*USED, *odd]
    try:
        envelope.read(headers)
    except Permanent:
        assert envelope.stamp(headers) != USUAL
