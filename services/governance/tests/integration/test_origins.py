"""Where a proposal comes from: a graduated idea, named by the value creator that leads it, told to every layer that is asked."""

from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.innovation.v1.events_pb2 import IdeaGraduated
from city.types.v1.types_pb2 import Origin

from services.governance.tests.integration.asking import Asking, a_manifest

IDEA = "idea-7"


def from_an_idea(idea: str = IDEA, name: str = "rowing-lessons") -> bytes:
    return a_manifest(name).replace(b"\nspec:", f"\n  idea: {idea}\nspec:".encode(), 1)


def graduated(lead: str, title: str = "Boats for all") -> IdeaGraduated:
    return IdeaGraduated(idea_id=IDEA, title=title, lead=lead, challenge_id="challenge-1", pilot_id="pilot-1", evidence="mean 9 of 3 measured: confirmed")


async def test_every_layer_that_is_asked_hears_of_the_idea_and_what_proved_it(asking: Asking) -> None:
    member = await asking.a_member()
    await asking.city.deliver(graduated(member.creator), graduated(member.creator, "Boats for some"))
    await asking.city.published()
    await asking.propose(member, from_an_idea())
    asked: list[StageRequested] = []
    while new := [event for event in await asking.city.published() if isinstance(event, StageRequested)]:
        asked += new
        for event in new:
            await asking.all_clear(event)
    expected = Origin(
        idea_id=IDEA, idea_title="Boats for all", challenge_id="challenge-1", pilot_id="pilot-1", evidence="mean 9 of 3 measured: confirmed"
    )  # fmt: skip
    assert len(asked) == 3 and [event.origin for event in asked] == [expected] * 3


async def test_an_idea_that_has_not_graduated_or_that_another_leads_is_a_reason_beside_the_others(asking: Asking) -> None:
    member = await asking.a_member()
    await asking.city.deliver(graduated("creator-other"))
    journeys = [await asking.propose(member, from_an_idea(idea, name=f"from-{idea}")) for idea in (IDEA, "nowhere")]
    for journey in journeys:
        assert [(reason.layer, reason.code, reason.field_path) for reason in journey.reasons] == [("governance", "ORIGIN_NOT_FOUND", "metadata.idea")]
    await asking.go_live(journeys[0].journey_id)
    assert [event.reasons[0].code for event in await asking.city.published() if isinstance(event, JourneyEnded)] == ["ORIGIN_NOT_FOUND"]


async def test_a_proposal_of_no_idea_has_no_origin(asking: Asking) -> None:
    member = await asking.a_member()
    await asking.propose(member)
    (asked,) = [event for event in await asking.city.published() if isinstance(event, StageRequested)]
    assert not asked.HasField("origin")
