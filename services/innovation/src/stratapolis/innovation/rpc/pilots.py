"""Pilots and their testers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from city.innovation.v1 import pilot_service_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation import board
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import pilots as codec
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain import idea as idea_domain
from stratapolis.innovation.domain import pilot as domain
from stratapolis.innovation.domain.challenge import service_of
from stratapolis.innovation.domain.errors import ServiceRetired
from stratapolis.innovation.domain.idea import Idea
from stratapolis.innovation.domain.pilot import Consent, Pilot
from stratapolis.innovation.store import consents, ideas, measurements, pilots, programmes, services


@dataclass(frozen=True, slots=True)
class Pilots:
    """PilotService."""

    calendar: Calendar

    async def book_pilot(self, request: pb.BookPilotRequest, call: Call) -> pb.BookPilotResponse:
        """A slot in a zone; the zone is locked, so that its days are counted once. A service that decides the pilot is locked first: it stays while this runs."""
        service_id = service_of(request.hypothesis.scope)
        if service_id and await services.retired(call.tx, service_id):
            raise ServiceRetired("hypothesis.scope", service_id)
        idea = await ideas.for_update(call.tx, request.idea_id)
        idea_domain.piloted_by(idea, owners=call.owners)
        zone = await programmes.for_update(call.tx, request.zone_id)
        asked = codec.asked(new_id(), request, lead=idea.lead, at=call.at)
        taken = await pilots.taken(call.tx, zone.programme_id, asked.start_on, asked.end_on)
        booked = domain.book(asked, zone, taken, today=self.calendar.day(call.at))
        moved = idea_domain.book(idea, booked, at=call.at)
        await pilots.add(call.tx, booked)
        await board.keep(call.tx, moved, booked)
        return pb.BookPilotResponse(pilot=codec.shown(booked))

    async def cancel_pilot(self, request: pb.CancelPilotRequest, call: Call) -> pb.CancelPilotResponse:
        """The slot back."""
        idea, pilot = await self._led(request.pilot_id, call)
        cancelled = domain.cancel(pilot, reason=request.reason, today=self.calendar.day(call.at), at=call.at)
        moved = idea_domain.cancelled(idea, cancelled, at=call.at)
        await pilots.put(call.tx, [cancelled])
        await board.keep(call.tx, moved, cancelled)
        return pb.CancelPilotResponse(pilot=codec.shown(cancelled))

    async def record_pilot_result(self, request: pb.RecordPilotResultRequest, call: Call) -> pb.RecordPilotResultResponse:
        """What was measured while it ran decides."""
        idea, pilot = await self._led(request.pilot_id, call)
        evidence, baseline = await measurements.evidence(call.tx, pilot), await measurements.baseline(call.tx, pilot)
        concluded = domain.conclude(pilot, evidence, baseline, conclusion=request.conclusion, today=self.calendar.day(call.at), at=call.at)
        moved = idea_domain.completed(idea, concluded, at=call.at)
        await pilots.put(call.tx, [concluded])
        await board.keep(call.tx, moved, concluded)
        return pb.RecordPilotResultResponse(pilot=codec.shown(concluded))

    async def get_pilot(self, request: pb.GetPilotRequest, call: Call) -> pb.GetPilotResponse:
        """One."""
        return pb.GetPilotResponse(pilot=codec.shown(await pilots.get(call.tx, request.pilot_id)))

    async def list_pilots(self, request: pb.ListPilotsRequest, call: Call) -> pb.ListPilotsResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        states = words.words(request.states, codec.STATE_OF)
        found = await pilots.listed(call.tx, idea_id=request.idea_id, zone_id=request.zone_id, states=states, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, codec.shown, lambda one: (one.booked_at, one.pilot_id))
        return pb.ListPilotsResponse(pilots=shown, next_page_token=token)

    async def consent_to_pilot(self, request: pb.ConsentToPilotRequest, call: Call) -> pb.ConsentToPilotResponse:
        """The caller becomes a tester."""
        pilot = await pilots.for_update(call.tx, request.pilot_id)
        consent = Consent(
            consent_id=new_id(), pilot_id=pilot.pilot_id, subject=call.caller.subject, statement=request.statement, given_at=call.at
        )  # fmt: skip
        await consents.add(call.tx, consent)
        await pilots.put(call.tx, [domain.agree(pilot, consent)])
        return pb.ConsentToPilotResponse(consent=codec.consent(consent))

    async def withdraw_consent(self, request: pb.WithdrawConsentRequest, call: Call) -> pb.WithdrawConsentResponse:
        """And is one no more."""
        pilot = await pilots.for_update(call.tx, (await consents.get(call.tx, request.consent_id, call.caller.subject)).pilot_id)
        consent = await consents.get(call.tx, request.consent_id, call.caller.subject)
        left, withdrawn = domain.withdraw(pilot, consent, at=call.at)
        await consents.put_withdrawn(call.tx, withdrawn)
        if left != pilot:
            await pilots.put(call.tx, [left])
        return pb.WithdrawConsentResponse(consent=codec.consent(withdrawn))

    async def list_consents(self, request: pb.ListConsentsRequest, call: Call) -> pb.ListConsentsResponse:
        """The caller's own."""
        page = Page.of(request, datetime, str)
        found = await consents.listed(call.tx, call.caller.subject, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, codec.consent, lambda one: (one.given_at, one.consent_id))
        return pb.ListConsentsResponse(consents=shown, next_page_token=token)

    async def _led(self, pilot_id: str, call: Call) -> tuple[Idea, Pilot]:
        """A pilot that the caller runs, and its idea, locked first, and its zone last."""
        idea = await ideas.for_update(call.tx, (await pilots.get(call.tx, pilot_id)).idea_id)
        idea_domain.piloted_by(idea, owners=call.owners)
        pilot = await pilots.for_update(call.tx, pilot_id)
        await programmes.for_update(call.tx, pilot.zone_id)
        return idea, pilot
