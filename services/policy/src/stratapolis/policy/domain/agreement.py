"""Agreements: who shares the revenue of a service, for how long, signed by each party's own identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from stratapolis.policy.domain import performance
from stratapolis.policy.domain.errors import AgreementEnded, AlreadySigned, NotAParty, PartyTwice, SharesNotWhole, SignatureNotYours, TermNotValid

CITY = "city"
"""The party that officers sign for."""
WHOLE = 10_000
"""Basis points of a revenue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One party's part, in basis points."""

    party: str
    basis_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One party's signature, and the identity that gave it."""

    party: str
    subject: str
    signed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who would sign: an identity, the value creator it belongs to, and what it may do there and in the city."""

    subject: str
    creator: str
    is_admin: bool
    is_officer: bool

    def may_act_for(self, party: str) -> bool:
        """An officer for the city, an admin for its own value creator."""
        return self.is_officer if party == CITY else self.is_admin and self.creator == party


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Shares in the order they were given; the term is [start_at, end_at); `signed_at` is set by the last signature."""

    agreement_id: str
    title: str
    shares: tuple[Share, ...]
    currency: str
    start_at: datetime
    end_at: datetime
    created_at: datetime
    signatures: tuple[Signature, ...] = ()
    signed_at: datetime | None = None
    metrics: tuple[performance.Metric, ...] = ()

    @property
    def parties(self) -> AbstractSet[str]:
        """The parties, who own the agreement together."""
        return {share.party for share in self.shares}


def create(
    agreement_id: str,
    *,
    title: str,
    shares: tuple[Share, ...],
    currency: str,
    start_at: datetime,
    end_at: datetime,
    by: Signer,
    at: datetime,
    metrics: tuple[performance.Metric, ...] = (),
) -> Agreement:
    """An agreement for its parties to sign; by an officer, or an admin of a party.

    Raises PartyTwice, SharesNotWhole, TermNotValid, SignatureNotYours, MetricNotValid.
    """
    counted = Counter(share.party for share in shares)
    if twice := next((party for party, count in counted.items() if count > 1), None):
        raise PartyTwice(twice)
    if (total := sum(share.basis_points for share in shares)) != WHOLE:
        raise SharesNotWhole(total)
    if end_at <= start_at or end_at <= at:
        raise TermNotValid
    if not (by.is_officer or any(by.may_act_for(party) for party in counted)):
        raise SignatureNotYours(by.creator or by.subject)
    performance.check(metrics, counted.keys())
    return Agreement(agreement_id=agreement_id, title=title, shares=shares, currency=currency, start_at=start_at, end_at=end_at, created_at=at, metrics=metrics)


def sign(agreement: Agreement, *, party: str, by: Signer, at: datetime) -> Agreement:
    """Add a party's signature; the last one sets `signed_at`. Raises NotAParty, SignatureNotYours, AlreadySigned, AgreementEnded."""
    if party not in agreement.parties:
        raise NotAParty(party)
    if not by.may_act_for(party):
        raise SignatureNotYours(party)
    if any(signature.party == party for signature in agreement.signatures):
        raise AlreadySigned(party)
    if at >= agreement.end_at:
        raise AgreementEnded(agreement.end_at)
    signatures = (*agreement.signatures, Signature(party=party, subject=by.subject, signed_at=at))
    complete = {signature.party for signature in signatures} == agreement.parties
    return replace(agreement, signatures=signatures, signed_at=at if complete else None)
