"""Programmes, and how full their zones are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from city.innovation.v1 import programme_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import programmes as codec
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.errors import ProgrammeNotOfKind
from stratapolis.innovation.domain.pilot import days, span
from stratapolis.innovation.domain.programme import ProgrammeKind, begin, close
from stratapolis.innovation.store import pilots, programmes


@dataclass(frozen=True, slots=True)
class Programmes:
    """ProgrammeService."""

    calendar: Calendar

    async def open_programme(self, request: pb.OpenProgrammeRequest, call: Call) -> pb.OpenProgrammeResponse:
        """A new one."""
        opened = begin(codec.asked(new_id(), request, call.at), today=self.calendar.day(call.at))
        await programmes.add(call.tx, opened)
        await outbox.append(call.tx, codec.opened(opened))
        return pb.OpenProgrammeResponse(programme=codec.shown(opened))

    async def close_programme(self, request: pb.CloseProgrammeRequest, call: Call) -> pb.CloseProgrammeResponse:
        """Take nobody any more."""
        closed = close(await programmes.for_update(call.tx, request.programme_id), reason=request.reason, at=call.at)
        await programmes.put(call.tx, closed)
        return pb.CloseProgrammeResponse(programme=codec.shown(closed))

    async def get_programme(self, request: pb.GetProgrammeRequest, call: Call) -> pb.GetProgrammeResponse:
        """One."""
        return pb.GetProgrammeResponse(programme=codec.shown(await programmes.get(call.tx, request.programme_id)))

    async def list_programmes(self, request: pb.ListProgrammesRequest, call: Call) -> pb.ListProgrammesResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        kinds, today = words.words(request.kinds, codec.KIND_OF), self.calendar.day(call.at)
        found = await programmes.listed(call.tx, kinds=kinds, open_only=request.open_only, today=today, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, codec.shown, lambda one: (one.opened_at, one.programme_id))
        return pb.ListProgrammesResponse(programmes=shown, next_page_token=token)

    async def get_zone_days(self, request: pb.GetZoneDaysRequest, call: Call) -> pb.GetZoneDaysResponse:
        """How much of a zone is taken."""
        first, last = words.day(request.first_date, "first_date"), words.day(request.last_date, "last_date")
        span(first, last, fields=("first_date", "last_date"))
        programme = await programmes.get(call.tx, request.zone_id)
        if programme.zone is None:
            raise ProgrammeNotOfKind(programme.programme_id, programme.kind, ProgrammeKind.INNOVATION_ZONE)
        taken, capacity = await pilots.taken(call.tx, request.zone_id, first, last), programme.zone.capacity
        return pb.GetZoneDaysResponse(
            days=[pb.ZoneDay(date=day.isoformat(), taken=taken.get(day, 0), left=capacity - taken.get(day, 0)) for day in days(first, last)]
        )
