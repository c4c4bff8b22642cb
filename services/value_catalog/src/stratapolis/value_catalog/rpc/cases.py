"""Requests to services."""

from __future__ import annotations

from datetime import datetime

from city.value_catalog.v1 import request_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.value_catalog.codec import cases as codec
from stratapolis.value_catalog.domain.case import Case, due, move_on
from stratapolis.value_catalog.domain.errors import RequestsNotTaken
from stratapolis.value_catalog.store import cases, entries


class Requests:
    """RequestService."""

    async def open_request(self, request: pb.OpenRequestRequest, call: Call) -> pb.OpenRequestResponse:
        """Ask a service for something."""
        live = await entries.live(call.tx, request.service_id, call.caller.owners)
        if live["answer_within_hours"] is None:
            raise RequestsNotTaken(request.service_id)
        opened = Case(
            case_id=new_id(), service_id=request.service_id, creator_id=live["creator_id"], opener=call.caller.owner, description=request.description,
            place=(request.place.latitude, request.place.longitude) if request.HasField("place") else None,
            opened_at=call.at, updated_at=call.at, due_at=due(call.at, live["answer_within_hours"]),
        )  # fmt: skip
        await cases.add(call.tx, opened)
        await outbox.append(call.tx, codec.opened(opened))
        return pb.OpenRequestResponse(case=codec.shown(opened, call.at))

    async def update_request(self, request: pb.UpdateRequestRequest, call: Call) -> pb.UpdateRequestResponse:
        """Move one on."""
        case = await cases.for_update(call.tx, request.case_id, call.owners)
        moved = move_on(case, codec.STATE_OF[request.state], answer=request.answer, owners=call.caller.owners, at=call.at)
        await cases.put(call.tx, moved)
        await outbox.append(call.tx, codec.updated(moved))
        return pb.UpdateRequestResponse(case=codec.shown(moved, call.at))

    async def get_request(self, request: pb.GetRequestRequest, call: Call) -> pb.GetRequestResponse:
        """One."""
        return pb.GetRequestResponse(case=codec.shown(await cases.get(call.tx, request.case_id, call.owners), call.at))

    async def list_requests(self, request: pb.ListRequestsRequest, call: Call) -> pb.ListRequestsResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        found = await cases.listed(
            call.tx, call.owners, service_id=request.service_id, states=[codec.STATE_OF[state] for state in request.states],
            overdue_only=request.overdue_only, at=call.at, after=(page.after[0], page.after[1]) if page.after else None, limit=page.size + 1,
        )  # fmt: skip
        fitting, token = page.fit(found, lambda one: codec.shown(one, call.at), lambda one: (one.opened_at, one.case_id))
        return pb.ListRequestsResponse(cases=fitting, next_page_token=token)
