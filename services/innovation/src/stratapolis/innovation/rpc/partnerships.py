"""Partnerships."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from city.innovation.v1 import partnership_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import partnerships as codec
from stratapolis.innovation.domain import partnership as domain
from stratapolis.innovation.store import partners, programmes


@dataclass(frozen=True, slots=True)
class Partnerships:
    """PartnershipService."""

    calendar: Calendar

    async def register_partnership(self, request: pb.RegisterPartnershipRequest, call: Call) -> pb.RegisterPartnershipResponse:
        """A new partner."""
        registered = domain.register(
            new_id(), await programmes.get(call.tx, request.programme_id), await partners.partner(call.tx, request.creator_id),
            creator_id=request.creator_id, purpose=request.purpose, agreement_id=request.agreement_id, today=self.calendar.day(call.at), at=call.at,
        )  # fmt: skip
        await partners.add(call.tx, registered)
        await outbox.append(call.tx, codec.registered(registered))
        return pb.RegisterPartnershipResponse(partnership=codec.shown(registered))

    async def end_partnership(self, request: pb.EndPartnershipRequest, call: Call) -> pb.EndPartnershipResponse:
        """No partner any more."""
        ended = domain.end(await partners.for_update(call.tx, request.partnership_id), reason=request.reason, at=call.at)
        await partners.put_ended(call.tx, ended)
        return pb.EndPartnershipResponse(partnership=codec.shown(ended))

    async def get_partnership(self, request: pb.GetPartnershipRequest, call: Call) -> pb.GetPartnershipResponse:
        """One."""
        return pb.GetPartnershipResponse(partnership=codec.shown(await partners.get(call.tx, request.partnership_id)))

    async def list_partnerships(self, request: pb.ListPartnershipsRequest, call: Call) -> pb.ListPartnershipsResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        found = await partners.listed(
            call.tx, creator_id=request.creator_id, running_only=request.running_only, after=page.after, limit=page.size + 1
        )  # fmt: skip
        shown, token = page.fit(found, codec.shown, lambda one: (one.registered_at, one.partnership_id))
        return pb.ListPartnershipsResponse(partnerships=shown, next_page_token=token)
