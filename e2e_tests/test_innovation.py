"""The loop closes: what the city measures and hears becomes a challenge, an idea, a pilot, and a service that says where it comes from."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest
from city.governance.v1 import indicator_pb2
from city.governance.v1 import indicator_service_pb2 as indicators_pb
from city.governance.v1.indicator_service_pb2_grpc import IndicatorServiceStub
from city.innovation.v1 import challenge_service_pb2 as challenges_pb
from city.innovation.v1 import idea_pb2, pilot_pb2, programme_pb2
from city.innovation.v1 import idea_service_pb2 as ideas_pb
from city.innovation.v1 import pilot_service_pb2 as pilots_pb
from city.innovation.v1 import programme_service_pb2 as programmes_pb
from city.innovation.v1 import workshop_service_pb2 as workshops_pb
from city.innovation.v1.challenge_service_pb2_grpc import ChallengeServiceStub
from city.innovation.v1.idea_service_pb2_grpc import IdeaServiceStub
from city.innovation.v1.pilot_service_pb2_grpc import PilotServiceStub
from city.innovation.v1.programme_service_pb2_grpc import ProgrammeServiceStub
from city.innovation.v1.workshop_service_pb2_grpc import WorkshopServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.types.v1.types_pb2 import DIRECTION_LOWER_IS_BETTER, IndicatorKey, Origin, Place
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import Entry
from city.value_catalog.v1.feedback_service_pb2 import GiveFeedbackRequest
from city.value_catalog.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from city.value_catalog.v1.subscription_service_pb2 import SubscribeRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity

from e2e_tests.conftest import Town

HARBOUR = Place(latitude=52.5, longitude=13.4)
CONSENT = "We count who passes the lamp and keep the count for a month."
VOTES = (idea_pb2.IDEA_STEP_KIND_SUPPORTED, idea_pb2.IDEA_STEP_KIND_SUPPORT_WITHDRAWN)
WAY = ["SUBMITTED", "INVITED", "REFINED", "SHORTLISTED", "PILOT_BOOKED", "PILOT_STARTED", "PILOT_COMPLETED", "GRADUATED"]


class Story:
    """What happens to one indicator and one idea, step by step, each as those do it whose it is."""

    def __init__(self, town: Town) -> None:
        self.town, self.city = town, town.city
        self.dark_paths = IndicatorKey(framework="city", code=f"dark_paths_{new_id()[-8:]}")
        self.today: date = datetime.now(UTC).date()

    def stub(self, kind: Any, as_: Identity | None = None) -> Any:
        return self.city.stub(kind, "innovation", as_=as_)

    async def measure(self, value: str, day: date) -> None:
        asked = indicators_pb.RecordMeasurementRequest(request_id=new_id(), key=self.dark_paths, period=str(day), value=value, unit="{path}")
        await self.city.stub(IndicatorServiceStub, "governance").RecordMeasurement(asked)

    async def challenges(self, **asked: Any) -> list[challenges_pb.Challenge]:
        found = await self.stub(ChallengeServiceStub).ListChallenges(challenges_pb.ListChallengesRequest(page_size=500, **asked))
        return [one for one in found.challenges if one.indicator == self.dark_paths or asked.get("service_id")]

    async def off_target(self) -> challenges_pb.Challenge:
        """An indicator with a target of 5 at most is measured at 9, and at 10 when somebody counts again."""
        governance = self.city.stub(IndicatorServiceStub, "governance")
        await governance.DefineIndicator(
            indicators_pb.DefineIndicatorRequest(
                request_id=new_id(), key=self.dark_paths, name="Dark paths", unit="{path}", direction=DIRECTION_LOWER_IS_BETTER,
                period_length=indicator_pb2.PERIOD_LENGTH_DAY, source="a walk at night",
            )
        )  # fmt: skip
        await governance.SetTarget(indicators_pb.SetTargetRequest(request_id=new_id(), key=self.dark_paths, value="5", source="the council, 2026"))
        await self.measure("9", self.today - timedelta(days=2))

        async def opened() -> bool:
            return bool(await self.challenges())

        await until(opened, "a challenge to open by itself", within=30)
        await self.measure("10", self.today - timedelta(days=2))
        await self.measure("8", self.today - timedelta(days=1))
        (challenge,) = await self.challenges()
        return challenge

    async def refused(self, call: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        return str(refusal(refused.value).reason)

    async def supported_idea(self, challenge_id: str, rosa: Identity) -> str:
        """Rosa submits, three others support; nobody votes twice, and she not for herself."""
        submit = ideas_pb.SubmitIdeaRequest(
            request_id=new_id(), title="Lamps that see", description="Lamps that are bright where somebody walks.", challenge_id=challenge_id
        )  # fmt: skip
        idea_id = str((await self.stub(IdeaServiceStub, rosa).SubmitIdea(submit)).idea.idea_id)
        voters = [await self.city.enrol(f"{name} {idea_id[-6:]}") for name in ("Vera", "Valentin", "Viola")]
        votes = [await self.support(idea_id, voter) for voter in voters]
        assert [vote.idea.supporters for vote in votes] == [1, 2, 3]
        assert await self.refused(self.support(idea_id, voters[0])) == "ALREADY_SUPPORTED"
        assert await self.refused(self.support(idea_id, rosa)) == "OWN_IDEA"
        return idea_id

    async def support(self, idea_id: str, voter: Identity) -> Any:
        return await self.stub(IdeaServiceStub, voter).SupportIdea(ideas_pb.SupportIdeaRequest(request_id=new_id(), idea_id=idea_id))

    async def programme(self, kind: Any, **detail: Any) -> str:
        asked = programmes_pb.OpenProgrammeRequest(
            request_id=new_id(), kind=kind, title="Light at the harbour", description="For those who walk at night.", start_date=str(self.today),
            end_date=str(self.today + timedelta(days=30)), **detail,
        )  # fmt: skip
        return str((await self.stub(ProgrammeServiceStub).OpenProgramme(asked)).programme.programme_id)

    async def refine(self, idea_id: str) -> None:
        """A workshop that begins in a moment works on it."""
        workshops = self.stub(WorkshopServiceStub)
        asked = workshops_pb.ScheduleWorkshopRequest(
            request_id=new_id(), programme_id=await self.programme(programme_pb2.PROGRAMME_KIND_IDEATION_WORKSHOP), title="An evening on light", place=HARBOUR,
            start_time=to_timestamp(datetime.now(UTC) + timedelta(seconds=3)), idea_ids=[idea_id],
        )  # fmt: skip
        workshop_id = (await workshops.ScheduleWorkshop(asked)).workshop.workshop_id

        async def refined() -> bool:
            made = workshops_pb.RefineIdeaRequest(
                request_id=new_id(), workshop_id=workshop_id, idea_id=idea_id, title="Lamps that see and sleep",
                description="Bright where somebody walks, dark where nobody does.", note="and dark where nobody walks",
            )  # fmt: skip
            try:
                return bool((await workshops.RefineIdea(made)).idea.title)
            except grpc.aio.AioRpcError as error:
                return waits(error, "WORKSHOP_NOT_BEGUN")

        await until(refined, "the workshop to have begun", within=30)

    async def pilot(self, idea_id: str) -> pilot_pb2.Pilot:
        """Shortlisted for Lantern Works, which tries it at the harbour from today on."""
        lead = self.town.creator
        shortlist = ideas_pb.ShortlistIdeaRequest(request_id=new_id(), idea_id=idea_id, lead=lead.creator_id)
        await self.stub(IdeaServiceStub).ShortlistIdea(shortlist)
        zone = programme_pb2.Zone(place=HARBOUR, capacity=20)
        asked = pilots_pb.BookPilotRequest(
            request_id=new_id(), idea_id=idea_id, zone_id=await self.programme(programme_pb2.PROGRAMME_KIND_INNOVATION_ZONE, zone=zone),
            start_date=str(self.today), end_date=str(self.today + timedelta(days=6)), places=15, consent_statement=CONSENT,
            hypothesis=pilot_pb2.Hypothesis(
                statement="with lamps that see, fewer paths are dark", indicator=self.dark_paths, scope="city",
                comparison=pilot_pb2.COMPARISON_AT_MOST, expected="5",
            ),
        )  # fmt: skip
        pilots = self.stub(PilotServiceStub, lead.founder)
        pilot: pilot_pb2.Pilot = (await pilots.BookPilot(asked)).pilot

        async def running() -> bool:
            return bool((await pilots.GetPilot(pilots_pb.GetPilotRequest(pilot_id=pilot.pilot_id))).pilot.state == pilot_pb2.PILOT_STATE_RUNNING)

        await until(running, "the pilot to begin", within=30)
        return pilot

    async def result(self, pilot_id: str) -> pilot_pb2.PilotResult:
        """Nothing but a measurement gives one."""
        pilots = self.stub(PilotServiceStub, self.town.creator.founder)
        asked = pilots_pb.RecordPilotResultRequest(pilot_id=pilot_id, conclusion="People walk there again.")
        asked.request_id = new_id()
        assert await self.refused(pilots.RecordPilotResult(asked)) == "NOT_MEASURED"
        await self.measure("4", self.today)
        done: list[pilot_pb2.PilotResult] = []

        async def recorded() -> bool:
            asked.request_id = new_id()
            try:
                done.append((await pilots.RecordPilotResult(asked)).pilot.result)
            except grpc.aio.AioRpcError as error:
                return waits(error, "NOT_MEASURED")
            return True

        await until(recorded, "the measurement to reach innovation", within=30)
        return done[0]

    async def live(self, idea_id: str) -> Entry:
        """Proposed by its lead; one that comes before governance has heard of the graduation is refused and proposed again."""
        live: list[str] = []

        async def proposed() -> bool:
            text = self.town.manifest().replace(b"\nspec:", f"\n  idea: {idea_id}\nspec:".encode(), 1)
            journey = await self.town.propose(text)
            ended = (await self.town.ended([journey.journey_id]))[journey.journey_id]
            assert ended.state == shared.JOURNEY_STATE_LIVE or [reason.code for reason in ended.reasons] == ["ORIGIN_NOT_FOUND"]
            live.extend([ended.service_id] if ended.state == shared.JOURNEY_STATE_LIVE else [])
            return bool(live)

        await until(proposed, "governance to have heard of the idea", within=60)
        return await shown(self.town, live[0])


def waits(error: grpc.aio.AioRpcError, reason: str) -> bool:
    """False where it is refused for this reason, which passes; else it is raised again."""
    if refusal(error).reason != reason:
        raise error
    return False


async def shown(town: Town, service_id: str) -> Entry:
    """A service in the catalogue, once it is there."""
    found: list[Entry] = []

    async def there() -> bool:
        try:
            found.append((await town.city.stub(CatalogServiceStub, "value_catalog").GetService(GetServiceRequest(service_id=service_id))).entry)
        except grpc.aio.AioRpcError as error:
            return waits(error, "SERVICE_NOT_FOUND")
        return True

    await until(there, "the service to be shown", within=20)
    return found[0]


async def watched(story: Story, idea_id: str) -> list[idea_pb2.IdeaStep]:
    """The steps of an idea as a watch tells them, up to its end."""
    seen: list[idea_pb2.IdeaStep] = []
    async for item in story.stub(IdeaServiceStub).WatchBoard(ideas_pb.WatchBoardRequest(idea_id=idea_id)):
        seen.append(item.step)
        if item.step.state == idea_pb2.IDEA_STATE_GRADUATED:
            break
    return seen


async def said(town: Town, *words: str) -> str:
    """What the command says in JSON."""
    command = [sys.executable, "-c", "from stratapolis.cli.main import main; main()", *words, "--json", "--folder", str(town.city.folder)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.slow
async def test_a_missed_target_becomes_a_service_that_says_where_it_comes_from(town: Town) -> None:
    story, rosa = Story(town), await town.city.enrol(f"Rosa {new_id()[-6:]}")
    challenge = await story.off_target()
    assert (challenge.source, challenge.scope, challenge.period) == (
        challenges_pb.CHALLENGE_SOURCE_INDICATOR, "city", str(story.today - timedelta(days=2))
    )  # fmt: skip
    idea_id = await story.supported_idea(challenge.challenge_id, rosa)
    await story.refine(idea_id)
    pilot = await story.pilot(idea_id)
    tester = await town.city.enrol(f"Tilda {idea_id[-6:]}")
    consent = pilots_pb.ConsentToPilotRequest(request_id=new_id(), pilot_id=pilot.pilot_id, statement=CONSENT)
    await story.stub(PilotServiceStub, tester).ConsentToPilot(consent)
    graduate = ideas_pb.GraduateIdeaRequest(request_id=new_id(), idea_id=idea_id)
    assert await story.refused(story.stub(IdeaServiceStub).GraduateIdea(graduate)) == "IDEA_NOT_IN_STATE"
    result = await story.result(pilot.pilot_id)
    assert (result.verdict, result.mean, result.baseline.value) == (pilot_pb2.VERDICT_CONFIRMED, "4", "8")
    idea = (await story.stub(IdeaServiceStub).GraduateIdea(graduate)).idea
    entry = await story.live(idea_id)
    assert entry.provenance.origin == Origin(
        idea_id=idea_id, idea_title="Lamps that see and sleep", challenge_id=challenge.challenge_id, pilot_id=pilot.pilot_id, evidence=idea.reason
    )  # fmt: skip
    way = (await story.stub(IdeaServiceStub, rosa).GetIdea(ideas_pb.GetIdeaRequest(idea_id=idea_id))).steps
    assert [idea_pb2.IdeaStepKind.Name(step.kind).removeprefix("IDEA_STEP_KIND_") for step in way] == WAY
    assert [step.number for step in await watched(story, idea_id) if step.kind not in VOTES] == [step.number for step in way]
    for words in (["ideas", "show", idea_id], ["ideas", "list"], ["pilots", "list"], ["service", entry.service_id]):
        assert idea_id in await said(town, *words)
    assert challenge.challenge_id in await said(town, "challenges", "list")
    assert pilot.zone_id in await said(town, "programmes", "list")
    assert '"number"' in await said(town, "ideas", "watch", "--limit", "1")
    news = (await story.stub(IdeaServiceStub, rosa).ListNews(ideas_pb.ListNewsRequest())).steps
    assert {step.number for step in way} <= {step.number for step in news} and {step.idea_id for step in news} == {idea_id}


async def test_a_badly_rated_service_becomes_a_challenge_once(town: Town) -> None:
    journey = await town.propose()
    await town.ended([journey.journey_id])
    await shown(town, journey.service_id)
    for name in ("Max", "Mona", "Mira", "Milo"):
        subscriber = await town.city.enrol(f"{name} {journey.service_id[-6:]}")
        subscribe = SubscribeRequest(request_id=new_id(), service_id=journey.service_id, plan="free")
        await town.city.stub(SubscriptionServiceStub, "value_catalog", as_=subscriber).Subscribe(subscribe)
        rate = GiveFeedbackRequest(request_id=new_id(), service_id=journey.service_id, rating=1, comment="the street stayed open")
        await town.city.stub(FeedbackServiceStub, "value_catalog", as_=subscriber).GiveFeedback(rate)
    story = Story(town)

    async def opened() -> bool:
        return bool(await story.challenges(service_id=journey.service_id))

    await until(opened, "a challenge to open by itself", within=30)
    (challenge,) = await story.challenges(service_id=journey.service_id)
    assert challenge.source == challenges_pb.CHALLENGE_SOURCE_RATING
    assert "stayed open" not in challenge.description
