"""Contracts: the grant of one service to one product for one purpose, time-boxed, revocable."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from stratapolis.chassis.errors import Refused
from stratapolis.data.domain.errors import ContractRefused, EndBeforeStart, EndPassed, PurposeMissing, UnknownProduct
from stratapolis.data.domain.product import Classification, Product, refuse_personal
from stratapolis.data.domain.windows import a_day, day_of, day_start, zone_of


class ContractState(StrEnum):
    """Where a contract stands."""

    HELD = "held"
    GRANTED = "granted"
    REVOKED = "revoked"
    ENDED = "ended"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use of a product as somebody asks for it; dates in the product's zone, an empty start is now."""

    product: str
    purpose: str
    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a use comes to: from when until when, half-open."""

    purpose: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract; `owner` is the consumer's. Version 0 and no journey: requested by hand."""

    contract_id: str
    product: str
    product_owner: str
    service_id: str
    version: int
    owner: str
    purpose: str
    start_at: datetime
    end_at: datetime
    state: ContractState
    reason: str
    journey_id: str
    created_at: datetime


def same_purpose(one: str, other: str) -> bool:
    """Whether two texts say the same purpose: case and spacing do not matter."""
    return one.casefold().split() == other.casefold().split()


def judge(use: Use, product: Product | None, *, consumer: str, at: datetime) -> tuple[Terms | None, tuple[Refused, ...]]:
    """The terms of a use, or all that is wrong with it."""
    wrong = _wrong_product(use, product, consumer=consumer)
    if not use.purpose.strip():
        wrong.append(PurposeMissing())
    zone = zone_of(product.zone if product else "UTC")
    days: dict[str, date] = {"start": day_of(at, zone)}
    for field, text in (("start", use.start), ("end", use.end)):
        if text or field == "end":
            try:
                days[field] = a_day(text, field)
            except Refused as refusal:
                wrong.append(refusal)
    if "end" in days:
        if use.start and days["end"] <= days["start"]:
            wrong.append(EndBeforeStart(use.start, use.end))
        elif day_start(days["end"], zone) <= at:
            wrong.append(EndPassed(use.end))
    if wrong:
        return None, tuple(wrong)
    start_at = day_start(days["start"], zone) if use.start else at
    return Terms(purpose=" ".join(use.purpose.split()), start_at=start_at, end_at=day_start(days["end"], zone)), ()


def _wrong_product(use: Use, product: Product | None, *, consumer: str) -> list[Refused]:
    if product is None or not product.is_published:
        return [UnknownProduct(use.product)]
    try:
        refuse_personal(product)
    except Refused as refusal:
        return [refusal]
    shared_with_others = product.consumers and consumer not in product.consumers and consumer != product.owner
    if product.classification is Classification.SHARED and shared_with_others:
        return [ContractRefused(use.product)]
    return []


def grant(contract: Contract) -> Contract:
    """A held contract begins to count."""
    return replace(contract, state=ContractState.GRANTED) if contract.state is ContractState.HELD else contract


def carries(live: Contract, use: Use, terms: Terms, *, at: datetime) -> bool:
    """Whether a live version's contract is what a further version asks for: the same product, purpose and time, and it counts now."""
    same = live.product == use.product and same_purpose(live.purpose, terms.purpose) and live.end_at == terms.end_at
    return same and live.state is ContractState.GRANTED and (live.start_at == terms.start_at if use.start else live.start_at <= at)


def revoke(contract: Contract, reason: str) -> Contract:
    """End a contract before its time; what was never granted is released, what has ended stays as it is."""
    match contract.state:
        case ContractState.GRANTED:
            return replace(contract, state=ContractState.REVOKED, reason=reason)
        case ContractState.HELD:
            return replace(contract, state=ContractState.RELEASED, reason=reason)
        case _:
            return contract


def expire(contract: Contract, *, at: datetime) -> Contract:
    """A granted contract past its end is ended."""
    if contract.state is ContractState.GRANTED and contract.end_at <= at:
        return replace(contract, state=ContractState.ENDED, reason="its time is over")
    return contract
