"""Agreements on the wire."""

from collections.abc import Iterable

from city.policy.v1 import agreement_pb2 as pb
from city.policy.v1.events_pb2 import AgreementSigned
from city.types.v1 import types_pb2
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.codec import performance
from stratapolis.policy.domain.agreement import Agreement, Share, Signer


def shown(agreement: Agreement) -> pb.Agreement:
    """An agreement as its RPCs show it."""
    signed = agreement.signed_at
    return pb.Agreement(
        agreement_id=agreement.agreement_id,
        title=agreement.title,
        shares=shares(agreement.shares),
        currency=agreement.currency,
        start_time=to_timestamp(agreement.start_at),
        end_time=to_timestamp(agreement.end_at),
        state=pb.AGREEMENT_STATE_SIGNED if signed else pb.AGREEMENT_STATE_OPEN,
        signatures=[pb.Signature(party=s.party, subject=s.subject, sign_time=to_timestamp(s.signed_at)) for s in agreement.signatures],
        create_time=to_timestamp(agreement.created_at),
        signed_time=to_timestamp(signed) if signed else None,
        metrics=[performance.metric(one, agreement.currency) for one in agreement.metrics],
    )


def signed(agreement: Agreement) -> AgreementSigned:
    """Said once the last party has signed."""
    return AgreementSigned(
        agreement_id=agreement.agreement_id,
        title=agreement.title,
        shares=shares(agreement.shares),
        currency=agreement.currency,
        end_time=to_timestamp(agreement.end_at),
    )


def shares(values: Iterable[Share]) -> list[types_pb2.Share]:
    """Shares for the wire."""
    return [types_pb2.Share(party=share.party, basis_points=share.basis_points) for share in values]


def shares_of(messages: Iterable[types_pb2.Share]) -> tuple[Share, ...]:
    """Shares from the wire."""
    return tuple(Share(party=message.party, basis_points=message.basis_points) for message in messages)


def signer(caller: Caller) -> Signer:
    """Who would sign, as the token says it."""
    return Signer(subject=caller.subject, creator=caller.creator, is_admin="admin" in caller.creator_roles, is_officer="officer" in caller.roles)
