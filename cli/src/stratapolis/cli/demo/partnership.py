"""In chapter 3: two value creators and the city agree on shares, and on a promise."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from city.policy.v1.agreement_pb2 import AgreedMetric
from city.policy.v1.agreement_service_pb2 import CreateAgreementRequest, SignAgreementRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER, IndicatorKey, Money, Share
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_decimal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.demo.story import Creator, Story
from stratapolis.cli.screen import money

SHARES = {"company": 6000, "university": 3000, "city": 1000}
BOUND = 250
"""Vehicles an hour at a counter, as a mean of the city's: fewer than on any recorded day."""
BEFORE = timedelta(days=30)
"""How long before the telling the term began: the recorded days lie in it."""


async def agreed(story: Story, company: Creator, university: Creator) -> str:
    """A partnership, signed by each party's own identity."""
    officer = story.city.stub(AgreementServiceStub, "policy")
    parties = {"company": company.creator_id, "university": university.creator_id, "city": "city"}
    shares = [Share(party=parties[who], basis_points=points) for who, points in SHARES.items()]
    end = to_timestamp(datetime.now(UTC) + timedelta(days=730))
    promised = promise(story, company)
    asked = CreateAgreementRequest(
        request_id=new_id(),
        title=f"Guiding traffic together {story.run}",
        shares=shares,
        currency="EUR",
        start_time=to_timestamp(term_begins(story)),
        end_time=end,
        metrics=[promised],
    )
    agreement = (await officer.CreateAgreement(asked)).agreement
    for party, signer in ((company.creator_id, company.founder), (university.creator_id, university.founder), ("city", story.city.officer)):
        stub = story.city.stub(AgreementServiceStub, "policy", as_=signer)
        await stub.SignAgreement(SignAgreementRequest(request_id=new_id(), agreement_id=agreement.agreement_id, party=party))
    story.tell(f"an agreement, signed by three: {', '.join(f'{who} {points / 100:g} %' for who, points in SHARES.items())}.")
    (metric,) = agreement.metrics
    penalty = money(to_decimal(metric.penalty), metric.penalty.currency_code)
    story.tell(f"{company.name} promises at most {metric.bound} vehicles an hour at a counter, or pays the city {penalty} for each day.")
    return str(agreement.agreement_id)


def promise(story: Story, by: Creator) -> AgreedMetric:
    """What the traffic guide's creator promises."""
    return AgreedMetric(
        indicator=traffic(story),
        direction=DIRECTION_LOWER_IS_BETTER,
        bound=str(BOUND),
        party=by.creator_id,
        penalty=Money(currency_code="EUR", units=50 * story.rng.randint(2, 9)),
    )


def term_begins(story: Story) -> datetime:
    """The first moment of the agreement."""
    return datetime.combine(story.today, time(), UTC) - BEFORE


def traffic(story: Story) -> IndicatorKey:
    """The indicator of the promise: one of this telling, so that another telling measures it anew."""
    return IndicatorKey(framework="city", code=f"traffic_{story.run}")
