"""Statements: what each account owes or is owed for a settled period."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from pydantic import TypeAdapter
from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import StatementNotFound
from stratapolis.governance.domain.ledger import ROUNDING, Line

LINES = TypeAdapter(tuple[Line, ...])
Owners = tuple[str, ...] | None
"""Whose statements may be seen; None: everybody's."""

SUMS = """
    select account, currency, service_id, service_period, count(*)::int as entries, sum(amount) as exact from entry
    where period = $1 and account <> $2 group by account, currency, service_id, service_period order by account, currency, service_id, service_period"""
INSERT = """
    insert into statement (statement_id, period, account, owner, currency, total, lines, closed_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"""
SEE = "select * from statement where statement_id = $1 and ($2::text[] is null or owner = any($2))"
LIST = """
    select * from statement
    where ($1::text[] is null or owner = any($1)) and ($2 = '' or owner = $2) and ($3 = '' or period = $3)
      and ($4::timestamptz is null or (closed_at, statement_id) < ($4, $5))
    order by closed_at desc, statement_id desc limit $6"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One account, one currency, one period."""

    statement_id: str
    period: str
    account: str
    owner: str
    currency: str
    total: Decimal
    lines: tuple[Line, ...]
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What a line of a statement is made of, before rounding."""

    service_id: str
    service_period: str
    entries: int
    exact: Decimal


async def sums(tx: Tx, period: str) -> list[tuple[str, str, list[Sum]]]:
    """The exact sums of a period by account and currency, a service and a month each."""
    rows = await tx.fetch(SUMS, period, ROUNDING)
    return [(*key, [_sum(row) for row in group]) for key, group in groupby(rows, key=lambda row: (row["account"], row["currency"]))]


async def add(tx: Tx, statement: Statement) -> None:
    """Keep one, for good."""
    about = (statement.statement_id, statement.period, statement.account, statement.owner, statement.currency, statement.total)
    await tx.execute(INSERT, *about, LINES.dump_python(statement.lines, mode="json"), statement.closed_at)


async def get(tx: Tx, statement_id: str, owners: Owners) -> Statement:
    """One; raises StatementNotFound."""
    row = await tx.row(SEE, statement_id, owners)
    if row is None:
        raise StatementNotFound(statement_id)
    return _statement(row)


async def listed(tx: Tx, owners: Owners, *, owner: str, period: str, after: tuple[datetime, str] | None, limit: int) -> list[Statement]:
    """Statements, newest first."""
    at, statement_id = after or (None, "")
    return [_statement(row) for row in await tx.fetch(LIST, owners, owner, period, at, statement_id, limit)]


def _sum(row: Row) -> Sum:
    return Sum(service_id=row["service_id"], service_period=row["service_period"], entries=row["entries"], exact=row["exact"])


def _statement(row: Row) -> Statement:
    return Statement(
        statement_id=row["statement_id"],
        period=row["period"],
        account=row["account"],
        owner=row["owner"],
        currency=row["currency"],
        total=row["total"],
        lines=LINES.validate_python(row["lines"]),
        closed_at=row["closed_at"],
    )
