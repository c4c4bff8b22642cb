"""Pilots on real PostgreSQL: a zone is never past its capacity, results rest on what was measured, ideas graduate by them alone."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from city.innovation.v1 import idea_pb2, pilot_pb2, programme_service_pb2
from city.innovation.v1 import idea_service_pb2 as ideas_pb
from city.innovation.v1 import pilot_service_pb2 as pb
from city.innovation.v1.events_pb2 import IdeaGraduated, PilotCompleted, PilotStarted
from stratapolis.chassis.errors import InvalidField
from stratapolis.chassis.ids import new_id
from stratapolis.innovation.domain import errors

from services.innovation.tests.builders import ADA, AIR, BEN, CONSENT, DAY, LANTERN, MIA, OLGA, SAM, Layer, a_measurement, a_person

CAPACITY = 20


async def graduate(layer: Layer, idea_id: str) -> Any:
    return (await layer("graduate_idea", ideas_pb.GraduateIdeaRequest(request_id=new_id(), idea_id=idea_id), OLGA)).idea


async def cancel(layer: Layer, pilot_id: str, caller: Any = MIA) -> Any:
    return (await layer("cancel_pilot", pb.CancelPilotRequest(request_id=new_id(), pilot_id=pilot_id, reason="it rains"), caller)).pilot


async def consent(layer: Layer, pilot_id: str, caller: Any, statement: str = CONSENT) -> Any:
    return (await layer("consent_to_pilot", pb.ConsentToPilotRequest(request_id=new_id(), pilot_id=pilot_id, statement=statement), caller)).consent


async def taken(layer: Layer, zone_id: str, count: int = 4) -> list[int]:
    today = await layer.today()
    request = programme_service_pb2.GetZoneDaysRequest(zone_id=zone_id, first_date=str(today), last_date=str(today + (count - 1) * DAY))
    days = (await layer("get_zone_days", request)).days
    assert all(day.taken + day.left == CAPACITY for day in days)
    return [day.taken for day in days]


async def test_fifty_bookings_at_once_fill_a_zone_to_its_capacity_and_not_past_it(layer: Layer) -> None:
    await layer.creators()
    zone_id = await layer.zone(CAPACITY)
    ideas = [await layer.shortlisted() for _ in range(50)]
    # The spans differ, and all of them share the day after tomorrow.
    works = [layer.book(idea_id, zone_id, places=1, first=n % 3, last=2 + n % 5) for n, idea_id in enumerate(ideas)]
    results = await layer.at_once("select from programme", works, waiting=7)
    refused = [one for one in results if isinstance(one, BaseException)]
    assert all(isinstance(one, errors.ZoneFull) for one in refused) and len(refused) == 50 - CAPACITY
    assert (await taken(layer, zone_id))[2] == CAPACITY
    assert await layer.value("select max(taken) from zone_day") == CAPACITY
    assert await layer.value("select count(*) from idea where state = 'piloting'") == CAPACITY


async def test_the_database_itself_refuses_a_slot_past_capacity(layer: Layer) -> None:
    await layer.creators()
    zone_id = await layer.zone(CAPACITY)
    first = await layer.book(await layer.shortlisted(), zone_id, places=CAPACITY)
    other = await layer.shortlisted()
    copied = "insert into pilot select (jsonb_populate_record(p, jsonb_build_object('pilot_id', 'x', 'idea_id', $2::text))).* from pilot p where pilot_id = $1"
    with pytest.raises(asyncpg.CheckViolationError):
        await layer.value(copied, first.pilot_id, other)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await layer.value("update pilot set places = 1 where pilot_id = $1", first.pilot_id)


async def test_a_cancelled_pilot_frees_its_days_and_the_idea_may_be_piloted_again(layer: Layer) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(CAPACITY), await layer.shortlisted()
    pilot = await layer.book(idea_id, zone_id, places=15)
    with pytest.raises(errors.ZoneFull, match="has 5 of 20"):
        await layer.book(await layer.shortlisted(), zone_id, places=6, first=2, last=3)
    assert await taken(layer, zone_id) == [15, 15, 15, 0]
    cancelled = await cancel(layer, pilot.pilot_id)
    assert (cancelled.state, cancelled.cancel_reason) == (pilot_pb2.PILOT_STATE_CANCELLED, "it rains")
    assert await taken(layer, zone_id) == [0, 0, 0, 0]
    with pytest.raises(errors.PilotNotInState):
        await cancel(layer, pilot.pilot_id)
    assert (await layer.idea(idea_id)).idea.state == idea_pb2.IDEA_STATE_SHORTLISTED
    again = await layer.book(idea_id, zone_id)
    assert (await layer.idea(idea_id)).idea.pilot_id == again.pilot_id


async def test_a_pilot_that_ends_early_keeps_the_days_it_had_and_frees_the_rest(layer: Layer) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(CAPACITY), await layer.shortlisted()
    pilot = await layer.book(idea_id, zone_id, places=7)
    await layer.under.run("start_pilots")
    await layer.under.deliver(a_measurement("9", str(await layer.today())))
    await layer.conclude(pilot.pilot_id)
    assert await taken(layer, zone_id) == [7, 0, 0, 0]


async def test_what_is_dropped_or_withdrawn_takes_its_pilot_with_it(layer: Layer) -> None:
    await layer.creators()
    zone_id = await layer.zone(CAPACITY)
    dropped, withdrawn = await layer.shortlisted(), await layer.shortlisted()
    pilots = [await layer.book(idea_id, zone_id) for idea_id in (dropped, withdrawn)]
    await layer("drop_idea", ideas_pb.DropIdeaRequest(request_id=new_id(), idea_id=dropped, reason="too dear"), OLGA)
    await layer("withdraw_idea", ideas_pb.WithdrawIdeaRequest(request_id=new_id(), idea_id=withdrawn, reason="a better one"), ADA)
    found = [(await layer("get_pilot", pb.GetPilotRequest(pilot_id=pilot.pilot_id))).pilot for pilot in pilots]
    assert [(one.state, one.cancel_reason) for one in found] == [(pilot_pb2.PILOT_STATE_CANCELLED, reason) for reason in ("too dear", "a better one")]
    assert await taken(layer, zone_id) == [0, 0, 0, 0]


async def test_a_pilot_begins_on_its_first_day_and_says_so_once(layer: Layer) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(), await layer.shortlisted()
    pilot, later = await layer.book(idea_id, zone_id), await layer.book(await layer.shortlisted(), zone_id, first=1)
    await layer.under.published()
    await layer.under.run("start_pilots")
    await layer.under.run("start_pilots")
    (said,) = await layer.under.published()
    assert said == PilotStarted(
        idea_id=idea_id, pilot_id=pilot.pilot_id, zone_id=zone_id, lead=LANTERN, start_date=pilot.start_date, end_date=pilot.end_date
    )  # fmt: skip
    found = (await layer("list_pilots", pb.ListPilotsRequest(zone_id=zone_id, states=[pilot_pb2.PILOT_STATE_BOOKED]))).pilots
    assert [one.pilot_id for one in found] == [later.pilot_id]
    with pytest.raises(errors.PilotNotInState):
        await layer.conclude(later.pilot_id)


async def test_without_a_measurement_there_is_no_result(layer: Layer) -> None:
    await layer.creators()
    idea_id = await layer.shortlisted()
    pilot = await layer.book(idea_id, await layer.zone())
    await layer.under.run("start_pilots")
    today = await layer.today()
    await layer.under.deliver(
        a_measurement("3", str(today - DAY)), a_measurement("3", str(today + 3 * DAY)), a_measurement("3", str(today), scope="district:north")
    )  # fmt: skip
    with pytest.raises(errors.NotMeasured):
        await layer.conclude(pilot.pilot_id)
    with pytest.raises(errors.IdeaNotInState):
        await graduate(layer, idea_id)


async def test_a_result_has_its_evidence_and_its_baseline_and_the_newest_revision_counts(layer: Layer) -> None:
    today = await layer.today()
    await layer.under.deliver(a_measurement("41", str(today - 2 * DAY)), a_measurement("40", str(today - DAY)))
    await layer.under.deliver(a_measurement("12", str(today), revision=2), a_measurement("99", str(today), revision=1))
    idea_id, pilot = await layer.piloted()
    result = pilot.result
    assert (result.verdict, result.mean, result.conclusion) == (pilot_pb2.VERDICT_CONFIRMED, "12", "It did what we hoped for.")
    assert [(one.period, one.revision, one.value, one.unit) for one in result.evidence] == [(str(today), 2, "12", "ug/m3")]
    assert (result.baseline.period, result.baseline.value) == (str(today - DAY), "40")
    said = (await layer.under.published())[-1]
    assert said == PilotCompleted(idea_id=idea_id, pilot_id=pilot.pilot_id, indicator=AIR, confirmed=True, mean="12", measurements=1)
    assert (await layer("get_pilot", pb.GetPilotRequest(pilot_id=pilot.pilot_id))).pilot == pilot


async def test_an_idea_graduates_with_evidence_and_says_by_what(layer: Layer) -> None:
    idea_id, pilot = await layer.piloted("14", "15.5")
    await layer.under.published()
    graduated = await graduate(layer, idea_id)
    assert graduated.state == idea_pb2.IDEA_STATE_GRADUATED and "mean 14.75 ug/m3 of 2 measured, at most 15 expected: confirmed" in graduated.reason
    (said,) = await layer.under.published()
    assert said == IdeaGraduated(idea_id=idea_id, title="Lamps that see", lead=LANTERN, pilot_id=pilot.pilot_id, evidence=graduated.reason)
    with pytest.raises(errors.IdeaNotInState):
        await graduate(layer, idea_id)


async def test_a_refuted_idea_does_not_graduate_but_may_be_piloted_again(layer: Layer) -> None:
    idea_id, pilot = await layer.piloted("14", "16.5")
    assert pilot.result.verdict == pilot_pb2.VERDICT_REFUTED
    with pytest.raises(errors.NotProven, match="refuted"):
        await graduate(layer, idea_id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await layer.value("update idea set state = 'graduated', ended_at = now() where idea_id = $1", idea_id)
    assert (await layer.book(idea_id, pilot.zone_id)).idea_id == idea_id


async def test_only_the_lead_or_an_officer_runs_a_pilot(layer: Layer) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(), await layer.shortlisted()
    for caller in (ADA, SAM):
        with pytest.raises(errors.NotTheLead):
            await layer.book(idea_id, zone_id, caller=caller)
    pilot = await layer.book(idea_id, zone_id, caller=OLGA)
    assert pilot.lead == LANTERN
    for work in (cancel(layer, pilot.pilot_id, SAM), layer.conclude(pilot.pilot_id, SAM)):
        with pytest.raises(errors.NotTheLead):
            await work
    with pytest.raises(errors.PilotNotFound):
        await cancel(layer, "nowhere")


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (2, 1), (0, 366), (0, 61)])
async def test_a_span_that_no_zone_offers_is_refused_and_nothing_is_taken(layer: Layer, first: int, last: int) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(CAPACITY), await layer.shortlisted()
    with pytest.raises(InvalidField):
        await layer.book(idea_id, zone_id, first=first, last=last)
    assert await taken(layer, zone_id) == [0, 0, 0, 0]


async def test_a_pilot_needs_a_shortlisted_idea_and_an_open_zone(layer: Layer) -> None:
    await layer.creators()
    zone_id, idea_id = await layer.zone(), await layer.shortlisted()
    await layer.book(idea_id, zone_id)
    with pytest.raises(errors.IdeaNotInState):
        await layer.book(idea_id, zone_id)
    with pytest.raises(errors.ProgrammeNotOfKind):
        await layer.book(await layer.shortlisted(), await layer.training())
    await layer("close_programme", programme_service_pb2.CloseProgrammeRequest(request_id=new_id(), programme_id=zone_id, reason="it is built over"), OLGA)
    with pytest.raises(errors.ProgrammeClosed):
        await layer.book(await layer.shortlisted(), zone_id)


async def test_testers_agree_word_by_word_once_and_never_past_the_places(layer: Layer) -> None:
    await layer.creators()
    pilot = await layer.book(await layer.shortlisted(), await layer.zone(), places=2)
    with pytest.raises(errors.StatementDiffers):
        await consent(layer, pilot.pilot_id, ADA, "Whatever you like.")
    given = await consent(layer, pilot.pilot_id, ADA)
    with pytest.raises(errors.AlreadyConsented):
        await consent(layer, pilot.pilot_id, ADA)
    people = [consent(layer, pilot.pilot_id, a_person(str(n))) for n in range(7)]
    results = await layer.at_once("select from pilot", people, waiting=7)
    assert sorted(type(one).__name__ for one in results) == ["Consent"] + ["TestersFull"] * 6
    assert (await layer("get_pilot", pb.GetPilotRequest(pilot_id=pilot.pilot_id))).pilot.testers == 2
    assert given.statement == CONSENT


async def test_a_consent_is_its_testers_own_and_taken_back_once(layer: Layer) -> None:
    await layer.creators()
    pilot = await layer.book(await layer.shortlisted(), await layer.zone(), places=1)
    given = await consent(layer, pilot.pilot_id, MIA)
    for other in (BEN, OLGA):
        with pytest.raises(errors.ConsentNotFound):
            await layer("withdraw_consent", pb.WithdrawConsentRequest(request_id=new_id(), consent_id=given.consent_id), other)
        assert not (await layer("list_consents", pb.ListConsentsRequest(), other)).consents
    back = (await layer("withdraw_consent", pb.WithdrawConsentRequest(request_id=new_id(), consent_id=given.consent_id), MIA)).consent
    assert back.HasField("withdraw_time")
    with pytest.raises(errors.ConsentWithdrawn):
        await layer("withdraw_consent", pb.WithdrawConsentRequest(request_id=new_id(), consent_id=given.consent_id), MIA)
    again = await consent(layer, pilot.pilot_id, MIA)
    listed = (await layer("list_consents", pb.ListConsentsRequest(), MIA)).consents
    assert [one.consent_id for one in listed] == [again.consent_id, given.consent_id]


async def test_a_consent_may_be_taken_back_after_the_end_too(layer: Layer) -> None:
    await layer.creators()
    pilot = await layer.book(await layer.shortlisted(), await layer.zone(), places=1)
    given = await consent(layer, pilot.pilot_id, ADA)
    await cancel(layer, pilot.pilot_id)
    with pytest.raises(errors.PilotNotInState):
        await consent(layer, pilot.pilot_id, BEN)
    await layer("withdraw_consent", pb.WithdrawConsentRequest(request_id=new_id(), consent_id=given.consent_id), ADA)
    assert (await layer("get_pilot", pb.GetPilotRequest(pilot_id=pilot.pilot_id))).pilot.testers == 1
