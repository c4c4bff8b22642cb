"""Programmes, workshops, trainings and partnerships on real PostgreSQL."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from city.innovation.v1 import idea_pb2, programme_pb2
from city.innovation.v1 import idea_service_pb2 as ideas_pb
from city.innovation.v1 import partnership_service_pb2 as partnerships_pb
from city.innovation.v1 import programme_service_pb2 as programmes_pb
from city.innovation.v1 import training_service_pb2 as trainings_pb
from city.innovation.v1 import workshop_service_pb2 as workshops_pb
from city.innovation.v1.events_pb2 import CompetencyAwarded, PartnershipRegistered, ProgrammeOpened
from city.types.v1.types_pb2 import Place
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_time, to_timestamp
from stratapolis.innovation.domain import errors

from services.innovation.tests.builders import ADA, BEN, HARBOUR, LANTERN, MIA, OLGA, SAM, Layer, a_person

PARTNERSHIP = programme_pb2.PROGRAMME_KIND_PARTNERSHIP


async def enrol(layer: Layer, programme_id: str, caller: Caller = MIA) -> Any:
    return (await layer("enrol_in_training", trainings_pb.EnrolInTrainingRequest(request_id=new_id(), programme_id=programme_id), caller)).enrolment


async def complete(layer: Layer, enrolment_id: str, *, passed: bool = True) -> Any:
    request = trainings_pb.CompleteTrainingRequest(request_id=new_id(), enrolment_id=enrolment_id, passed=passed)
    return await layer("complete_training", request, OLGA)


async def leave(layer: Layer, enrolment_id: str, caller: Caller = MIA) -> Any:
    return (await layer("leave_training", trainings_pb.LeaveTrainingRequest(request_id=new_id(), enrolment_id=enrolment_id), caller)).enrolment


async def register(layer: Layer, programme_id: str, creator_id: str = "creator-uni") -> Any:
    request = partnerships_pb.RegisterPartnershipRequest(
        request_id=new_id(), programme_id=programme_id, creator_id=creator_id, purpose="Students look at what the pilots show."
    )  # fmt: skip
    return (await layer("register_partnership", request, OLGA)).partnership


async def schedule(layer: Layer, *idea_ids: str, programme_id: str = "", hours: float = 0.0, **changes: Any) -> Any:
    programme_id = programme_id or (await layer.programme(programme_pb2.PROGRAMME_KIND_IDEATION_WORKSHOP)).programme_id
    now = await layer.value("select now()")
    request = workshops_pb.ScheduleWorkshopRequest(
        request_id=new_id(), programme_id=programme_id, title="An evening on light", place=Place(latitude=52.5, longitude=13.4), idea_ids=idea_ids,
        start_time=to_timestamp(now + timedelta(hours=hours, seconds=30)), **changes,
    )  # fmt: skip
    return (await layer("schedule_workshop", request, OLGA)).workshop


async def refine(layer: Layer, workshop_id: str, idea_id: str) -> Any:
    request = workshops_pb.RefineIdeaRequest(
        request_id=new_id(), workshop_id=workshop_id, idea_id=idea_id, title="Lamps that see and sleep", description="Bright where somebody walks, else dark.",
        note="and dark where nobody walks",
    )  # fmt: skip
    return (await layer("refine_idea", request, OLGA)).idea


async def test_a_programme_is_opened_shown_and_closed_once(layer: Layer) -> None:
    opened = await layer.programme(programme_pb2.PROGRAMME_KIND_LAB)
    assert (await layer("get_programme", programmes_pb.GetProgrammeRequest(programme_id=opened.programme_id))).programme == opened
    said = ProgrammeOpened(programme_id=opened.programme_id, kind="lab", title="A programme", start_date=opened.start_date, end_date=opened.end_date)
    assert await layer.under.published() == [said]
    close = programmes_pb.CloseProgrammeRequest(request_id=new_id(), programme_id=opened.programme_id, reason="the roof leaks")
    closed = (await layer("close_programme", close, OLGA)).programme
    assert (closed.state, closed.close_reason) == (programme_pb2.PROGRAMME_STATE_CLOSED, "the roof leaks")
    with pytest.raises(errors.ProgrammeClosed):
        await layer("close_programme", close, OLGA)
    with pytest.raises(errors.ProgrammeNotFound):
        await layer("get_programme", programmes_pb.GetProgrammeRequest(programme_id="nowhere"))


async def test_programmes_are_listed_by_kind_open_or_all_in_pages(layer: Layer) -> None:
    labs = [(await layer.programme(programme_pb2.PROGRAMME_KIND_LAB)).programme_id for _ in range(3)]
    zone_id = await layer.zone()
    close = programmes_pb.CloseProgrammeRequest(request_id=new_id(), programme_id=labs[1], reason="the roof leaks")
    await layer("close_programme", close, OLGA)

    async def listed(**asked: Any) -> list[str]:
        return [one.programme_id for one in (await layer("list_programmes", programmes_pb.ListProgrammesRequest(**asked))).programmes]

    assert await listed() == [zone_id, *labs[::-1]]
    assert await listed(kinds=[programme_pb2.PROGRAMME_KIND_LAB], open_only=True) == [labs[2], labs[0]]
    first = await layer("list_programmes", programmes_pb.ListProgrammesRequest(page_size=3))
    assert [zone_id, labs[2], labs[1]] == [one.programme_id for one in first.programmes]
    assert await listed(page_size=3, page_token=first.next_page_token) == [labs[0]]


async def test_days_are_told_of_zones_alone(layer: Layer) -> None:
    lab = await layer.programme(programme_pb2.PROGRAMME_KIND_LAB)
    request = programmes_pb.GetZoneDaysRequest(zone_id=lab.programme_id, first_date="2026-05-01", last_date="2026-05-02")
    with pytest.raises(errors.ProgrammeNotOfKind):
        await layer("get_zone_days", request)
    request.first_date = "2026-05-32"
    with pytest.raises(InvalidField, match="first_date"):
        await layer("get_zone_days", request)


async def test_a_workshop_refines_the_ideas_it_looked_at_once_it_has_begun(layer: Layer) -> None:
    idea, other = await layer.submit(), await layer.submit()
    workshop = await schedule(layer, idea.idea_id)
    with pytest.raises(errors.IdeaNotInvited):
        await refine(layer, workshop.workshop_id, other.idea_id)
    await layer.value("update workshop set start_at = now() - interval '1 minute'")
    refined = await refine(layer, workshop.workshop_id, idea.idea_id)
    assert (refined.title, refined.state) == ("Lamps that see and sleep", idea_pb2.IDEA_STATE_REFINED)
    kinds = [idea_pb2.IdeaStepKind.Name(step.kind) for step in (await layer.idea(idea.idea_id)).steps]
    assert kinds == ["IDEA_STEP_KIND_SUBMITTED", "IDEA_STEP_KIND_INVITED", "IDEA_STEP_KIND_REFINED"]
    assert (await layer.idea(idea.idea_id)).steps[2].message == "and dark where nobody walks"
    cancel = workshops_pb.CancelWorkshopRequest(request_id=new_id(), workshop_id=workshop.workshop_id, reason="the hall is closed")
    with pytest.raises(errors.WorkshopBegun):
        await layer("cancel_workshop", cancel, OLGA)


async def test_a_workshop_to_come_refines_nothing_and_may_be_called_off(layer: Layer) -> None:
    idea, ended = await layer.submit(), await layer.submit()
    workshop = await schedule(layer, idea.idea_id, ended.idea_id, hours=5)
    await layer("withdraw_idea", ideas_pb.WithdrawIdeaRequest(request_id=new_id(), idea_id=ended.idea_id, reason="a better one"), ADA)
    with pytest.raises(errors.WorkshopNotBegun):
        await refine(layer, workshop.workshop_id, idea.idea_id)
    cancel = workshops_pb.CancelWorkshopRequest(request_id=new_id(), workshop_id=workshop.workshop_id, reason="the hall is closed")
    cancelled = (await layer("cancel_workshop", cancel, OLGA)).workshop
    assert cancelled.cancelled and cancelled.cancel_reason == "the hall is closed"
    last = (await layer.idea(idea.idea_id)).steps[-1]
    assert (last.kind, last.message, last.reference) == (idea_pb2.IDEA_STEP_KIND_UNINVITED, "the hall is closed", workshop.workshop_id)
    for work in (refine(layer, workshop.workshop_id, idea.idea_id), layer("cancel_workshop", cancel, OLGA)):
        with pytest.raises(errors.WorkshopCancelled):
            await work
    assert (await layer("get_workshop", workshops_pb.GetWorkshopRequest(workshop_id=workshop.workshop_id))).workshop == cancelled
    with pytest.raises(errors.WorkshopNotFound):
        await refine(layer, "nowhere", idea.idea_id)


async def test_workshops_are_found_by_programme_and_idea(layer: Layer) -> None:
    ideas = [(await layer.submit()).idea_id for _ in range(3)]
    programme = (await layer.programme(programme_pb2.PROGRAMME_KIND_IDEATION_WORKSHOP)).programme_id
    first, second = await schedule(layer, *ideas, programme_id=programme, hours=1), await schedule(layer, ideas[0], hours=2)

    async def listed(**asked: Any) -> list[Any]:
        return list((await layer("list_workshops", workshops_pb.ListWorkshopsRequest(**asked))).workshops)

    assert await listed() == [second, first] == await listed(idea_id=ideas[0])
    assert await listed(idea_id=ideas[2]) == [first] == await listed(programme_id=programme)
    page = await layer("list_workshops", workshops_pb.ListWorkshopsRequest(page_size=1))
    assert await listed(page_size=1, page_token=page.next_page_token) == [first]


async def test_a_workshop_is_of_a_workshop_programme_within_a_year_about_ideas_that_are_discussed(layer: Layer) -> None:
    await layer.creators()
    idea = await layer.submit()
    with pytest.raises(errors.ProgrammeNotOfKind):
        await schedule(layer, idea.idea_id, programme_id=await layer.zone())
    for hours in (-1, 24 * 400):
        with pytest.raises(InvalidField, match="start_time"):
            await schedule(layer, idea.idea_id, hours=hours)
    with pytest.raises(errors.IdeaNotFound):
        await schedule(layer, idea.idea_id, "nowhere")
    with pytest.raises(errors.IdeaNotInState):
        await schedule(layer, idea.idea_id, await layer.shortlisted())
    assert len((await layer.idea(idea.idea_id)).steps) == 1


async def test_fifty_who_want_a_seat_at_once_get_as_many_as_there_are(layer: Layer) -> None:
    programme_id = await layer.training(seats=10)
    results = await layer.at_once("select from programme", [enrol(layer, programme_id, a_person(str(n))) for n in range(50)], waiting=7)
    assert sorted(type(one).__name__ for one in results) == ["Enrolment"] * 10 + ["SeatsTaken"] * 40
    assert await layer.value("select enrolled from programme where programme_id = $1", programme_id) == 10
    with pytest.raises(asyncpg.CheckViolationError):
        await layer.value("update programme set enrolled = 11 where programme_id = $1", programme_id)


async def test_who_passes_is_awarded_the_competency_for_the_value_creator_too(layer: Layer) -> None:
    programme_id = await layer.training(valid_days=30)
    await layer.under.published()
    done = await complete(layer, (await enrol(layer, programme_id)).enrolment_id)
    assert done.enrolment.state == trainings_pb.ENROLMENT_STATE_PASSED and done.award.competency.code == "plain-language"
    assert to_time(done.award.expire_time) - to_time(done.award.award_time) == timedelta(days=30)
    assert await layer.under.published() == [
        CompetencyAwarded(
            holder=LANTERN, award_id=done.award.award_id, competency="plain-language", creator_id=LANTERN, subject=MIA.subject,
            award_time=done.award.award_time, expire_time=done.award.expire_time,
        )
    ]  # fmt: skip
    alone = await complete(layer, (await enrol(layer, programme_id, ADA)).enrolment_id)
    (said,) = await layer.under.published()
    assert isinstance(said, CompetencyAwarded)
    assert (said.holder, said.creator_id, alone.award.creator_id) == (ADA.subject, "", "")


async def test_a_seat_is_free_again_after_every_end_and_an_end_is_final(layer: Layer) -> None:
    programme_id = await layer.training(seats=1)
    first = await enrol(layer, programme_id)
    with pytest.raises(errors.SeatsTaken):
        await enrol(layer, programme_id, SAM)
    assert (await leave(layer, first.enrolment_id)).state == trainings_pb.ENROLMENT_STATE_LEFT
    second = await enrol(layer, programme_id)
    failed = await complete(layer, second.enrolment_id, passed=False)
    assert failed.enrolment.state == trainings_pb.ENROLMENT_STATE_FAILED and not failed.HasField("award")
    for work in (complete(layer, second.enrolment_id), leave(layer, first.enrolment_id)):
        with pytest.raises(errors.EnrolmentEnded):
            await work
    assert (await enrol(layer, programme_id, SAM)).creator_id == HARBOUR
    assert await layer.value("select count(*) from award") == 0


async def test_one_seat_is_enough(layer: Layer) -> None:
    programme_id = await layer.training(seats=2)
    await enrol(layer, programme_id)
    with pytest.raises(errors.AlreadyEnrolled):
        await enrol(layer, programme_id)
    assert await layer.value("select enrolled from programme where programme_id = $1", programme_id) == 1


async def test_enrolments_and_awards_are_seen_by_their_owners_and_officers(layer: Layer) -> None:
    programme_id = await layer.training(seats=5)
    mine, adas = await enrol(layer, programme_id), await enrol(layer, programme_id, ADA)
    awarded = (await complete(layer, mine.enrolment_id)).award
    colleague = Caller(subject="person-max", kind="person", creator=LANTERN)

    async def seen(caller: Caller) -> tuple[list[str], list[str]]:
        enrolments = (await layer("list_enrolments", trainings_pb.ListEnrolmentsRequest(programme_id=programme_id), caller)).enrolments
        awards = (await layer("list_awards", trainings_pb.ListAwardsRequest(), caller)).awards
        return [one.enrolment_id for one in enrolments], [one.award_id for one in awards]

    assert await seen(MIA) == await seen(colleague) == ([mine.enrolment_id], [awarded.award_id])
    assert await seen(ADA) == ([adas.enrolment_id], [])
    assert await seen(BEN) == ([], [])
    assert await seen(OLGA) == ([adas.enrolment_id, mine.enrolment_id], [awarded.award_id])
    assert not (await layer("list_awards", trainings_pb.ListAwardsRequest(creator_id=HARBOUR), OLGA)).awards
    for caller in (BEN, colleague, OLGA):
        with pytest.raises(errors.EnrolmentNotFound):
            await leave(layer, adas.enrolment_id, caller)
    with pytest.raises(errors.AwardNotFound):
        await layer("get_credential", trainings_pb.GetCredentialRequest(award_id=awarded.award_id), BEN)


async def test_an_award_is_an_open_badges_credential_without_a_made_up_proof(layer: Layer) -> None:
    programme_id = await layer.training(valid_days=1)
    award = (await complete(layer, (await enrol(layer, programme_id)).enrolment_id)).award
    said = json.loads((await layer("get_credential", trainings_pb.GetCredentialRequest(award_id=award.award_id), MIA)).credential_json)
    assert said["type"] == ["VerifiableCredential", "OpenBadgeCredential"] and said["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert said["id"] == f"urn:uuid:{award.award_id}" and said["issuer"]["name"] == "lakeside"
    assert said["credentialSubject"]["id"].endswith(MIA.subject)
    assert said["credentialSubject"]["achievement"]["humanCode"] == "plain-language"
    assert said["validFrom"] < said["validUntil"]
    assert "proof" not in said


async def test_partners_are_universities_and_companies_that_governance_has_accepted(layer: Layer) -> None:
    programme_id = (await layer.programme(PARTNERSHIP)).programme_id
    with pytest.raises(errors.PartnerNotFound):
        await register(layer, programme_id)
    await layer.creators()
    with pytest.raises(errors.PartnerNotOfKind):
        await register(layer, programme_id, HARBOUR)
    with pytest.raises(errors.ProgrammeNotOfKind):
        await register(layer, await layer.zone())
    await layer.under.published()
    partnership = await register(layer, programme_id)
    assert (partnership.partner_name, partnership.partner_kind) == ("The university", "university")
    assert await layer.under.published() == [
        PartnershipRegistered(
            partnership_id=partnership.partnership_id, programme_id=programme_id, creator_id="creator-uni", partner_kind="university",
            purpose=partnership.purpose,
        )
    ]  # fmt: skip
    with pytest.raises(errors.AlreadyPartners):
        await register(layer, programme_id)


async def test_a_partnership_ends_once_and_may_begin_anew(layer: Layer) -> None:
    await layer.creators()
    programme_id = (await layer.programme(PARTNERSHIP)).programme_id
    first, other = await register(layer, programme_id), await register(layer, programme_id, LANTERN)
    end = partnerships_pb.EndPartnershipRequest(request_id=new_id(), partnership_id=first.partnership_id, reason="the term is over")
    ended = (await layer("end_partnership", end, OLGA)).partnership
    assert ended.end_reason == "the term is over" and ended.HasField("end_time")
    with pytest.raises(errors.PartnershipEnded):
        await layer("end_partnership", end, OLGA)
    again = await register(layer, programme_id)

    async def listed(**asked: Any) -> list[str]:
        return [one.partnership_id for one in (await layer("list_partnerships", partnerships_pb.ListPartnershipsRequest(**asked))).partnerships]

    assert await listed() == [again.partnership_id, other.partnership_id, first.partnership_id]
    assert await listed(running_only=True, creator_id="creator-uni") == [again.partnership_id]
    with pytest.raises(errors.PartnershipNotFound):
        await layer("get_partnership", partnerships_pb.GetPartnershipRequest(partnership_id="nowhere"))
    assert (await layer("get_partnership", partnerships_pb.GetPartnershipRequest(partnership_id=first.partnership_id))).partnership == ended
