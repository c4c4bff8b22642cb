"""Statements: what each account owes or is owed for a settled period."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import StatementNotFound
from stratapolis.governance.domain.ledger import ROUNDING, Line, Sum
from stratapolis.governance.store.ledger import Owners

SUMS = """
    select account, currency, service_id, service_period, count(*)::int as entries, sum(amount) as exact from entry
    where period = $1 and account <> $2 group by account, currency, service_id, service_period order by account, currency, service_id, service_period"""
SEE = "select * from statement where statement_id = $1 and ($2::text[] is null or owner = any($2))"
LINES = "select * from statement_line where statement_id = $1 and number > $2::bigint order by number limit $3"
LIST = """
    select * from statement
    where ($1::text[] is null or owner = any($1)) and ($2 = '' or owner = $2) and ($3 = '' or period = $3)
      and ($4::timestamptz is null or (closed_at, statement_id) < ($4, $5))
    order by closed_at desc, statement_id desc limit $6"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One account, one currency, one period; how many lines it has."""

    statement_id: str
    period: str
    account: str
    owner: str
    currency: str
    total: Decimal
    lines: int
    closed_at: datetime


async def sums(tx: Tx, period: str) -> Iterator[tuple[tuple[str, str], tuple[Sum, ...]]]:
    """The exact sums of a period by account and currency, a service and a month each."""
    rows = await tx.fetch(SUMS, period, ROUNDING)
    grouped = groupby(rows, key=lambda row: (str(row["account"]), str(row["currency"])))
    return ((key, tuple(_sum(row) for row in group)) for key, group in grouped)


async def add(tx: Tx, statements: Sequence[tuple[Statement, Sequence[Line]]]) -> None:
    """Keep a period's statements, for good."""
    abouts = [(s.statement_id, s.period, s.account, s.owner, s.currency, s.total, s.lines, s.closed_at) for s, _ in statements]
    await tx.copy("statement", ("statement_id", "period", "account", "owner", "currency", "total", "lines", "closed_at"), abouts)
    lines = [
        (statement.statement_id, number, line.service_id, line.service_period, line.entries, line.exact, line.amount)
        for statement, of_it in statements
        for number, line in enumerate(of_it, 1)
    ]
    await tx.copy("statement_line", ("statement_id", "number", "service_id", "service_period", "entries", "exact", "amount"), lines)


async def get(tx: Tx, statement_id: str, owners: Owners) -> Statement:
    """One; raises StatementNotFound."""
    row = await tx.row(SEE, statement_id, owners)
    if row is None:
        raise StatementNotFound(statement_id)
    return _statement(row)


async def lines(tx: Tx, statement_id: str, *, after: int, limit: int) -> list[tuple[int, Line]]:
    """Its lines, each with its number."""
    return [(row["number"], _line(row)) for row in await tx.fetch(LINES, statement_id, after, limit)]


async def listed(tx: Tx, owners: Owners, *, owner: str, period: str, after: tuple[datetime, str] | None, limit: int) -> list[Statement]:
    """Statements, newest first."""
    at, statement_id = after or (None, "")
    return [_statement(row) for row in await tx.fetch(LIST, owners, owner, period, at, statement_id, limit)]


def _sum(row: Row) -> Sum:
    return Sum(service_id=row["service_id"], service_period=row["service_period"], entries=row["entries"], exact=row["exact"])


def _line(row: Row) -> Line:
    about = {"service_id": row["service_id"], "service_period": row["service_period"], "entries": row["entries"]}
    return Line(**about, exact=row["exact"], amount=row["amount"])


def _statement(row: Row) -> Statement:
    return Statement(
        statement_id=row["statement_id"],
        period=row["period"],
        account=row["account"],
        owner=row["owner"],
        currency=row["currency"],
        total=row["total"],
        lines=row["lines"],
        closed_at=row["closed_at"],
    )
