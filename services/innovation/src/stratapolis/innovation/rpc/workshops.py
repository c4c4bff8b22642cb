"""Workshops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from city.innovation.v1 import workshop_service_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation import board
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import ideas as idea_codec
from stratapolis.innovation.codec import workshops as codec
from stratapolis.innovation.domain import workshop as domain
from stratapolis.innovation.domain.idea import invite, refine, uninvite
from stratapolis.innovation.domain.programme import ProgrammeKind, require
from stratapolis.innovation.store import ideas, programmes, workshops


@dataclass(frozen=True, slots=True)
class Workshops:
    """WorkshopService."""

    calendar: Calendar

    async def schedule_workshop(self, request: pb.ScheduleWorkshopRequest, call: Call) -> pb.ScheduleWorkshopResponse:
        """Set one up; the proposers of its ideas hear of it."""
        require(await programmes.get(call.tx, request.programme_id), ProgrammeKind.IDEATION_WORKSHOP, today=self.calendar.day(call.at))
        workshop = domain.schedule(codec.asked(new_id(), request), at=call.at)
        invited = await ideas.all_for_update(call.tx, workshop.idea_ids)
        moves = [invite(idea, workshop_id=workshop.workshop_id, when=workshop.start_at, at=call.at) for idea in invited]
        await workshops.add(call.tx, workshop)
        await board.keep_all(call.tx, [(moved, None) for moved in moves])
        return pb.ScheduleWorkshopResponse(workshop=codec.shown(workshop))

    async def cancel_workshop(self, request: pb.CancelWorkshopRequest, call: Call) -> pb.CancelWorkshopResponse:
        """Call one off; the proposers of its ideas hear of it, but for those whose ideas have ended meanwhile."""
        invited = await ideas.all_for_update(call.tx, (await workshops.get(call.tx, request.workshop_id)).idea_ids)
        cancelled = domain.cancel(await workshops.for_update(call.tx, request.workshop_id), reason=request.reason, at=call.at)
        moves = [uninvite(idea, workshop_id=cancelled.workshop_id, reason=request.reason, at=call.at) for idea in invited if idea.ended_at is None]
        await workshops.put_cancelled(call.tx, cancelled)
        await board.keep_all(call.tx, [(moved, None) for moved in moves])
        return pb.CancelWorkshopResponse(workshop=codec.shown(cancelled))

    async def refine_idea(self, request: pb.RefineIdeaRequest, call: Call) -> pb.RefineIdeaResponse:
        """What one made of an idea."""
        idea = await ideas.for_update(call.tx, request.idea_id)
        domain.may_refine(await workshops.get(call.tx, request.workshop_id), idea.idea_id, at=call.at)
        moved = refine(
            idea, workshop_id=request.workshop_id, title=request.title, description=request.description, note=request.note, at=call.at
        )  # fmt: skip
        return pb.RefineIdeaResponse(idea=idea_codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def get_workshop(self, request: pb.GetWorkshopRequest, call: Call) -> pb.GetWorkshopResponse:
        """One."""
        return pb.GetWorkshopResponse(workshop=codec.shown(await workshops.get(call.tx, request.workshop_id)))

    async def list_workshops(self, request: pb.ListWorkshopsRequest, call: Call) -> pb.ListWorkshopsResponse:
        """The latest first."""
        page = Page.of(request, datetime, str)
        found = await workshops.listed(call.tx, programme_id=request.programme_id, idea_id=request.idea_id, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, codec.shown, lambda one: (one.start_at, one.workshop_id))
        return pb.ListWorkshopsResponse(workshops=shown, next_page_token=token)
