"""The ledger: double entry, debits positive, credits negative; the legs of every transaction add up to zero."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum

from stratapolis.governance.domain.errors import ChargeNotReversible
from stratapolis.governance.domain.step import Share
from stratapolis.governance.domain.tariff import EXACT, ZERO

CITY = "city"
ROUNDING = "rounding"
SMALLEST = Decimal("1e-9")


class ChargeKind(StrEnum):
    """What a charge is for."""

    USE = "use"
    FEE = "fee"
    REVERSAL = "reversal"
    ROUNDING = "rounding"
    PENALTY = "penalty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One side of a transaction."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A transaction. `source` says what it is for and is unique; `period` is where it is settled, `service_period` when it was earned."""

    charge_id: str
    kind: ChargeKind
    source: str
    service_id: str
    subscription_id: str
    currency: str
    amount: Decimal
    period: str
    service_period: str
    posted_at: datetime
    legs: tuple[Leg, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What an account owes (positive) or is owed for a service and a month, exactly."""

    service_id: str
    service_period: str
    entries: int
    exact: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Sum):
    """One line of a statement: the sum, and what it is rounded to."""

    amount: Decimal


def receivable(subscriber: str) -> str:
    """The account of what a subscriber owes."""
    return f"receivable:{subscriber}"


def payable(party: str) -> str:
    """The account of what a party is owed; the city's own part is its revenue."""
    return "revenue:city" if party == CITY else f"payable:{party}"


def owner_of(account: str) -> str:
    """Whose account it is; the city's are `city`."""
    kind, _, owner = account.partition(":")
    return owner if kind in {"receivable", "payable"} else CITY


def split(amount: Decimal, shares: tuple[Share, ...]) -> tuple[Decimal, ...]:
    """Parts of an amount by basis points that add up to it: largest remainder in billionths, ties to the first party."""
    with localcontext(EXACT):
        exact = [amount * share.basis_points / 10_000 for share in shares]
        parts = [part.quantize(SMALLEST, rounding=ROUND_FLOOR) for part in exact]
        missing = int((amount - sum(parts, ZERO)) / SMALLEST)
        by_remainder = sorted(range(len(shares)), key=lambda place: (parts[place] - exact[place], place))
        for place in by_remainder[:missing]:
            parts[place] += SMALLEST
    return tuple(parts)


def charge_legs(subscriber: str, amount: Decimal, shares: tuple[Share, ...]) -> tuple[Leg, ...]:
    """The subscriber owes it, the parties are owed their shares; parties with nothing have no leg."""
    owed = [Leg(account=payable(share.party), amount=-part) for share, part in zip(shares, split(amount, shares), strict=True) if part]
    return (Leg(account=receivable(subscriber), amount=amount), *owed)


def penalty_legs(party: str, amount: Decimal) -> tuple[Leg, ...]:
    """A party owes the city a penalty: it is set against what that party is owed."""
    return (Leg(account=payable(party), amount=amount), Leg(account=payable(CITY), amount=-amount))


def reversal(charge: Charge, *, charge_id: str, period: str, reason: str, at: datetime) -> Charge:
    """The mirror of a charge, for the month in which that was earned; what is itself a correction is not mirrored."""
    if charge.kind not in (ChargeKind.USE, ChargeKind.FEE, ChargeKind.PENALTY):
        raise ChargeNotReversible(charge.charge_id, charge.kind)
    return replace(
        charge,
        charge_id=charge_id,
        kind=ChargeKind.REVERSAL,
        source=f"reversal:{charge.charge_id}",
        amount=-charge.amount,
        period=period,
        posted_at=at,
        legs=tuple(Leg(account=leg.account, amount=-leg.amount) for leg in charge.legs),
        reason=reason,
    )


def line(of: Sum, minor_units: int) -> Line:
    """A statement's line, rounded half-even to the currency's minor unit."""
    amount = of.exact.quantize(Decimal(1).scaleb(-minor_units), rounding=ROUND_HALF_EVEN, context=EXACT)
    return Line(service_id=of.service_id, service_period=of.service_period, entries=of.entries, exact=of.exact, amount=amount)


def total(lines: tuple[Line, ...]) -> Decimal:
    """What the lines of a statement come to."""
    with localcontext(EXACT):
        return sum((one.amount for one in lines), ZERO)


def rounding_legs(account: str, lines: tuple[Line, ...]) -> tuple[Leg, ...]:
    """What rounding a statement's lines adds to its account, against `rounding`; none where nothing was rounded."""
    with localcontext(EXACT):
        difference = sum((one.amount - one.exact for one in lines), ZERO)
    return (Leg(account=account, amount=difference), Leg(account=ROUNDING, amount=-difference)) if difference else ()
