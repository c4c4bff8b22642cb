"""Trainings: seats, awards, credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from city.innovation.v1 import training_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import trainings as codec
from stratapolis.innovation.codec.credentials import credential
from stratapolis.innovation.domain import training as domain
from stratapolis.innovation.domain.training import Enrolment
from stratapolis.innovation.store import programmes, trainings


@dataclass(frozen=True, slots=True)
class Trainings:
    """TrainingService."""

    calendar: Calendar
    city: str

    async def enrol_in_training(self, request: pb.EnrolInTrainingRequest, call: Call) -> pb.EnrolInTrainingResponse:
        """A seat, for the caller."""
        training = await programmes.for_update(call.tx, request.programme_id)
        asked = Enrolment(
            enrolment_id=new_id(), programme_id=training.programme_id, subject=call.caller.subject, creator_id=call.caller.creator, enrolled_at=call.at
        )  # fmt: skip
        fuller, enrolment = domain.enrol(training, asked, today=self.calendar.day(call.at))
        await trainings.add(call.tx, enrolment)
        await programmes.put(call.tx, fuller)
        return pb.EnrolInTrainingResponse(enrolment=codec.shown(enrolment))

    async def leave_training(self, request: pb.LeaveTrainingRequest, call: Call) -> pb.LeaveTrainingResponse:
        """The seat back; only who has it gives it back."""
        enrolment = await trainings.for_update(call.tx, request.enrolment_id, (call.caller.subject,))
        training, left = domain.leave(await programmes.for_update(call.tx, enrolment.programme_id), enrolment, at=call.at)
        await trainings.put(call.tx, left)
        await programmes.put(call.tx, training)
        return pb.LeaveTrainingResponse(enrolment=codec.shown(left))

    async def complete_training(self, request: pb.CompleteTrainingRequest, call: Call) -> pb.CompleteTrainingResponse:
        """Passed, with an award, or not."""
        enrolment = await trainings.for_update(call.tx, request.enrolment_id, call.owners)
        programme = await programmes.for_update(call.tx, enrolment.programme_id)
        training, ended, award = domain.complete(programme, enrolment, passed=request.passed, award_id=new_id(), at=call.at)
        await trainings.put(call.tx, ended)
        await programmes.put(call.tx, training)
        if award is not None:
            await trainings.award(call.tx, award)
            await outbox.append(call.tx, codec.awarded(award))
        return pb.CompleteTrainingResponse(enrolment=codec.shown(ended), award=codec.award(award) if award else None)

    async def list_enrolments(self, request: pb.ListEnrolmentsRequest, call: Call) -> pb.ListEnrolmentsResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        found = await trainings.listed(call.tx, call.owners, programme_id=request.programme_id, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, codec.shown, lambda one: (one.enrolled_at, one.enrolment_id))
        return pb.ListEnrolmentsResponse(enrolments=shown, next_page_token=token)

    async def list_awards(self, request: pb.ListAwardsRequest, call: Call) -> pb.ListAwardsResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        found = await trainings.awards(call.tx, call.owners, creator_id=request.creator_id, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, codec.award, lambda one: (one.awarded_at, one.award_id))
        return pb.ListAwardsResponse(awards=shown, next_page_token=token)

    async def get_credential(self, request: pb.GetCredentialRequest, call: Call) -> pb.GetCredentialResponse:
        """An award as others read it."""
        award = await trainings.get_award(call.tx, request.award_id, call.owners)
        title = (await programmes.get(call.tx, award.programme_id)).title
        return pb.GetCredentialResponse(credential_json=credential(award, title, self.city))
