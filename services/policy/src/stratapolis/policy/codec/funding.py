"""Funding sources on the wire."""

from city.policy.v1 import funding_pb2 as pb
from city.policy.v1.events_pb2 import FundingCommitted, FundingReleased, FundingReserved
from city.types.v1.types_pb2 import Money
from stratapolis.chassis.money import to_money
from stratapolis.chassis.times import to_timestamp
from stratapolis.policy.domain.funding import FundingKind, Reservation, Source

KINDS = {kind: pb.FundingKind.Value(f"FUNDING_KIND_{kind.name}") for kind in FundingKind}
KIND_OF = {number: kind for kind, number in KINDS.items()}


def shown(source: Source) -> pb.FundingSource:
    """A source as its RPCs show it."""
    return pb.FundingSource(
        source_id=source.source_id,
        title=source.title,
        kind=KINDS[source.kind],
        amount=to_money(source.amount, source.currency),
        reserved=to_money(source.reserved, source.currency),
        committed=to_money(source.committed, source.currency),
        available=to_money(source.available, source.currency),
        start_time=to_timestamp(source.start_at),
        end_time=to_timestamp(source.end_at),
        create_time=to_timestamp(source.created_at),
    )


def reserved(source: Source, reservation: Reservation) -> FundingReserved:
    """Said when money is held for a service."""
    held = reservation
    return FundingReserved(source_id=held.source_id, service_id=held.service_id, version=held.version, amount=_amount(source, held))


def committed(source: Source, reservation: Reservation) -> FundingCommitted:
    """Said when a reservation becomes a commitment."""
    held = reservation
    return FundingCommitted(source_id=held.source_id, service_id=held.service_id, version=held.version, amount=_amount(source, held))


def released(source: Source, reservation: Reservation) -> FundingReleased:
    """Said when money held for a service is free again."""
    held = reservation
    return FundingReleased(source_id=held.source_id, service_id=held.service_id, version=held.version, amount=_amount(source, held))


def _amount(source: Source, reservation: Reservation) -> Money:
    return to_money(reservation.amount, source.currency)
