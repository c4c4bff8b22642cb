"""Funding sources: an amount for a term, of which never more than all is reserved and committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from stratapolis.policy.domain.errors import AmountNotValid, FundingExhausted, TermNotValid

NOTHING = Decimal(0)


def plain(amount: Decimal) -> str:
    """The amount without needless zeros: `5000`, `12.5`."""
    return f"{amount.normalize():f}"


class FundingKind(StrEnum):
    """Where the money comes from."""

    MUNICIPAL_BUDGET = "municipal_budget"
    GRANT = "grant"
    BOND = "bond"
    LOAN = "loan"
    SPONSOR = "sponsor"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A funding source; amounts in one currency, the term is [start_at, end_at)."""

    source_id: str
    title: str
    kind: FundingKind
    currency: str
    amount: Decimal
    reserved: Decimal = NOTHING
    committed: Decimal = NOTHING
    start_at: datetime
    end_at: datetime
    created_at: datetime

    @property
    def available(self) -> Decimal:
        """What is left to reserve."""
        return self.amount - self.reserved - self.committed

    def runs(self, at: datetime) -> bool:
        """Whether `at` lies in the term."""
        return self.start_at <= at < self.end_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a version of a service has of a source: reserved until its journey ends, committed from the connecting stage on.

    `carried_from` is the live version whose money an unchanged upgrade refers to; nothing is reserved for it a second time.
    """

    source_id: str
    service_id: str
    version: int
    amount: Decimal
    committed: bool = False
    carried_from: int | None = None


def register(source_id: str, *, title: str, kind: FundingKind, currency: str, amount: Decimal, start_at: datetime, end_at: datetime, at: datetime) -> Source:
    """A source with all of its amount left; raises AmountNotValid, TermNotValid."""
    if amount <= NOTHING:
        raise AmountNotValid(f"{currency} {plain(amount)}")
    if end_at <= start_at or end_at <= at:
        raise TermNotValid
    return Source(source_id=source_id, title=title, kind=kind, currency=currency, amount=amount, start_at=start_at, end_at=end_at, created_at=at)


def reserve(source: Source, amount: Decimal, *, service_id: str, version: int) -> tuple[Source, Reservation]:
    """Hold money for a service; raises FundingExhausted, AmountNotValid."""
    if amount <= NOTHING:
        raise AmountNotValid(f"{source.currency} {amount}")
    if amount > source.available:
        raise FundingExhausted(source.source_id, f"{source.currency} {plain(source.available)}")
    held = Reservation(source_id=source.source_id, service_id=service_id, version=version, amount=amount)
    return replace(source, reserved=source.reserved + amount), held


def commit(source: Source, reservation: Reservation) -> tuple[Source, Reservation]:
    """Turn a reservation into a commitment; one that is committed stays as it is."""
    if reservation.committed:
        return source, reservation
    moved = replace(source, reserved=source.reserved - reservation.amount, committed=source.committed + reservation.amount)
    return moved, replace(reservation, committed=True)


def unchanged(live: Sequence[Reservation], wanted: Mapping[str, Decimal]) -> tuple[Reservation, ...]:
    """What a live version has of the sources and is asked for again, to the same amount."""
    return tuple(reservation for reservation in live if wanted.get(reservation.source_id) == reservation.amount)


def carry(live: Reservation, version: int) -> Reservation:
    """A further version's reference to what the live one has."""
    return replace(live, version=version, carried_from=live.version)


def release(source: Source, reservation: Reservation) -> Source:
    """The source with the reservation's money free again, whether it was reserved or committed; what is carried is the live version's and stays."""
    if reservation.carried_from is not None:
        return source
    if reservation.committed:
        return replace(source, committed=source.committed - reservation.amount)
    return replace(source, reserved=source.reserved - reservation.amount)
