"""Partnerships: the city and a university or a company, under a programme."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from stratapolis.innovation.domain.errors import PartnerNotFound, PartnerNotOfKind, PartnershipEnded
from stratapolis.innovation.domain.programme import Programme, ProgrammeKind, require

KINDS = frozenset({"university", "company"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A value creator, as governance said it."""

    creator_id: str
    name: str
    kind: str
    suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Partnership:
    """The city and a partner, as the partner was when they began."""

    partnership_id: str
    programme_id: str
    creator_id: str
    partner_name: str
    partner_kind: str
    purpose: str
    agreement_id: str
    registered_at: datetime
    ended_at: datetime | None = None
    end_reason: str = ""


def register(
    partnership_id: str, programme: Programme, partner: Partner | None, *, creator_id: str, purpose: str, agreement_id: str, today: date, at: datetime
) -> Partnership:
    """Begin one; that none of the programme runs with this partner is the store's to see."""
    require(programme, ProgrammeKind.PARTNERSHIP, today=today)
    if partner is None or partner.suspended or not partner.kind:
        raise PartnerNotFound(creator_id)
    if partner.kind not in KINDS:
        raise PartnerNotOfKind(partner.kind)
    return Partnership(
        partnership_id=partnership_id,
        programme_id=programme.programme_id,
        creator_id=partner.creator_id,
        partner_name=partner.name,
        partner_kind=partner.kind,
        purpose=purpose,
        agreement_id=agreement_id,
        registered_at=at,
    )


def end(partnership: Partnership, *, reason: str, at: datetime) -> Partnership:
    """End it; ending twice is refused."""
    if partnership.ended_at is not None:
        raise PartnershipEnded(partnership.partnership_id)
    return replace(partnership, ended_at=at, end_reason=reason)
