"""Promises of indicators: which can be made, when they are missed, when a period is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from stratapolis.policy.domain.errors import MetricNotValid
from stratapolis.policy.domain.performance import Metric, Reading, check, judge, last_day, over_at

QUIET = Metric(
    framework="city", code="noise", measure="", scope="city", lower_is_better=True, bound=Decimal("55"), party="acme", penalty=Decimal("100")
)  # fmt: skip
READING = Reading(agreement_id="a", currency="EUR", number=0, metric=QUIET, period="2026-05-01", revision=1, value=Decimal(55), unit="dB")


@pytest.mark.parametrize(
    ("value", "lower", "missed"), [("55", True, False), ("55.1", True, True), ("54", True, False), ("55", False, False), ("54", False, True)]
)
def test_a_value_at_the_bound_keeps_the_promise_and_one_beyond_it_does_not(value: str, lower: bool, missed: bool) -> None:
    assert replace(QUIET, lower_is_better=lower).missed_by(Decimal(value)) is missed


@pytest.mark.parametrize(("value", "standing", "verdict"), [("60", None, True), ("60", "f", None), ("50", "f", False), ("50", None, None)])
def test_a_failure_is_raised_once_and_withdrawn_where_the_value_was_corrected(value: str, standing: str | None, verdict: bool | None) -> None:
    assert judge(replace(READING, value=Decimal(value), failure_id=standing)) is verdict


@pytest.mark.parametrize(
    ("wrong", "field"), [({"party": "city"}, "party"), ({"party": "nobody"}, "party"), ({"penalty": Decimal(0)}, "penalty"), ({"penalty": Decimal(-1)}, "penalty")]
)  # fmt: skip
def test_nobody_promises_what_it_could_not_pay_for(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(MetricNotValid, match=rf"metrics\[1\].{field}: "):
        check([QUIET, replace(QUIET, code="dust", **wrong)], {"acme", "city"})  # type: ignore[arg-type]


def test_a_party_promises_a_value_once_and_two_parties_may_promise_the_same() -> None:
    check([QUIET, replace(QUIET, party="beta"), replace(QUIET, scope="service:s")], {"acme", "beta"})
    with pytest.raises(MetricNotValid, match="promised twice"):
        check([QUIET, replace(QUIET, bound=Decimal(60))], {"acme"})


@pytest.mark.parametrize(
    ("period", "last"),
    [("2026-05-01", date(2026, 5, 1)), ("2026-12", date(2026, 12, 31)), ("2024-02", date(2024, 2, 29)), ("2026", date(2026, 12, 31)), ("2026-13", None), ("May", None)],
)  # fmt: skip
def test_a_period_ends_with_its_last_day(period: str, last: date | None) -> None:
    assert last_day(period) == last


def test_a_day_is_over_when_it_is_so_in_every_zone() -> None:
    assert over_at(date(2026, 5, 1)) == datetime(2026, 5, 2, 12, tzinfo=UTC)
