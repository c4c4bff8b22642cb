"""Limits hold over any sequence of calls."""

import math

from hypothesis import given
from hypothesis import strategies as st
from stratapolis.connectivity.domain.rate import MOST_REMEMBERED, Limiter, Sampler


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 30)), max_size=60))
def test_never_more_than_the_burst_and_the_rate_allow(steps: list[tuple[float, int]]) -> None:
    limiter, now, taken = Limiter(rate=10, burst=20), 0.0, 0
    for pause, cost in steps:
        now += pause
        if limiter.wait("thing:1", cost, now) == 0:
            taken += cost
        assert taken <= 20 + 10 * now + 1e-6


def test_what_was_told_to_wait_may_after_that_time() -> None:
    limiter = Limiter(rate=10, burst=20)
    assert limiter.wait("a", 20, 0) == 0
    assert limiter.wait("a", 5, 0) == 0.5
    assert limiter.wait("a", 5, 0.5) == 0
    assert limiter.wait("b", 20, 0.5) == 0


def test_more_than_the_burst_is_never_taken() -> None:
    assert Limiter(rate=10, burst=20).wait("a", 21, 0) == math.inf


def test_made_up_names_do_not_fill_the_memory() -> None:
    limiter = Limiter(rate=1, burst=1)
    for number in range(MOST_REMEMBERED + 50):
        limiter.wait(str(number), 1, 0)
    assert len(limiter._levels) == MOST_REMEMBERED


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 4)), max_size=200))
def test_every_denial_is_recorded_or_counted_once(denials: list[tuple[str, float]]) -> None:
    sampler = Sampler(most=3)
    recorded = {"a": 0, "b": 0}
    for subject, now in denials:
        recorded[subject] += sampler.worth_a_record(subject, now)
    counted = sampler.unrecorded(10)
    assert sampler.unrecorded(11) == {}
    for subject, number in recorded.items():
        assert number + counted.get(subject, 0) == sum(name == subject for name, _ in denials)
        assert number <= 3 * 5


def test_the_second_under_way_is_not_counted_yet() -> None:
    sampler = Sampler(most=1)
    assert [sampler.worth_a_record("a", 7.1), sampler.worth_a_record("a", 7.2)] == [True, False]
    assert sampler.unrecorded(7.9) == {}
    assert sampler.unrecorded(8.0) == {"a": 1}
