"""The ledger on the wire."""

from collections.abc import Sequence
from decimal import Decimal

from city.governance.v1 import ledger_pb2 as pb
from city.governance.v1.events_pb2 import ChargePosted, ChargeReversed
from city.governance.v1.events_pb2 import Leg as LegMessage
from stratapolis.chassis.money import to_money
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain.ledger import Charge, ChargeKind, Leg
from stratapolis.governance.store.ledger import Balance, Entry, Total
from stratapolis.governance.store.statements import Statement

KINDS = {kind: pb.ChargeKind.Value(f"CHARGE_KIND_{kind.name}") for kind in ChargeKind}


def text(amount: Decimal) -> str:
    """A decimal without needless zeros or exponents."""
    digits = f"{amount:f}"
    return (digits.rstrip("0").rstrip(".") or "0") if "." in digits else digits


def posted(charge: Charge) -> ChargePosted:
    """Said for each use or fee that is charged."""
    return ChargePosted(
        charge_id=charge.charge_id,
        source=charge.source,
        service_id=charge.service_id,
        subscription_id=charge.subscription_id,
        amount=to_money(charge.amount, charge.currency),
        legs=legs(charge.legs, charge.currency),
    )


def mirrored(original: Charge, reversal: Charge, reason: str) -> ChargeReversed:
    """Said of a charge that is reversed."""
    return ChargeReversed(charge_id=original.charge_id, reason=reason, legs=legs(reversal.legs, reversal.currency))


def legs(values: Sequence[Leg], currency: str) -> list[LegMessage]:
    """Legs for the wire."""
    return [LegMessage(account=leg.account, amount=to_money(leg.amount, currency)) for leg in values]


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


def balance_shown(balance: Balance) -> pb.Balance:
    """A balance as its RPC shows it."""
    return pb.Balance(account=balance.account, currency=balance.currency, amount=text(balance.amount), entries=balance.entries)


def total_shown(total: Total) -> pb.Totals:
    """The sums of a currency."""
    return pb.Totals(currency=total.currency, debits=text(total.debits), credits=text(total.credits), entries=total.entries)


def statement_shown(statement: Statement, *, with_lines: bool) -> pb.Statement:
    """A statement as its RPCs show it."""
    money = statement.currency
    lines = [
        pb.StatementLine(
            service_id=line.service_id,
            service_period=line.service_period,
            entries=line.entries,
            exact=to_money(line.exact, money),
            amount=to_money(line.amount, money),
        )
        for line in statement.lines
    ]
    return pb.Statement(
        statement_id=statement.statement_id,
        period=statement.period,
        account=statement.account,
        owner=statement.owner,
        total=to_money(statement.total, money),
        closed_time=to_timestamp(statement.closed_at),
        lines=lines if with_lines else [],
    )
