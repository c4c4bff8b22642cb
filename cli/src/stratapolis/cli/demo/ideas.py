"""Chapters 9 and 10: a missed target opens a challenge, residents have ideas, one is tried on a recorded day and graduates by what was measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import grpc
from city.data.v1.indicator_feeds_service_pb2 import ListIndicatorFeedsRequest, RegisterIndicatorFeedRequest
from city.data.v1.indicator_feeds_service_pb2_grpc import IndicatorFeedsServiceStub
from city.innovation.v1 import challenge_service_pb2 as challenges_pb
from city.innovation.v1 import idea_service_pb2 as ideas_pb
from city.innovation.v1 import pilot_pb2, programme_pb2
from city.innovation.v1 import pilot_service_pb2 as pilots_pb
from city.innovation.v1 import programme_service_pb2 as programmes_pb
from city.innovation.v1 import workshop_service_pb2 as workshops_pb
from city.innovation.v1.challenge_service_pb2_grpc import ChallengeServiceStub
from city.innovation.v1.idea_pb2 import Idea
from city.innovation.v1.idea_service_pb2_grpc import IdeaServiceStub
from city.innovation.v1.pilot_service_pb2_grpc import PilotServiceStub
from city.innovation.v1.programme_service_pb2_grpc import ProgrammeServiceStub
from city.innovation.v1.workshop_service_pb2_grpc import WorkshopServiceStub
from city.types.v1.types_pb2 import IndicatorKey, Place
from stratapolis.chassis.decimals import reading
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.demo import launching, living
from stratapolis.cli.demo.measuring import PM25, SECONDS
from stratapolis.cli.demo.story import Story, refused
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity
from stratapolis.cli.session import pages
from stratapolis.examples.recorded import beijing_air, data_folder

PM10 = IndicatorKey(framework=PM25.framework, code=PM25.code, measure="PM 10")
GUIDELINE = "45"
"""WHO's 24-hour level for PM10, in ug/m3: what the pilot hopes to show."""
NAMES = ("Ada", "Ben", "Cem", "Dora", "Emil", "Fatima", "Gustav", "Hana", "Ivo", "Jette")
CONSENT = "We count how often you ask for the air, and keep the count for a month."
SQUARE = Place(latitude=39.93, longitude=116.4)


async def board(story: Story) -> None:
    """A challenge that opened by itself; two ideas, votes, a workshop, a shortlist."""
    story.chapter(9, "What residents make of it")
    challenge = await opened(story)
    story.tell(f"“{challenge.title}”: a challenge that opened by itself, by what was measured on {challenge.period}.")
    names = story.rng.sample(NAMES, 5)
    people = [await story.city.enrol(f"{name} {story.run}") for name in names]
    first = await submitted(story, people[0], challenge.challenge_id, "An alert that knows coarse dust, too", "Who coughs at coarse dust is warned as well.")
    second = await submitted(story, people[1], challenge.challenge_id, "Masks at the counters", "A box of masks at every counter on bad days.")
    for voter in people[2:]:
        await supported(story, voter, first)
    await supported(story, people[0], second)
    async with refused(story, grpc.StatusCode.ALREADY_EXISTS, "ALREADY_SUPPORTED") as twice:
        await supported(story, people[2], first)
    async with refused(story, grpc.StatusCode.FAILED_PRECONDITION, "OWN_IDEA") as own:
        await supported(story, people[0], first)
    story.tell(f"one vote a person: “{twice[0]}”; “{own[0]}”.")
    await refined(story, first)
    stub = story.city.stub(IdeaServiceStub, "innovation")
    listed = [(await stub.GetIdea(ideas_pb.GetIdeaRequest(idea_id=idea_id))).idea for idea_id in (first, second)]
    story.hold(listed[0].supporters > listed[1].supporters, "the first idea has more supporters")
    rows = [(one.title, name, one.supporters) for one, name in zip(listed, names, strict=False)]
    story.show("ideas", ("idea", "by", "supporters"), rows)
    university = story.creators["university"]
    shortlisted = (await stub.ShortlistIdea(ideas_pb.ShortlistIdeaRequest(request_id=new_id(), idea_id=first, lead=university.creator_id))).idea
    story.hold(shortlisted.lead == university.creator_id, "the idea has a lead")
    story.ideas["air-alert"] = first
    story.tell(f"“{shortlisted.title}” is shortlisted; {university.name} will try it.")


async def opened(story: Story) -> challenges_pb.Challenge:
    """The open challenge about the city's fine dust."""
    stub, found = story.city.stub(ChallengeServiceStub, "innovation"), list[challenges_pb.Challenge]()

    async def there() -> bool:
        listed = await pages(stub.ListChallenges, challenges_pb.ListChallengesRequest(), "challenges", 1_000)
        found[:] = [one for one in listed if one.indicator == PM25 and one.scope == "city" and not one.HasField("close_time")]
        return bool(found)

    await until(there, "a challenge to open by itself", within=SECONDS)
    story.hold(len(found) == 1, "one challenge is open about an indicator of the city at a time")
    return found[0]


async def submitted(story: Story, by: Identity, challenge_id: str, title: str, description: str) -> str:
    """A resident's idea; its id."""
    asked = ideas_pb.SubmitIdeaRequest(request_id=new_id(), title=title, description=description, challenge_id=challenge_id)
    return str((await story.city.stub(IdeaServiceStub, "innovation", as_=by).SubmitIdea(asked)).idea.idea_id)


async def supported(story: Story, by: Identity, idea_id: str) -> None:
    """A vote."""
    await story.city.stub(IdeaServiceStub, "innovation", as_=by).SupportIdea(ideas_pb.SupportIdeaRequest(request_id=new_id(), idea_id=idea_id))


async def programme(story: Story, kind: programme_pb2.ProgrammeKind.ValueType, title: str, **detail: Any) -> str:
    """A programme of the city, open for a month; its id."""
    asked = programmes_pb.OpenProgrammeRequest(
        request_id=new_id(),
        kind=kind,
        title=title,
        description="For better air, with those who breathe it.",
        start_date=str(story.today),
        end_date=str(story.today + timedelta(days=30)),
        **detail,
    )
    return str((await story.city.stub(ProgrammeServiceStub, "innovation").OpenProgramme(asked)).programme.programme_id)


async def refined(story: Story, idea_id: str) -> None:
    """A workshop that begins in a moment works on the idea."""
    stub = story.city.stub(WorkshopServiceStub, "innovation")
    scheduled = workshops_pb.ScheduleWorkshopRequest(
        request_id=new_id(),
        programme_id=await programme(story, programme_pb2.PROGRAMME_KIND_IDEATION_WORKSHOP, f"Evenings on air {story.run}"),
        title="An evening on air",
        place=SQUARE,
        start_time=to_timestamp(datetime.now(UTC) + timedelta(seconds=1.5)),
        idea_ids=[idea_id],
    )
    workshop_id = (await stub.ScheduleWorkshop(scheduled)).workshop.workshop_id
    found: list[Idea] = []

    async def refine() -> None:
        made = workshops_pb.RefineIdeaRequest(
            request_id=new_id(),
            workshop_id=workshop_id,
            idea_id=idea_id,
            title="An alert for fine and coarse dust",
            description="One answer for both: PM2.5 and PM10, each against its guideline.",
            note="one answer for both, so that nobody has to ask twice",
        )
        found.append((await stub.RefineIdea(made)).idea)

    await until(once(refine, "WORKSHOP_NOT_BEGUN"), "the workshop to have begun", within=SECONDS)
    story.tell(f"a workshop makes “{found[0].title}” of it.")


async def pilot(story: Story) -> None:
    """The idea is tried in a zone on a recorded day, and graduates by what was measured."""
    story.chapter(10, "Tried before it is built")
    idea_id, university = story.ideas["air-alert"], story.creators["university"]
    stub = story.city.stub(PilotServiceStub, "innovation", as_=university.founder)
    booked = (await stub.BookPilot(await slot(story, idea_id))).pilot
    story.tell(f"{booked.places} places in a zone, {booked.start_date} to {booked.end_date}; the hypothesis: {booked.hypothesis.statement}.")

    async def running() -> bool:
        return bool((await stub.GetPilot(pilots_pb.GetPilotRequest(pilot_id=booked.pilot_id))).pilot.state == pilot_pb2.PILOT_STATE_RUNNING)

    await until(running, "the pilot to begin", within=SECONDS)
    tester = await story.city.enrol(f"tester {story.run}")
    agreed = pilots_pb.ConsentToPilotRequest(request_id=new_id(), pilot_id=booked.pilot_id, statement=CONSENT)
    await story.city.stub(PilotServiceStub, "innovation", as_=tester).ConsentToPilot(agreed)
    await coarse_dust(story)
    done: list[pilot_pb2.PilotResult] = []

    async def record() -> None:
        asked = pilots_pb.RecordPilotResultRequest(request_id=new_id(), pilot_id=booked.pilot_id, conclusion="Coarse dust is worth a warning of its own.")
        done.append((await stub.RecordPilotResult(asked)).pilot.result)

    await until(once(record, "NOT_MEASURED"), "what was measured to reach innovation", within=SECONDS)
    (result,) = done
    rows = [(one.period, one.revision, reading(Decimal(one.value), one.unit)) for one in result.evidence]
    story.show(f"the evidence, {PM10.code} {PM10.measure}", ("day", "revision", "value"), rows)
    story.hold(result.verdict == pilot_pb2.VERDICT_CONFIRMED, f"the hypothesis is confirmed: {result}")
    idea = (await story.city.stub(IdeaServiceStub, "innovation").GraduateIdea(ideas_pb.GraduateIdeaRequest(request_id=new_id(), idea_id=idea_id))).idea
    story.hold(idea.reason, "a graduated idea says what proved it")
    story.tell(f"confirmed by a mean of {reading(Decimal(result.mean), result.evidence[-1].unit)}, at most {GUIDELINE} expected: the idea graduates.")


async def slot(story: Story, idea_id: str) -> pilots_pb.BookPilotRequest:
    """Today in a zone of the city."""
    zone = programme_pb2.Zone(place=SQUARE, capacity=30)
    return pilots_pb.BookPilotRequest(
        request_id=new_id(),
        idea_id=idea_id,
        zone_id=await programme(story, programme_pb2.PROGRAMME_KIND_INNOVATION_ZONE, f"Zone for air {story.run}", zone=zone),
        start_date=str(story.today),
        end_date=str(story.today + timedelta(days=1)),
        places=5 * story.rng.randint(1, 6),
        consent_statement=CONSENT,
        hypothesis=pilot_pb2.Hypothesis(
            statement=f"on an ordinary day coarse dust stays at {GUIDELINE} ug/m3 or below, so that an alert is news",
            indicator=PM10,
            scope="city",
            comparison=pilot_pb2.COMPARISON_AT_MOST,
            expected=GUIDELINE,
        ),
    )


async def coarse_dust(story: Story) -> None:
    """The last recorded day, shifted to today, as far as today has come, feeds the indicator of the hypothesis."""
    feeds = story.city.stub(IndicatorFeedsServiceStub, "data")
    known = await pages(feeds.ListIndicatorFeeds, ListIndicatorFeedsRequest(product=launching.AIR), "feeds", 1_000)
    if PM10 not in [feed.indicator for feed in known]:
        await feeds.RegisterIndicatorFeed(RegisterIndicatorFeedRequest(request_id=new_id(), product=launching.AIR, property="pm10", indicator=PM10))
    recording = beijing_air(data_folder()).shift_to(story.today)
    sent = await living.publish(story, launching.AIR, recording, {"pm10"}, {story.today})
    story.tell(f"{sent} observations of a recorded day, shifted to today by {recording.shifted_days} days, as far as today has come.")


def once(call: Callable[[], Awaitable[None]], reason: str) -> Callable[[], Awaitable[bool]]:
    """A condition: whether the call was accepted; for this reason it may be refused for a while."""

    async def accepted() -> bool:
        try:
            await call()
        except grpc.aio.AioRpcError as error:
            if refusal(error).reason != reason:
                raise
            return False
        return True

    return accepted
