"""Penalties on a real database: charged once, set against what the party is owed, given back once."""

from decimal import Decimal
from typing import Any

import pytest
from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.ledger_pb2 import CHARGE_KIND_PENALTY, CHARGE_KIND_REVERSAL, Entry
from city.policy.v1.events_pb2 import PerformanceFailureRaised, PerformanceFailureWithdrawn
from city.types.v1.types_pb2 import DIRECTION_HIGHER_IS_BETTER, DIRECTION_LOWER_IS_BETTER, IndicatorKey, Money
from stratapolis.chassis.money import to_decimal
from stratapolis.governance.domain.errors import ChargeAlreadyReversed

from services.governance.tests.integration.asking import OFFICER, Asking


def a_failure(failure_id: str = "failure-1", *, period: str = "2026-05-04", **changes: Any) -> PerformanceFailureRaised:
    given: dict[str, Any] = {
        "agreement_id": "agreement-1", "indicator": IndicatorKey(framework="city", code="noise"), "scope": "city", "revision": 1, "value": "60.25",
        "bound": "55.5", "unit": "dB", "direction": DIRECTION_LOWER_IS_BETTER, "party": "acme", "penalty": Money(currency_code="EUR", units=100, nanos=5),
    }  # fmt: skip
    return PerformanceFailureRaised(failure_id=failure_id, period=period, **(given | changes))


def a_correction(failure_id: str = "failure-1") -> PerformanceFailureWithdrawn:
    return PerformanceFailureWithdrawn(failure_id=failure_id, agreement_id="agreement-1", revision=2, value="50", unit="dB")


async def entries(asking: Asking, account: str = "") -> list[Entry]:
    """What stands in the ledger, oldest first."""
    return list(reversed((await asking("list_entries", pb.ListEntriesRequest(page_size=500, account=account), OFFICER)).entries))


async def balances(asking: Asking) -> dict[str, str]:
    found = (await asking("list_balances", pb.ListBalancesRequest(page_size=500), OFFICER)).balances
    return {one.account: one.amount for one in found}


async def test_a_penalty_is_owed_to_the_city_and_says_what_was_missed(asking: Asking) -> None:
    await asking.city.deliver(a_failure(), writer="policy")
    found = await entries(asking)
    assert [(one.account, to_decimal(one.amount)) for one in found] == [("payable:acme", Decimal("100.000000005")), ("revenue:city", Decimal("-100.000000005"))]
    assert {(one.kind, one.source, one.period, one.service_period) for one in found} == {(CHARGE_KIND_PENALTY, "penalty:failure-1", "2026-05", "2026-05")}
    assert found[0].reason == "noise of city in 2026-05-04: 60.25 dB, agreed at most 55.5 dB"


@pytest.mark.parametrize(("period", "month"), [("2026", "2026-12"), ("2026-02", "2026-02")])
async def test_a_longer_period_is_charged_in_the_month_it_ends_in(asking: Asking, period: str, month: str) -> None:
    await asking.city.deliver(a_failure(period=period, direction=DIRECTION_HIGHER_IS_BETTER), writer="policy")
    found = await entries(asking)
    assert {one.service_period for one in found} == {month}
    assert "agreed at least 55.5 dB" in found[0].reason


async def test_a_penalty_is_charged_once_whatever_event_brings_it(asking: Asking) -> None:
    for _ in range(3):
        await asking.city.deliver(a_failure(), writer="policy")
    await asking.city.deliver(a_failure("failure-2"), writer="policy")
    assert len(await entries(asking, "payable:acme")) == 2


async def test_a_corrected_value_gives_the_penalty_back_once(asking: Asking) -> None:
    await asking.city.deliver(a_failure(), a_correction(), a_correction(), writer="policy")
    assert [one.kind for one in await entries(asking, "payable:acme")] == [CHARGE_KIND_PENALTY, CHARGE_KIND_REVERSAL]
    assert await balances(asking) == {"payable:acme": "0", "revenue:city": "0"}


async def test_what_an_officer_has_given_back_is_not_given_back_again(asking: Asking) -> None:
    await asking.city.deliver(a_failure(), writer="policy")
    charge_id = (await entries(asking))[0].charge_id
    await asking("reverse_charge", pb.ReverseChargeRequest(request_id="request-1", charge_id=charge_id, reason="goodwill"), OFFICER)
    await asking.city.deliver(a_correction(), writer="policy")
    assert await balances(asking) == {"payable:acme": "0", "revenue:city": "0"}
    with pytest.raises(ChargeAlreadyReversed):
        await asking("reverse_charge", pb.ReverseChargeRequest(request_id="request-2", charge_id=charge_id, reason="goodwill"), OFFICER)


async def test_a_penalty_stands_in_the_partys_statement(asking: Asking) -> None:
    await asking.city.deliver(a_failure(period="2026-01-31"), writer="policy")
    await asking("run_settlement", pb.RunSettlementRequest(request_id="request-1", period="2026-01"), OFFICER)
    (statement,) = (await asking("list_statements", pb.ListStatementsRequest(owner="acme"), OFFICER)).statements
    assert (statement.account, statement.total) == ("payable:acme", "100.00")
