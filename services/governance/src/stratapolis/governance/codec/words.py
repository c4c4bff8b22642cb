"""The words that journeys share with all layers: kinds, stages, states, reasons, what is held."""

from collections.abc import Iterable

from city.governance.v1.journey_pb2 import StepKind
from city.journey.v1 import journey_pb2 as pb
from city.types.v1 import types_pb2
from stratapolis.governance.domain.step import Happened, Held, Kind, Obligation, Reason, Share, Stage, State

STAGES = {stage: pb.Stage.Value(f"STAGE_{stage.name}") for stage in Stage}
STATES = {state: pb.JourneyState.Value(f"JOURNEY_STATE_{state.name}") for state in State}
JOURNEY_KINDS = {kind: pb.JourneyKind.Value(f"JOURNEY_KIND_{kind.name}") for kind in Kind}
KINDS = {kind: StepKind.Value(f"STEP_KIND_{kind.name}") for kind in Happened}
STAGE_OF = {number: stage for stage, number in STAGES.items()}
STATE_OF = {number: state for state, number in STATES.items()}


def outcome(cleared: bool | None) -> pb.Outcome.ValueType:  # noqa: FBT001 - the value itself
    """An answer's outcome; unspecified where there is none."""
    if cleared is None:
        return pb.OUTCOME_UNSPECIFIED
    return pb.OUTCOME_CLEARED if cleared else pb.OUTCOME_REFUSED


def reasons(values: Iterable[Reason]) -> list[pb.Reason]:
    """Reasons for the wire."""
    return [pb.Reason(layer=r.layer, code=r.code, field_path=r.field_path, message=r.message, hint=r.hint) for r in values]


def reasons_of(messages: Iterable[pb.Reason]) -> tuple[Reason, ...]:
    """Reasons from the wire."""
    return tuple(Reason(layer=m.layer, code=m.code, field_path=m.field_path, message=m.message, hint=m.hint) for m in messages)


def held(values: Iterable[Held]) -> list[pb.Held]:
    """What is held, for the wire."""
    return [pb.Held(kind=h.kind, reference=h.reference, amount=h.amount) for h in values]


def held_of(messages: Iterable[pb.Held]) -> tuple[Held, ...]:
    """What is held, from the wire."""
    return tuple(Held(kind=m.kind, reference=m.reference, amount=m.amount) for m in messages)


def obligations(values: Iterable[Obligation]) -> list[pb.Obligation]:
    """Obligations for the wire."""
    return [pb.Obligation(code=o.code, message=o.message) for o in values]


def obligations_of(messages: Iterable[pb.Obligation]) -> tuple[Obligation, ...]:
    """Obligations from the wire."""
    return tuple(Obligation(code=m.code, message=m.message) for m in messages)


def shares(values: Iterable[Share]) -> list[types_pb2.Share]:
    """Shares for the wire."""
    return [types_pb2.Share(party=s.party, basis_points=s.basis_points) for s in values]


def shares_of(messages: Iterable[types_pb2.Share]) -> tuple[Share, ...]:
    """Shares from the wire."""
    return tuple(Share(party=m.party, basis_points=m.basis_points) for m in messages)
