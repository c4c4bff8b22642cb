"""Journeys, answers and steps on the wire."""

from datetime import datetime

from city.governance.v1 import journey_pb2
from city.governance.v1.events_pb2 import JourneyEnded, ServiceProposed, ServiceRetired, StageRequested
from city.journey.v1 import journey_pb2 as pb
from city.manifest.v1.manifest_pb2 import Manifest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.times import to_time, to_timestamp
from stratapolis.governance.codec import words
from stratapolis.governance.domain.journey import Journey
from stratapolis.governance.domain.step import Answer, Happened, Replaced, Stage, State, Step

WHOLE = 10_000
"""Basis points of all shares together."""


def answer_of(event: pb.StageAnswered) -> Answer:
    """A layer's answer; Permanent for what is none."""
    stage = words.STAGE_OF.get(event.stage)
    if stage is None or stage is Stage.DECIDING or event.outcome not in (pb.OUTCOME_CLEARED, pb.OUTCOME_REFUSED):
        raise Permanent(f"no answer to a stage: stage {event.stage}, outcome {event.outcome}")
    if event.shares and sum(share.basis_points for share in event.shares) != WHOLE:
        raise Permanent(f"the shares of {event.layer} do not add up to {WHOLE} basis points")
    return Answer(
        party=event.layer,
        stage=stage,
        attempt=event.attempt,
        cleared=event.outcome == pb.OUTCOME_CLEARED,
        reasons=words.reasons_of(event.reasons),
        held=words.held_of(event.held),
        obligations=words.obligations_of(event.obligations),
        shares=words.shares_of(event.shares),
        valid_until=to_time(event.valid_until_time) if event.HasField("valid_until_time") else None,
        decided_on=event.decided_on,
        endpoint=event.endpoint,
    )


def events(journey: Journey, steps: tuple[Step, ...], manifest: Manifest | None) -> list[Message]:
    """What of the steps is published. `manifest` is needed where layers are asked about a proposal."""
    return [event for step in steps for event in _events(journey, step, manifest)]


def asks_layers(step: Step) -> bool:
    """Whether the step is a question to layers."""
    return step.kind is Happened.ASKED and step.stage is not Stage.DECIDING


def _events(journey: Journey, step: Step, manifest: Manifest | None) -> list[Message]:
    if step.kind is Happened.PROPOSED:
        return [_proposed(journey)]
    if asks_layers(step):
        return [_request(journey, step, manifest)]
    if step.kind is Happened.ENDED and step.state is State.RETIRED:
        gone = ServiceRetired(service_id=journey.service_id, version=journey.version, journey_id=journey.journey_id)
        return [_end(journey, step), gone]
    return [_end(journey, step)] if step.kind is Happened.ENDED else []


def _proposed(journey: Journey) -> ServiceProposed:
    return ServiceProposed(
        service_id=journey.service_id,
        version=journey.version,
        journey_id=journey.journey_id,
        creator_id=journey.creator_id,
        name=journey.name,
        kind=words.JOURNEY_KINDS[journey.kind],
        replaces=_replaced(journey.replaces),
    )


def _request(journey: Journey, step: Step, manifest: Manifest | None) -> StageRequested:
    return StageRequested(
        journey_id=journey.journey_id,
        service_id=journey.service_id,
        version=journey.version,
        kind=words.JOURNEY_KINDS[journey.kind],
        stage=words.STAGES[step.stage],
        attempt=step.attempt,
        until_time=_maybe(step.until),
        layers=step.parties,
        creator_id=journey.creator_id,
        creator_name=journey.creator_name,
        manifest=manifest,
        endpoint=journey.endpoint,
        shares=[] if step.stage in (Stage.CLEARING, Stage.RETIRING) else words.shares(journey.shares),
        replaces=_replaced(journey.replaces),
    )


def _end(journey: Journey, step: Step) -> JourneyEnded:
    return JourneyEnded(
        journey_id=journey.journey_id,
        service_id=journey.service_id,
        version=journey.version,
        kind=words.JOURNEY_KINDS[journey.kind],
        state=words.STATES[step.state],
        reasons=words.reasons(step.reasons),
        creator_id=journey.creator_id,
        tariff_id=journey.tariff_id if step.state is State.LIVE else "",
        proposed_time=to_timestamp(journey.proposed_at),
        ended_time=to_timestamp(step.at),
        replaces=_replaced(journey.replaces),
        drain_until_time=_maybe(journey.drain_until),
    )


def shown(journey: Journey) -> journey_pb2.Journey:
    """A journey as its RPCs show it."""
    has_cleared = journey.stage not in (Stage.CLEARING, Stage.RETIRING)
    return journey_pb2.Journey(
        journey_id=journey.journey_id,
        service_id=journey.service_id,
        version=journey.version,
        kind=words.JOURNEY_KINDS[journey.kind],
        creator_id=journey.creator_id,
        creator_name=journey.creator_name,
        name=journey.name,
        state=words.STATES[journey.state],
        awaited=[
            journey_pb2.Awaited(
                party=ask.party, stage=words.STAGES[ask.stage], attempt=ask.attempt, since_time=to_timestamp(ask.since), until_time=to_timestamp(ask.until)
            )
            for ask in journey.awaited
        ],
        reasons=words.reasons(journey.reasons),
        obligations=words.obligations(journey.obligations),
        shares=words.shares(journey.shares) if has_cleared else [],
        endpoint=journey.endpoint,
        tariff_id=journey.tariff_id,
        proposed_time=to_timestamp(journey.proposed_at),
        update_time=to_timestamp(journey.updated_at),
        until_time=_maybe(journey.until),
        ended_time=_maybe(journey.ended_at),
        replaces=_replaced(journey.replaces),
        drain_until_time=_maybe(journey.drain_until),
    )


def step_shown(step: Step) -> journey_pb2.Step:
    """A step as its RPCs show it."""
    return journey_pb2.Step(
        number=step.number,
        kind=words.KINDS[step.kind],
        time=to_timestamp(step.at),
        state=words.STATES[step.state],
        stage=words.STAGES[step.stage],
        attempt=step.attempt,
        parties=step.parties,
        until_time=_maybe(step.until),
        outcome=words.outcome(step.cleared),
        reasons=words.reasons(step.reasons),
        held=words.held(step.held),
        obligations=words.obligations(step.obligations),
        decided_on=step.decided_on,
        message=step.message,
        actor=step.actor,
    )


def _replaced(old: Replaced | None) -> pb.Replaced | None:
    return None if old is None else pb.Replaced(version=old.version, journey_id=old.journey_id)


def _maybe(at: datetime | None) -> Timestamp | None:
    return None if at is None else to_timestamp(at)
