"""Policy versions and who asks, on the wire."""

from city.policy.v1 import policy_pb2 as pb
from city.policy.v1.policies_pb2 import PolicyActivated
from stratapolis.chassis.identity import Caller, a_kind
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.domain.policy import CITY, PolicyVersion


def shown(policy: PolicyVersion, *, text: bool = True) -> pb.PolicyVersion:
    """A version as its RPCs show it; lists leave the text out."""
    return pb.PolicyVersion(
        name=CITY,
        version=policy.version,
        cedar=policy.cedar if text else "",
        note=policy.note,
        active=policy.active,
        publisher=policy.publisher,
        activator=policy.activator,
        publish_time=to_timestamp(policy.published_at),
        activate_time=to_timestamp(policy.activated_at) if policy.activated_at else None,
    )


def activated(policy: PolicyVersion) -> PolicyActivated:
    """Said to every process."""
    at = to_timestamp(policy.activated_at) if policy.activated_at else None
    return PolicyActivated(name=CITY, version=policy.version, cedar=policy.cedar, activate_time=at)


def caller(principal: pb.Principal) -> Caller:
    """Who would act; the subject makes no difference to any rule."""
    return Caller(
        subject="",
        kind=a_kind(principal.kind) or "nobody",
        creator=principal.creator,
        roles=frozenset(principal.roles),
        creator_roles=frozenset(principal.creator_roles),
    )
