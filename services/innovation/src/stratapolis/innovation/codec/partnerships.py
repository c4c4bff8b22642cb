"""Partnerships."""

from __future__ import annotations

from city.innovation.v1 import events_pb2
from city.innovation.v1 import partnership_service_pb2 as pb
from stratapolis.chassis.times import to_timestamp
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.partnership import Partnership


def shown(partnership: Partnership) -> pb.Partnership:
    """A partnership for the wire."""
    return pb.Partnership(
        partnership_id=partnership.partnership_id,
        programme_id=partnership.programme_id,
        creator_id=partnership.creator_id,
        partner_name=partnership.partner_name,
        partner_kind=partnership.partner_kind,
        purpose=partnership.purpose,
        agreement_id=partnership.agreement_id,
        register_time=to_timestamp(partnership.registered_at),
        end_time=words.stamp(partnership.ended_at),
        end_reason=partnership.end_reason,
    )


def registered(partnership: Partnership) -> events_pb2.PartnershipRegistered:
    """The fact that the city has a new partner."""
    return events_pb2.PartnershipRegistered(
        partnership_id=partnership.partnership_id,
        programme_id=partnership.programme_id,
        creator_id=partnership.creator_id,
        partner_kind=partnership.partner_kind,
        purpose=partnership.purpose,
    )
