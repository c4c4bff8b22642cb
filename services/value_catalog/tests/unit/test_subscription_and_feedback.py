"""Subscriptions end once; ratings stay the sum of what each subscriber said last."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.value_catalog.domain.errors import NotASubscriber, NotTheSubscriber, PlanNotFound, SubscriptionEnded
from stratapolis.value_catalog.domain.feedback import Feedback, give
from stratapolis.value_catalog.domain.subscription import Offer, Subscription, cancel, subscribe

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
OFFER = Offer(service_id="air", creator_id="harbour", title="Air", plans=("basic", "plus"))


def a_subscription(plan: str = "basic") -> Subscription:
    return subscribe(OFFER, plan=plan, subscriber="ada", subscription_id="sub", at=NOW)


def a_word(subscriber: str, rating: int, at: datetime = NOW) -> Feedback:
    return Feedback(
        feedback_id=f"{subscriber}-{at}", service_id="air", creator_id="harbour", subscriber=subscriber, rating=rating, comment=f"{rating} stars",
        given_at=at, updated_at=at,
    )  # fmt: skip


def test_a_plan_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(PlanNotFound) as refused:
        a_subscription("gold")
    assert refused.value.details == {"plan": "gold", "plans": "basic,plus"}


def test_a_subscription_runs_from_its_start_to_before_its_end() -> None:
    ended = cancel(a_subscription(), owners=("ada",), at=NOW + timedelta(hours=1))
    assert [ended.runs(NOW + timedelta(minutes=minutes)) for minutes in (-1, 0, 59, 60)] == [False, True, True, False]


def test_only_the_subscriber_ends_it_and_once() -> None:
    with pytest.raises(NotTheSubscriber):
        cancel(a_subscription(), owners=("harbour",), at=NOW)
    ended = cancel(a_subscription(), owners=("club", "ada"), at=NOW)
    with pytest.raises(SubscriptionEnded):
        cancel(ended, owners=("ada",), at=NOW)


def test_a_clock_that_went_back_ends_nothing_before_it_began() -> None:
    assert cancel(a_subscription(), owners=("ada",), at=NOW - timedelta(seconds=1)).ended_at == NOW


def test_who_never_subscribed_does_not_rate() -> None:
    with pytest.raises(NotASubscriber):
        give(a_word("eve", 1), None, is_subscriber=False)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), max_size=20))
def test_the_rating_is_the_sum_of_last_words(said: list[tuple[str, int]]) -> None:
    kept: dict[str, Feedback] = {}
    ratings = stars = 0
    for number, (subscriber, rating) in enumerate(said):
        before = kept.get(subscriber)
        kept[subscriber], more, change = give(a_word(subscriber, rating, NOW + timedelta(seconds=number)), before, is_subscriber=True)
        ratings, stars = ratings + more, stars + change
        assert before is None or (kept[subscriber].feedback_id, kept[subscriber].given_at) == (before.feedback_id, before.given_at)
    assert (ratings, stars) == (len(kept), sum(one.rating for one in kept.values()))
    assert {subscriber: one.rating for subscriber, one in kept.items()} == dict(said)
