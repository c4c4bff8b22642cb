"""Proposals and their journeys."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from city.governance.v1 import journey_service_pb2 as pb
from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis import manifest
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call, InvalidRequest
from stratapolis.chassis.validation import Broken
from stratapolis.governance import progress
from stratapolis.governance.codec.journeys import shown, step_shown
from stratapolis.governance.codec.words import STATE_OF
from stratapolis.governance.domain.journey import Course, Journey, decide, propose, withdraw
from stratapolis.governance.domain.service import Service, next_version
from stratapolis.governance.domain.step import Kind
from stratapolis.governance.domain.value_creator import ValueCreator, may_propose
from stratapolis.governance.indicators import unknown_indicators
from stratapolis.governance.origins import unknown_origin
from stratapolis.governance.store import creators, journeys, services

WATCH_SECONDS = 0.1
"""How often a watch looks at the database for more."""


class ManifestInvalid(InvalidRequest):
    """The manifest cannot be taken: every fault is told, with its line and what would be right, and nothing is stored."""

    reason = "MANIFEST_INVALID"


@dataclass(frozen=True, slots=True)
class Journeys:
    """JourneyService."""

    course: Course

    async def propose_service(self, request: pb.ProposeServiceRequest, call: Call) -> pb.ProposeServiceResponse:
        """Take a manifest and ask the layers; of a live service it is an upgrade. A manifest with faults is refused with all of them."""
        proposed = _read(request.manifest_yaml)
        creator = await creators.of_member(call.tx, call.caller.subject)
        may_propose(creator)
        service = await services.named(call.tx, new_id(), creator.creator_id, proposed.metadata.name)
        await services.refuse_second(call.tx, service)
        service = next_version(service)
        await services.put(call.tx, service)
        journey = _journey(proposed, creator, service, at=call.at)
        refusals = (*await unknown_indicators(call.tx, proposed), *await unknown_origin(call.tx, proposed, creator.creator_id))
        moved = propose(journey, refusals, self.course, at=call.at)
        return pb.ProposeServiceResponse(journey=shown(await progress.begin(call.tx, moved, proposed, request.manifest_yaml)))

    async def decide_proposal(self, request: pb.DecideProposalRequest, call: Call) -> pb.DecideProposalResponse:
        """An officer's word."""
        journey = await journeys.for_update(call.tx, request.journey_id, call.owners)
        approve = request.decision == pb.DECISION_APPROVE
        moved = decide(journey, approve=approve, reason=request.reason, officer=call.caller.subject, course=self.course, at=call.at)
        return pb.DecideProposalResponse(journey=shown(await progress.keep(call.tx, moved)))

    async def withdraw_proposal(self, request: pb.WithdrawProposalRequest, call: Call) -> pb.WithdrawProposalResponse:
        """Take a proposal back."""
        journey = await journeys.for_update(call.tx, request.journey_id, call.owners)
        moved = withdraw(journey, reason=request.reason, actor=call.caller.subject, at=call.at)
        return pb.WithdrawProposalResponse(journey=shown(await progress.keep(call.tx, moved)))

    async def get_journey(self, request: pb.GetJourneyRequest, call: Call) -> pb.GetJourneyResponse:
        """A journey with its history."""
        journey = await journeys.get(call.tx, request.journey_id, call.owners)
        steps = await journeys.history(call.tx, request.journey_id)
        return pb.GetJourneyResponse(journey=shown(journey), steps=[step_shown(step) for step in steps])

    async def batch_get_journeys(self, request: pb.BatchGetJourneysRequest, call: Call) -> pb.BatchGetJourneysResponse:
        """Where journeys stand; layers repair their holds by this."""
        found = await journeys.get_many(call.tx, request.journey_ids, call.owners)
        return pb.BatchGetJourneysResponse(journeys=[shown(journey) for journey in found])

    async def list_journeys(self, request: pb.ListJourneysRequest, call: Call) -> pb.ListJourneysResponse:
        """A page of journeys."""
        page = Page.of(request, datetime, str)
        states = [STATE_OF[state] for state in request.states]
        filters = {"service_id": request.service_id, "creator_id": request.creator_id}
        found = await journeys.listed(call.tx, call.owners, states=states, **filters, after=page.after, limit=page.size + 1)
        fitting, token = page.fit(found, shown, lambda journey: (journey.proposed_at, journey.journey_id))
        return pb.ListJourneysResponse(journeys=fitting, next_page_token=token)

    async def watch_journey(self, request: pb.WatchJourneyRequest, call: Call) -> AsyncIterator[pb.WatchJourneyResponse]:
        """The history as it grows, to its end."""
        seen = int(request.cursor or 0)
        while True:
            async with call.db.transaction(readonly=True) as tx:
                journey = await journeys.get(tx, request.journey_id, call.owners)
                steps = await journeys.history(tx, request.journey_id, seen)
            for step in steps:
                seen = step.number
                yield pb.WatchJourneyResponse(cursor=str(seen), step=step_shown(step))
            if journey.ended:
                return
            if not steps:
                await asyncio.sleep(WATCH_SECONDS)


def _read(text: bytes) -> Manifest:
    found, faults = manifest.read(text)
    if found is None:
        raise ManifestInvalid([Broken(fault.path, f"line {fault.line}: {fault.message}" + (f" ({fault.hint})" if fault.hint else "")) for fault in faults])
    return found


def _journey(proposed: Manifest, creator: ValueCreator, service: Service, *, at: datetime) -> Journey:
    return Journey(
        journey_id=new_id(),
        service_id=service.service_id,
        version=service.last_version,
        kind=Kind.LAUNCH if service.live is None else Kind.UPGRADE,
        replaces=service.live,
        creator_id=creator.creator_id,
        creator_name=creator.name,
        name=proposed.metadata.name,
        tariff_id=new_id(),
        has_software=proposed.spec.runtime.WhichOneof("software") == "process",
        proposed_at=at,
        updated_at=at,
    )
