"""Value creators and members on the wire."""

from city.governance.v1 import value_creator_pb2 as pb
from city.governance.v1.events_pb2 import ValueCreatorAccepted, ValueCreatorRefused
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.codec import words
from stratapolis.governance.domain.value_creator import CreatorKind, CreatorState, Member, Role, ValueCreator

KINDS = {kind: pb.ValueCreatorKind.Value(f"VALUE_CREATOR_KIND_{kind.name}") for kind in CreatorKind}
STATES = {state: pb.ValueCreatorState.Value(f"VALUE_CREATOR_STATE_{state.name}") for state in CreatorState}
ROLES = {role: pb.MemberRole.Value(f"MEMBER_ROLE_{role.name}") for role in Role}
KIND_OF = {number: kind for kind, number in KINDS.items()}
STATE_OF = {number: state for state, number in STATES.items()}
ROLE_OF = {number: role for role, number in ROLES.items()}


def shown(creator: ValueCreator) -> pb.ValueCreator:
    """A value creator as its RPCs show it."""
    return pb.ValueCreator(
        creator_id=creator.creator_id,
        name=creator.name,
        kind=KINDS[creator.kind],
        state=STATES[creator.state],
        reasons=words.reasons(creator.reasons),
        registered_time=to_timestamp(creator.registered_at),
        update_time=to_timestamp(creator.updated_at),
    )


def member_shown(member: Member) -> pb.Member:
    """A member as its RPCs show it."""
    return pb.Member(subject=member.subject, roles=sorted(ROLES[role] for role in member.roles), added_time=to_timestamp(member.added_at))


def accepted(creator: ValueCreator) -> ValueCreatorAccepted:
    """Said to all layers."""
    return ValueCreatorAccepted(creator_id=creator.creator_id, name=creator.name, kind=creator.kind, founding_subject=creator.founding_subject)


def refused(creator: ValueCreator) -> ValueCreatorRefused:
    """Said to who is waiting for it."""
    return ValueCreatorRefused(creator_id=creator.creator_id, reasons=words.reasons(creator.reasons))
