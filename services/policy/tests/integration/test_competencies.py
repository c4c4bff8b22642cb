"""What a city's rules may ask of a value creator: a competency that one of its members was awarded, and that still counts."""

from datetime import UTC, datetime, timedelta

from city.innovation.v1.events_pb2 import CompetencyAwarded
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.rpc.policies import founding

from services.policy.tests.builders import Layer, a_manifest, a_request
from services.policy.tests.integration.test_policies import activate, publish

DEMANDING = f"""{founding()}
@id("COMPETENCY_MISSING")
@field("spec.category")
@message("services of this category are offered by who has shown plain language")
@hint("see ListProgrammes of innovation for a training")
forbid (principal is Creator, action == Action::"Propose", resource)
when {{ context.category == "mobility" && !principal.competencies.contains("plain-language") }};
"""


def awarded(creator_id: str = "acme", *, competency: str = "plain-language", expires_in: timedelta | None = None) -> CompetencyAwarded:
    now = datetime.now(UTC)
    return CompetencyAwarded(
        holder=creator_id or "person-ada", award_id=new_id(), competency=competency, creator_id=creator_id, subject="person-ada",
        award_time=to_timestamp(now), expire_time=to_timestamp(now + expires_in) if expires_in else None,
    )  # fmt: skip


async def demanding(layer: Layer) -> None:
    await layer.found()
    await activate(layer, await publish(layer, DEMANDING))
    await layer.under.published()


async def codes(layer: Layer, creator: str = "acme") -> list[str]:
    return [reason.code for reason in (await layer.answer(a_request(a_manifest(), creator=creator))).reasons]


async def test_a_rule_may_demand_a_competency_and_its_award_clears(layer: Layer) -> None:
    await demanding(layer)
    answered = await layer.answer(a_request(a_manifest()))
    assert answered.outcome == pb.OUTCOME_REFUSED
    assert [(reason.code, reason.field_path) for reason in answered.reasons] == [("COMPETENCY_MISSING", "spec.category")]
    assert await codes(layer, "never-heard-of") == ["COMPETENCY_MISSING"]
    await layer.under.deliver(awarded(), awarded())
    assert await codes(layer) == []
    assert await codes(layer, "beta") == ["COMPETENCY_MISSING"]


async def test_an_award_that_has_expired_or_is_of_something_else_or_of_nobodys_does_not_count(layer: Layer) -> None:
    await demanding(layer)
    await layer.under.deliver(awarded(expires_in=timedelta(seconds=-1)), awarded(competency="first-aid"), awarded(""))
    assert await codes(layer) == ["COMPETENCY_MISSING"]
    await layer.under.deliver(awarded(expires_in=timedelta(days=1)))
    assert await codes(layer) == []
    async with layer.db.transaction() as tx:
        assert await tx.value("select count(*) from competency") == 3


async def test_the_founding_rules_demand_none(layer: Layer) -> None:
    await layer.found()
    await layer.under.published()
    assert await codes(layer) == []
