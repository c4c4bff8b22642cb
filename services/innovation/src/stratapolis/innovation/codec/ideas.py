"""Ideas, and the steps of their way."""

from __future__ import annotations

from collections.abc import Sequence

from city.innovation.v1 import events_pb2
from city.innovation.v1 import idea_pb2 as pb
from google.protobuf.message import Message
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.idea import Happened, Idea, IdeaState, Step
from stratapolis.innovation.domain.pilot import Pilot, Verdict, plain

STATES = words.numbers(IdeaState, pb.IdeaState, "IDEA_STATE")
STATE_OF = words.back(STATES)
KINDS = words.numbers(Happened, pb.IdeaStepKind, "IDEA_STEP_KIND")


def shown(idea: Idea, owners: Sequence[str]) -> pb.Idea:
    """An idea for the wire; who proposed it is told to its proposer alone."""
    return pb.Idea(
        idea_id=idea.idea_id,
        title=idea.title,
        description=idea.description,
        challenge_id=idea.challenge_id,
        state=STATES[idea.state],
        supporters=idea.supporters,
        lead=idea.lead,
        pilot_id=idea.pilot_id,
        mine=idea.proposer in owners,
        reason=idea.reason,
        submit_time=to_timestamp(idea.submitted_at),
        update_time=to_timestamp(idea.updated_at),
        end_time=words.stamp(idea.ended_at),
    )


def step_shown(number: int, step: Step) -> pb.IdeaStep:
    """A step for the wire, with its number on the board."""
    return pb.IdeaStep(
        number=number,
        idea_id=step.idea_id,
        title=step.title,
        kind=KINDS[step.kind],
        state=STATES[step.state],
        supporters=step.supporters,
        message=step.message,
        reference=step.reference,
        time=to_timestamp(step.at),
    )


def said(idea: Idea, step: Step, pilot: Pilot | None) -> Message | None:
    """What of a step is published; a step about a pilot's start or result needs the pilot."""
    if step.kind is Happened.SUBMITTED:
        return events_pb2.IdeaSubmitted(idea_id=idea.idea_id, title=idea.title, challenge_id=idea.challenge_id)
    if step.kind in (Happened.SUPPORTED, Happened.SUPPORT_WITHDRAWN):
        return events_pb2.IdeaSupported(idea_id=idea.idea_id, supporters=idea.supporters)
    if step.kind is Happened.SHORTLISTED:
        return events_pb2.IdeaShortlisted(idea_id=idea.idea_id, title=idea.title, lead=idea.lead)
    if step.kind is Happened.GRADUATED:
        return events_pb2.IdeaGraduated(
            idea_id=idea.idea_id, title=idea.title, lead=idea.lead, challenge_id=idea.challenge_id, pilot_id=idea.pilot_id, evidence=step.message
        )
    if step.kind in (Happened.DROPPED, Happened.WITHDRAWN):
        return events_pb2.IdeaDropped(idea_id=idea.idea_id, title=idea.title, withdrawn=step.kind is Happened.WITHDRAWN)
    return _of_pilot(step, pilot) if pilot is not None else None


def _of_pilot(step: Step, pilot: Pilot) -> Message | None:
    if step.kind is Happened.PILOT_STARTED:
        return events_pb2.PilotStarted(
            idea_id=pilot.idea_id, pilot_id=pilot.pilot_id, zone_id=pilot.zone_id, lead=pilot.lead, start_date=pilot.start_on.isoformat(),
            end_date=pilot.end_on.isoformat(),
        )  # fmt: skip
    if step.kind is Happened.PILOT_COMPLETED and (result := pilot.result) is not None:
        return events_pb2.PilotCompleted(
            idea_id=pilot.idea_id, pilot_id=pilot.pilot_id, indicator=words.key(pilot.hypothesis.indicator),
            confirmed=result.verdict is Verdict.CONFIRMED, mean=plain(result.mean), measurements=len(result.evidence),
        )  # fmt: skip
    return None
