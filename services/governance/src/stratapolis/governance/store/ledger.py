"""Charges and their entries. Nothing here is ever changed or deleted; the schema sees to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import ChargeNotFound
from stratapolis.governance.domain.ledger import Charge, ChargeKind, Leg, owner_of

Owners = tuple[str, ...] | None
"""Whose accounts may be seen; None: everybody's."""

POST = """
    with posted as (
        insert into charge (charge_id, kind, source, service_id, subscription_id, currency, amount, period, service_period, reason, posted_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (source) do nothing
        returning charge_id, source, currency, period, service_id, service_period, posted_at
    )
    insert into entry (charge_id, source, currency, period, service_id, service_period, posted_at, leg, account, owner, amount)
    select posted.*, leg.* from posted, unnest($12::int[], $13::text[], $14::text[], $15::numeric[]) leg (leg, account, owner, amount)"""
LEGS = "select account, amount from entry where charge_id = $1 order by leg"
LIST = """
    select e.*, c.kind, c.reason from entry e join charge c using (charge_id)
    where ($1::text[] is null or e.owner = any($1)) and ($2 = '' or e.owner = $2) and ($3 = '' or e.account = $3) and ($4 = '' or e.service_id = $4)
      and ($5 = '' or e.period = $5) and ($6::bigint is null or e.entry_id < $6)
    order by e.entry_id desc limit $7"""
OF_CHARGE = "select e.*, c.kind, c.reason from entry e join charge c using (charge_id) where charge_id = $1 order by e.leg"
BALANCES = """
    select account, currency, sum(amount) as amount, count(*) as entries from entry
    where ($1::text[] is null or owner = any($1)) and ($2 = '' or owner = $2) and ($3::text is null or (account, currency) > ($3, $4))
    group by account, currency order by account, currency limit $5"""
TOTALS = """
    select currency, coalesce(sum(amount) filter (where amount > 0), 0) as debits, coalesce(-sum(amount) filter (where amount < 0), 0) as credits,
           count(*) as entries
    from entry where $1 = '' or period = $1 group by currency order by currency"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One leg as it stands in the ledger."""

    entry_id: int
    charge_id: str
    kind: ChargeKind
    source: str
    account: str
    currency: str
    amount: Decimal
    service_id: str
    period: str
    service_period: str
    posted_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account stands at."""

    account: str
    currency: str
    amount: Decimal
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sums of one currency."""

    currency: str
    debits: Decimal
    credits: Decimal
    entries: int


async def post(tx: Tx, charge: Charge) -> bool:
    """Write a charge and its legs; False: its source has been charged."""
    return await tx.execute(POST, *_row(charge)) != "INSERT 0 0"


async def post_all(tx: Tx, charges: Sequence[Charge]) -> None:
    """Write many, in one round trip."""
    await tx.executemany(POST, [_row(charge) for charge in charges])


async def charge_of(tx: Tx, source: str) -> str:
    """The id of the charge for a source; raises ChargeNotFound."""
    charge_id: str | None = await tx.value("select charge_id from charge where source = $1", source)
    if charge_id is None:
        raise ChargeNotFound(source)
    return charge_id


async def charge(tx: Tx, charge_id: str) -> Charge:
    """A charge with its legs; raises ChargeNotFound."""
    row = await tx.row("select * from charge where charge_id = $1", charge_id)
    if row is None:
        raise ChargeNotFound(charge_id)
    legs = tuple(Leg(account=leg["account"], amount=leg["amount"]) for leg in await tx.fetch(LEGS, charge_id))
    return Charge(
        charge_id=row["charge_id"],
        kind=ChargeKind(row["kind"]),
        source=row["source"],
        service_id=row["service_id"],
        subscription_id=row["subscription_id"],
        currency=row["currency"],
        amount=row["amount"],
        period=row["period"],
        service_period=row["service_period"],
        posted_at=row["posted_at"],
        legs=legs,
        reason=row["reason"],
    )


async def entries(
    tx: Tx, owners: Owners, *, owner: str, account: str, service_id: str, period: str, before: int | None, limit: int
) -> list[Entry]:  # fmt: skip
    """Entries, newest first."""
    return [_entry(row) for row in await tx.fetch(LIST, owners, owner, account, service_id, period, before, limit)]


async def entries_of(tx: Tx, charge_id: str) -> list[Entry]:
    """The entries of one charge."""
    return [_entry(row) for row in await tx.fetch(OF_CHARGE, charge_id)]


async def balances(tx: Tx, owners: Owners, *, owner: str, after: tuple[str, str] | None, limit: int) -> list[Balance]:
    """What accounts stand at, by account."""
    account, currency = after or (None, "")
    rows = await tx.fetch(BALANCES, owners, owner, account, currency, limit)
    return [Balance(account=row["account"], currency=row["currency"], amount=row["amount"], entries=row["entries"]) for row in rows]


async def totals(tx: Tx, period: str) -> list[Total]:
    """All debits and all credits of a month, or of the whole ledger; one statement sees one snapshot."""
    rows = await tx.fetch(TOTALS, period)
    return [Total(currency=row["currency"], debits=row["debits"], credits=row["credits"], entries=row["entries"]) for row in rows]


def _row(charge: Charge) -> tuple[object, ...]:
    accounts = [leg.account for leg in charge.legs]
    about = (charge.charge_id, charge.kind, charge.source, charge.service_id, charge.subscription_id, charge.currency, charge.amount)
    legs = (list(range(1, len(accounts) + 1)), accounts, [owner_of(account) for account in accounts], [leg.amount for leg in charge.legs])
    return (*about, charge.period, charge.service_period, charge.reason, charge.posted_at, *legs)


def _entry(row: Row) -> Entry:
    return Entry(
        entry_id=row["entry_id"],
        charge_id=row["charge_id"],
        kind=ChargeKind(row["kind"]),
        source=row["source"],
        account=row["account"],
        currency=row["currency"],
        amount=row["amount"],
        service_id=row["service_id"],
        period=row["period"],
        service_period=row["service_period"],
        posted_at=row["posted_at"],
        reason=row["reason"],
    )
