"""Closes periods: each account's statement, each of its lines rounded once, what rounding makes of it posted to `rounding`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from stratapolis.chassis.db import Tx
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.tables.currencies import minor_units
from stratapolis.governance.domain.errors import PeriodNotOver
from stratapolis.governance.domain.ledger import Charge, ChargeKind, Line, line, owner_of, rounding_legs, total
from stratapolis.governance.domain.tariff import after, start_of
from stratapolis.governance.store import ledger, periods, statements
from stratapolis.governance.store.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """One account in one currency, as a settlement finds it."""

    account: str
    currency: str
    lines: tuple[Line, ...]


def settles_at(period: str, wait: timedelta) -> datetime:
    """When a period may be settled at the earliest."""
    return start_of(after(period)) + wait


async def settle(tx: Tx, period: str, *, wait: timedelta, at: datetime) -> int:
    """Close a period for good; returns how many statements it made."""
    if at < (earliest := settles_at(period, wait)):
        raise PeriodNotOver(period, earliest.isoformat())
    await periods.lock(tx, period)
    accounts = [
        _Account(account=account, currency=currency, lines=tuple(line(one, minor_units(currency)) for one in sums))
        for (account, currency), sums in await statements.sums(tx, period)
    ]
    await ledger.post_all(tx, [charge for account in accounts for charge in _rounding(account, period, at)])
    await statements.add(tx, [(_statement(account, period, at), account.lines) for account in accounts])
    await periods.close(tx, period, at)
    return len(accounts)


def _statement(of: _Account, period: str, at: datetime) -> Statement:
    return Statement(
        statement_id=new_id(),
        period=period,
        account=of.account,
        owner=owner_of(of.account),
        currency=of.currency,
        total=total(of.lines),
        lines=len(of.lines),
        closed_at=at,
    )


def _rounding(of: _Account, period: str, at: datetime) -> tuple[Charge, ...]:
    legs = rounding_legs(of.account, of.lines)
    if not legs:
        return ()
    charge = Charge(
        charge_id=new_id(),
        kind=ChargeKind.ROUNDING,
        source=f"rounding:{period}:{of.account}:{of.currency}",
        service_id="",
        subscription_id="",
        currency=of.currency,
        amount=legs[0].amount,
        period=period,
        service_period=period,
        posted_at=at,
        legs=legs,
    )
    return (charge,)
