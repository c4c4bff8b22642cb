"""An agreement in which a value creator promises something of an indicator, and values of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from city.governance.v1 import indicator_pb2, indicator_service_pb2
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.policy.v1 import agreement_service_pb2
from city.policy.v1.agreement_pb2 import AgreedMetric
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER, IndicatorKey, Money, Share
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp

from e2e_tests.conftest import Town

SHARES = 6_000, 4_000
NOW = datetime.now(UTC)
MISSED = str((NOW - timedelta(days=4)).date())
"""A day of the term that is over."""


async def promised(town: Town, indicator: IndicatorKey) -> str:
    """An agreement of the value creator and the city on an indicator that is defined for it, at most 5 min, signed by both; its id."""
    governance = town.city.stub(IndicatorServiceStub, "governance")
    await governance.DefineIndicator(
        indicator_service_pb2.DefineIndicatorRequest(
            request_id=new_id(), key=indicator, name="Minutes late", unit="min", direction=DIRECTION_LOWER_IS_BETTER,
            period_length=indicator_pb2.PERIOD_LENGTH_DAY, source="the timetable",
        )
    )  # fmt: skip
    parties = (town.creator.creator_id, "city")
    promise = AgreedMetric(
        indicator=indicator, direction=DIRECTION_LOWER_IS_BETTER, bound="5", party=parties[0], penalty=Money(currency_code="EUR", units=250)
    )  # fmt: skip
    asked = agreement_service_pb2.CreateAgreementRequest(
        request_id=new_id(), title=f"On time {new_id()[-6:]}", currency="EUR", metrics=[promise],
        shares=[Share(party=party, basis_points=points) for party, points in zip(parties, SHARES, strict=True)],
        start_time=to_timestamp(NOW - timedelta(days=9)), end_time=to_timestamp(NOW + timedelta(days=90)),
    )  # fmt: skip
    policy = town.city.stub(AgreementServiceStub, "policy")
    agreement = (await policy.CreateAgreement(asked)).agreement
    for party, signer in zip(parties, (town.creator.founder, town.city.officer), strict=True):
        stub = town.city.stub(AgreementServiceStub, "policy", as_=signer)
        await stub.SignAgreement(agreement_service_pb2.SignAgreementRequest(request_id=new_id(), agreement_id=agreement.agreement_id, party=party))
    return str(agreement.agreement_id)


async def record(town: Town, indicator: IndicatorKey, value: str) -> None:
    """The day's value, by hand; again: a correction."""
    asked = indicator_service_pb2.RecordMeasurementRequest(request_id=new_id(), key=indicator, period=MISSED, value=value, unit="min")
    await town.city.stub(IndicatorServiceStub, "governance").RecordMeasurement(asked)
