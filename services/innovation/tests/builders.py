"""What ideas, pilots and calls are made of in tests; what does not matter has a default."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from city.governance.v1.events_pb2 import IndicatorMeasured, IndicatorOffTarget, ValueCreatorAccepted
from city.innovation.v1 import challenge_service_pb2, pilot_pb2, pilot_service_pb2, programme_pb2, programme_service_pb2
from city.innovation.v1 import idea_service_pb2 as ideas_pb
from city.innovation.v1.idea_pb2 import Idea as ShownIdea
from city.innovation.v1.pilot_pb2 import Pilot as ShownPilot
from city.innovation.v1.programme_pb2 import Programme as ShownProgramme
from city.types.v1.types_pb2 import IndicatorKey, Place
from google.protobuf.message import Message
from stratapolis.chassis.db import Database
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.validation import broken_rules
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.domain.challenge import BadRating, Indicator
from stratapolis.innovation.domain.idea import Idea
from stratapolis.innovation.domain.pilot import Comparison, Hypothesis, Measurement, Pilot
from stratapolis.innovation.domain.programme import Programme, ProgrammeKind, Zone
from stratapolis.innovation.wiring import app

AIR = IndicatorKey(framework="u4ssc", code="EN: EN: AQ: 1C", measure="PM 2.5")
AIR_SERIES = "u4ssc:EN: EN: AQ: 1C:PM 2.5@city"
LANTERN, HARBOUR = "creator-lantern", "creator-harbour"
ADA = Caller(subject="person-ada", kind="person")
BEN = Caller(subject="person-ben", kind="person")
MIA = Caller(subject="person-mia", kind="person", creator=LANTERN)
SAM = Caller(subject="person-sam", kind="person", creator=HARBOUR)
OLGA = Caller(subject="person-olga", kind="person", roles=frozenset({"officer"}))
CALENDAR = Calendar(ZoneInfo("Europe/Berlin"))
BAD = BadRating(ratings=3, average=Decimal("2.5"))
CONSENT = "We count who passes the lamp and keep the count for a month."
DAY = timedelta(days=1)
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TODAY = date(2026, 5, 4)
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def a_person(name: str) -> Caller:
    """Somebody."""
    return Caller(subject=f"person-{name}", kind="person")


def an_idea(**changes: Any) -> Idea:
    """An idea of Ada's."""
    given: dict[str, Any] = {
        "idea_id": "idea-1", "proposer": ADA.subject, "title": "Lamps that see", "description": "Lamps that are bright where somebody walks.",
        "submitted_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Idea(**(given | changes))


def a_zone(capacity: int = 20, **changes: Any) -> Programme:
    """An innovation zone of a year from today."""
    given: dict[str, Any] = {
        "programme_id": "zone-1", "kind": ProgrammeKind.INNOVATION_ZONE, "title": "Harbour zone", "description": "Piers and paths at the harbour.",
        "start_on": TODAY, "end_on": TODAY + 365 * DAY, "opened_at": NOW, "zone": Zone(place=(52.5, 13.4), capacity=capacity),
    }  # fmt: skip
    return Programme(**(given | changes))


def a_pilot(**changes: Any) -> Pilot:
    """Ten places for three days from today; PM 2.5 of 15 at most."""
    given: dict[str, Any] = {
        "pilot_id": "pilot-1", "idea_id": "idea-1", "zone_id": "zone-1", "lead": LANTERN, "start_on": TODAY, "end_on": TODAY + 2 * DAY, "places": 10,
        "hypothesis": Hypothesis(
            statement="with fewer engines the air is fit to breathe", indicator=Indicator(AIR.framework, AIR.code, AIR.measure), scope="city",
            comparison=Comparison.AT_MOST, expected=Decimal(15),
        ),
        "consent_statement": CONSENT, "booked_at": NOW,
    }  # fmt: skip
    return Pilot(**(given | changes))


def measured(value: str, period: str = "2026-05-04", revision: int = 1) -> Measurement:
    """What governance said of a period."""
    return Measurement(period=period, revision=revision, value=Decimal(value), unit="ug/m3")


def a_measurement(value: str, period: str, *, revision: int = 1, scope: str = "city") -> IndicatorMeasured:
    """Governance says a value."""
    return IndicatorMeasured(series=AIR_SERIES, indicator=AIR, scope=scope, period=period, revision=revision, value=value, unit="ug/m3", target="15")


def off_target(period: str = "2026-05-04", *, scope: str = "city", value: str = "35") -> IndicatorOffTarget:
    """Governance says that PM 2.5 left its target."""
    return IndicatorOffTarget(series=AIR_SERIES, indicator=AIR, scope=scope, period=period, value=value, target="15")


@dataclass
class Layer:
    """The layer on a real database: events are delivered, `await layer("submit_idea", request, caller)` is a call in a transaction of its own."""

    db: Database
    under: AppUnderTest = field(init=False)

    def __post_init__(self) -> None:
        self.under = AppUnderTest(app(CALENDAR, BAD, city="lakeside"), self.db)

    async def __call__(self, method: str, request: Message, caller: Caller = ADA) -> Any:
        """What the chassis does with a call it has let in."""
        assert broken_rules(request) == ()
        async with self.db.transaction() as tx:
            return await self._method(method)(request, Call(caller=caller, at=tx.at, owners=_owners(caller), tx=tx))

    def watch(self, request: Message, caller: Caller = ADA) -> Any:
        """The board's stream."""
        return self._method("watch_board")(request, Call(caller=caller, at=datetime.now(UTC), owners=_owners(caller), db=self.db))

    def _method(self, name: str) -> Any:
        (found,) = (getattr(answers.servicer, name) for answers in self.under.app.answers if hasattr(answers.servicer, name))
        return found

    async def today(self) -> date:
        """The city's day, by the database's clock."""
        async with self.db.transaction() as tx:
            return CALENDAR.day(tx.at)

    async def creators(self) -> None:
        """Governance has accepted a company, a university and a department."""
        kinds = {LANTERN: "company", "creator-uni": "university", HARBOUR: "department"}
        await self.under.deliver(*(ValueCreatorAccepted(creator_id=creator, name=f"The {kind}", kind=kind) for creator, kind in kinds.items()))

    async def programme(self, kind: Any, **detail: Any) -> ShownProgramme:
        """An open programme of 60 days."""
        today = await self.today()
        request = programme_service_pb2.OpenProgrammeRequest(
            request_id=new_id(), kind=kind, title="A programme", description="For those who have ideas.", start_date=str(today),
            end_date=str(today + 60 * DAY), **detail,
        )  # fmt: skip
        programme: ShownProgramme = (await self("open_programme", request, OLGA)).programme
        return programme

    async def zone(self, capacity: int = 20) -> str:
        """An innovation zone; its id."""
        detail = programme_pb2.Zone(place=Place(latitude=52.5, longitude=13.4), capacity=capacity)
        return (await self.programme(programme_pb2.PROGRAMME_KIND_INNOVATION_ZONE, zone=detail)).programme_id

    async def training(self, seats: int = 2, valid_days: int = 0) -> str:
        """A training in plain language; its id."""
        competency = programme_pb2.Competency(
            code="plain-language", name="Plain language", criteria="Has rewritten a letter of the city so that all understand it.", valid_days=valid_days
        )  # fmt: skip
        return (await self.programme(programme_pb2.PROGRAMME_KIND_TRAINING, training=programme_pb2.Training(competency=competency, seats=seats))).programme_id

    async def submit(self, caller: Caller = ADA, *, title: str = "Lamps that see", challenge_id: str = "") -> ShownIdea:
        """An idea on the board."""
        request = ideas_pb.SubmitIdeaRequest(
            request_id=new_id(), title=title, description="Lamps that are bright where somebody walks.", challenge_id=challenge_id
        )  # fmt: skip
        idea: ShownIdea = (await self("submit_idea", request, caller)).idea
        return idea

    async def shortlisted(self, caller: Caller = ADA, *, lead: str = LANTERN) -> str:
        """An idea that may be piloted; its id."""
        idea = await self.submit(caller)
        await self("shortlist_idea", ideas_pb.ShortlistIdeaRequest(request_id=new_id(), idea_id=idea.idea_id, lead=lead), OLGA)
        return idea.idea_id

    async def book(
        self, idea_id: str, zone_id: str, *, places: int = 5, first: int = 0, last: int = 2, scope: str = "city", caller: Caller = MIA
    ) -> ShownPilot:
        """A pilot between days from today on."""
        today = await self.today()
        request = pilot_service_pb2.BookPilotRequest(
            request_id=new_id(), idea_id=idea_id, zone_id=zone_id, start_date=str(today + first * DAY), end_date=str(today + last * DAY), places=places,
            hypothesis=pilot_pb2.Hypothesis(
                statement="with fewer engines the air is fit to breathe", indicator=AIR, scope=scope, comparison=pilot_pb2.COMPARISON_AT_MOST, expected="15"
            ),
            consent_statement=CONSENT,
        )  # fmt: skip
        pilot: ShownPilot = (await self("book_pilot", request, caller)).pilot
        return pilot

    async def conclude(self, pilot_id: str, caller: Caller = MIA) -> ShownPilot:
        """A pilot's result."""
        request = pilot_service_pb2.RecordPilotResultRequest(request_id=new_id(), pilot_id=pilot_id, conclusion="It did what we hoped for.")
        pilot: ShownPilot = (await self("record_pilot_result", request, caller)).pilot
        return pilot

    async def piloted(self, *values: str) -> tuple[str, ShownPilot]:
        """An idea whose pilot ran today while these values were measured, and the pilot."""
        await self.creators()
        idea_id = await self.shortlisted()
        pilot = await self.book(idea_id, await self.zone())
        await self.under.run("start_pilots")
        today = await self.today()
        await self.under.deliver(*(a_measurement(value, str(today + n * DAY)) for n, value in enumerate(values)))
        return idea_id, await self.conclude(pilot.pilot_id)

    async def idea(self, idea_id: str, caller: Caller = ADA) -> ideas_pb.GetIdeaResponse:
        """An idea and its way."""
        found: ideas_pb.GetIdeaResponse = await self("get_idea", ideas_pb.GetIdeaRequest(idea_id=idea_id), caller)
        return found

    async def challenges(self, **asked: Any) -> Sequence[challenge_service_pb2.Challenge]:
        """Challenges, newest first."""
        found: Sequence[challenge_service_pb2.Challenge] = (
            await self("list_challenges", challenge_service_pb2.ListChallengesRequest(**asked))
        ).challenges  # fmt: skip
        return found

    async def at_once(self, row: str, works: Sequence[Awaitable[Any]], *, waiting: int) -> list[Any]:
        """Let works meet at a row, selected by `row`, that is locked until so many of them wait for it; returns what came of each."""
        async with self.db.transaction() as tx, asyncio.timeout(20):
            await tx.execute(f"{row} for update")
            tasks = [asyncio.ensure_future(work) for work in works]
            while await tx.value(WAITING) < waiting:
                await asyncio.wait(tasks, timeout=0.01)
                await tx.execute("select pg_stat_clear_snapshot()")
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def value(self, sql: str, *args: object) -> Any:
        """One value of the database."""
        async with self.db.transaction() as tx:
            return await tx.value(sql, *args)


def _owners(caller: Caller) -> tuple[str, ...] | None:
    return None if "officer" in caller.roles else caller.owners
