"""An agreed metric that is missed is charged to who promised it, and given back where the value was corrected: measured, judged, posted, each by its layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from city.governance.v1 import ledger_service_pb2
from city.governance.v1.ledger_pb2 import Entry
from city.governance.v1.ledger_service_pb2_grpc import LedgerServiceStub
from city.policy.v1 import agreement_service_pb2
from city.policy.v1.agreement_pb2 import PerformanceFailure
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import IndicatorKey
from google.protobuf.message import Message
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import until

from e2e_tests.conftest import Creator, Town
from e2e_tests.promising import MISSED, promised, record


async def _raised(policy: Any, asked: Message) -> Sequence[PerformanceFailure]:
    """The failures of an agreement, as soon as there is one."""

    async def raised() -> bool:
        return bool((await policy.ListPerformanceFailures(asked)).failures)

    await until(raised, "the failure to be raised", within=30)
    failures: Sequence[PerformanceFailure] = (await policy.ListPerformanceFailures(asked)).failures
    return failures


async def test_what_was_promised_and_missed_is_charged_and_given_back_when_the_value_is_corrected(town: Town, stranger: Creator) -> None:
    indicator = IndicatorKey(framework="city", code=f"minutes_late_{new_id()[-8:]}")
    agreement_id = await promised(town, indicator)
    asked = agreement_service_pb2.ListPerformanceFailuresRequest(agreement_id=agreement_id)
    mine = town.city.stub(AgreementServiceStub, "policy", as_=town.creator.founder)
    ledger = town.city.stub(LedgerServiceStub, "governance", as_=town.creator.founder)

    async def posted(failure_id: str) -> list[Entry]:
        """The value creator's entries for a failure, oldest first."""
        found = (await ledger.ListEntries(ledger_service_pb2.ListEntriesRequest(page_size=500))).entries
        charges = {one.charge_id for one in found if one.source == f"penalty:{failure_id}"}
        return [one for one in reversed(found) if one.charge_id in charges or one.source.removeprefix("reversal:") in charges]

    await record(town, indicator, "12.5")

    (failure,) = await _raised(mine, asked)
    assert (failure.period, failure.value, failure.metric.bound, failure.HasField("withdraw_time")) == (MISSED, "12.5", "5", False)

    async def charged() -> bool:
        return len(await posted(failure.failure_id)) == 1

    await until(charged, "the penalty to be charged", within=30)
    (penalty,) = await posted(failure.failure_id)
    assert (penalty.account, penalty.amount.units, penalty.service_period) == (f"payable:{town.creator.creator_id}", 250, MISSED[:7])
    assert "12.5 min, agreed at most 5 min" in penalty.reason

    await record(town, indicator, "4.9")

    async def given_back() -> bool:
        return len(await posted(failure.failure_id)) == 2

    await until(given_back, "the penalty to be given back", within=30)
    assert sum(one.amount.units for one in await posted(failure.failure_id)) == 0
    (withdrawn,) = (await mine.ListPerformanceFailures(asked)).failures
    assert withdrawn.HasField("withdraw_time")
    theirs = town.city.stub(AgreementServiceStub, "policy", as_=stranger.founder)
    assert not (await theirs.ListPerformanceFailures(asked)).failures
