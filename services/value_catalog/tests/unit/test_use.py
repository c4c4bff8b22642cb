"""A use is recorded once, within its subscription and the report's window."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stratapolis.value_catalog.domain.errors import ConnectionNotTrusted, NotTheService
from stratapolis.value_catalog.domain.subscription import Subscription
from stratapolis.value_catalog.domain.use import Became, Use, judge, may_record

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SOON = timedelta(microseconds=1)


def a_subscription(started_at: datetime, ended_at: datetime | None = None, subscription_id: str = "sub") -> Subscription:
    return Subscription(
        subscription_id=subscription_id, service_id="service", creator_id="creator", service_title="Air", subscriber="ada", plan="basic",
        started_at=started_at, ended_at=ended_at, end_reason="cancelled" if ended_at else "",
    )  # fmt: skip


def a_use(used_at: datetime = NOW, use_id: str = "ride", subscription_id: str = "sub", quantity: int = 1) -> Use:
    return Use(use_id=use_id, subscription_id=subscription_id, quantity=quantity, used_at=used_at)


LONG = {"sub": a_subscription(NOW - timedelta(days=365))}


@pytest.mark.parametrize(
    ("used_at", "reason"),
    [
        (NOW + timedelta(minutes=5), ""),
        (NOW + timedelta(minutes=5) + SOON, "TOO_EARLY"),
        (NOW - timedelta(days=90), ""),
        (NOW - timedelta(days=90) - SOON, "TOO_LATE"),
    ],
)
def test_the_window_of_a_report_has_sharp_edges(used_at: datetime, reason: str) -> None:
    (verdict,) = judge([a_use(used_at)], {}, LONG, at=NOW)
    assert (verdict.reason, verdict.became is Became.RECORDED) == (reason, not reason)


@pytest.mark.parametrize(
    ("used_at", "reason"),
    [
        (NOW - timedelta(hours=2) - SOON, "NO_SUBSCRIPTION"),
        (NOW - timedelta(hours=2), ""),
        (NOW - timedelta(hours=1) - SOON, ""),
        (NOW - timedelta(hours=1), "SUBSCRIPTION_ENDED"),
    ],
)
def test_a_use_lies_from_the_subscriptions_start_to_before_its_end(used_at: datetime, reason: str) -> None:
    subscription = a_subscription(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    (verdict,) = judge([a_use(used_at)], {}, {"sub": subscription}, at=NOW)
    assert verdict.reason == reason


def test_a_duplicate_is_known_even_when_it_would_come_too_late_today() -> None:
    old = a_use(NOW - timedelta(days=200))
    (verdict,) = judge([old], {"ride": old}, LONG, at=NOW)
    assert verdict.became is Became.DUPLICATE


def test_only_the_service_records_and_only_while_trusted() -> None:
    may_record("s", subject="system:s", is_trusted=True)
    with pytest.raises(ConnectionNotTrusted):
        may_record("s", subject="system:s", is_trusted=False)
    for subject in ("system:t", "person-ada", "s", ""):
        with pytest.raises(NotTheService):
            may_record("s", subject=subject, is_trusted=True)


uses = st.builds(
    a_use,
    used_at=st.integers(-100 * 24, 1).map(lambda hours: NOW + timedelta(hours=hours)),
    use_id=st.sampled_from("abcd"),
    subscription_id=st.sampled_from(["sub", "ended", "unknown"]),
    quantity=st.integers(1, 3),
)
KNOWN = {**LONG, "ended": a_subscription(NOW - timedelta(days=50), NOW - timedelta(days=20), "ended")}


@given(st.lists(st.lists(uses, max_size=8), max_size=5))
def test_however_uses_are_reported_each_id_is_recorded_once_and_says_so_for_ever(reports: list[list[Use]]) -> None:
    recorded: dict[str, Use] = {}
    for report in reports:
        verdicts = judge(report, recorded, KNOWN, at=NOW)
        assert [verdict.use for verdict in verdicts] == report
        for verdict in verdicts:
            use, before = verdict.use, recorded.get(verdict.use.use_id)
            assert (verdict.became is Became.REFUSED) == bool(verdict.reason) == bool(verdict.message)
            if before is not None:
                assert verdict.became is (Became.DUPLICATE if use == before else Became.REFUSED)
                assert use == before or verdict.reason == "USE_ID_REUSED"
            elif verdict.became is Became.RECORDED:
                assert KNOWN[use.subscription_id].runs(use.used_at)
                recorded[use.use_id] = use
            else:
                assert verdict.became is Became.REFUSED and verdict.reason != "USE_ID_REUSED"
    again = judge(list(recorded.values()), recorded, {}, at=NOW + timedelta(days=999))
    assert all(verdict.became is Became.DUPLICATE for verdict in again)
