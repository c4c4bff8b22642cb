"""The ledger on the wire."""

from datetime import datetime
from decimal import Decimal

from city.governance.v1 import ledger_pb2 as pb
from stratapolis.chassis.money import round_minor, to_money
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain.ledger import ChargeKind, Line
from stratapolis.governance.domain.subscription import PriceChange
from stratapolis.governance.store.ledger import Balance, Entry, Total
from stratapolis.governance.store.statements import Statement

KINDS = {kind: pb.ChargeKind.Value(f"CHARGE_KIND_{kind.name}") for kind in ChargeKind}


def text(amount: Decimal) -> str:
    """A decimal without needless zeros or exponents."""
    digits = f"{amount:f}"
    return (digits.rstrip("0").rstrip(".") or "0") if "." in digits else digits


def paid(amount: Decimal, currency: str) -> str:
    """A decimal with the digits of the currency's minor unit, to which it has been rounded."""
    return f"{round_minor(amount, currency):f}"


def entry_shown(entry: Entry) -> pb.Entry:
    """An entry as its RPCs show it."""
    return pb.Entry(
        entry_id=entry.entry_id,
        charge_id=entry.charge_id,
        kind=KINDS[entry.kind],
        source=entry.source,
        account=entry.account,
        amount=to_money(entry.amount, entry.currency),
        service_id=entry.service_id,
        period=entry.period,
        service_period=entry.service_period,
        posted_time=to_timestamp(entry.posted_at),
        reason=entry.reason,
    )


def price_change_shown(change: PriceChange) -> pb.PriceChange:
    """A move to other prices as its RPC shows it."""
    return pb.PriceChange(
        subscription_id=change.subscription_id,
        service_id=change.service_id,
        subscriber=change.subscriber,
        plan=change.plan,
        tariff_id=change.tariff_id,
        notice_time=to_timestamp(change.noticed_at),
        valid_from_time=to_timestamp(change.valid_from),
    )


def balance_shown(balance: Balance) -> pb.Balance:
    """A balance as its RPC shows it."""
    return pb.Balance(account=balance.account, currency=balance.currency, amount=text(balance.amount), entries=balance.entries)


def total_shown(total: Total) -> pb.Totals:
    """The sums of a currency."""
    return pb.Totals(currency=total.currency, debits=text(total.debits), credits=text(total.credits), entries=total.entries)


def statement_shown(statement: Statement) -> pb.Statement:
    """A statement as its RPCs show it."""
    return pb.Statement(
        statement_id=statement.statement_id,
        period=statement.period,
        account=statement.account,
        owner=statement.owner,
        currency=statement.currency,
        total=paid(statement.total, statement.currency),
        lines=statement.lines,
        closed_time=to_timestamp(statement.closed_at),
    )


def line_shown(line: Line, currency: str) -> pb.StatementLine:
    """A statement's line."""
    return pb.StatementLine(
        service_id=line.service_id,
        service_period=line.service_period,
        entries=line.entries,
        exact=text(line.exact),
        amount=paid(line.amount, currency),
    )


def period_shown(period: str, settles_at: datetime, closed_at: datetime | None) -> pb.Period:
    """A month and its settlement."""
    closed_time = to_timestamp(closed_at) if closed_at is not None else None
    return pb.Period(period=period, settle_time=to_timestamp(settles_at), closed_time=closed_time)
