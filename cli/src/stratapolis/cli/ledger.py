"""`city ledger`: what was charged, who is owed what, and the settlement of months."""

from __future__ import annotations

from typing import Annotated

import typer
from city.governance.v1.ledger_pb2 import ChargeKind, Entry, Statement, StatementLine, Totals
from city.governance.v1.ledger_service_pb2 import (
    GetStatementRequest,
    GetTotalsRequest,
    ListBalancesRequest,
    ListEntriesRequest,
    ListPeriodsRequest,
    ListPriceChangesRequest,
    ListStatementsRequest,
    ReverseChargeRequest,
    RunSettlementRequest,
)
from city.governance.v1.ledger_service_pb2_grpc import LedgerServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_decimal
from stratapolis.cli.options import HERE, As, Folder, Json, Limit
from stratapolis.cli.refused import told
from stratapolis.cli.screen import Screen, as_data, clock, money, word
from stratapolis.cli.session import pages, session

app = typer.Typer(help="Charges, balances and statements; officers settle months and reverse charges.", no_args_is_help=True)
Owner = Annotated[str, typer.Option("--owner", help="Only accounts of this owner: a person's subject, a value creator's id, or `city`.")]
Month = Annotated[str, typer.Option("--period", metavar="YYYY-MM", help="Only this calendar month.")]
SETTLING_SECONDS = 30.0
"""A settlement reads and writes a month as a whole."""


@app.command()
@told
async def entries(
    owner: Owner = "",
    account: Annotated[str, typer.Option("--account", help="Only entries of this account, such as `receivable:person:ada`.")] = "",
    service: Annotated[str, typer.Option("--service", metavar="ID", help="Only entries for this service.")] = "",
    period: Month = "",
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List entries, newest first: all for an officer, else those of the caller's own accounts."""
    query = ListEntriesRequest(owner=owner, account=account, service_id=service, period=period)
    async with session(folder, as_) as client:
        found = await pages(client.stub(LedgerServiceStub, "governance").ListEntries, query, "entries", limit)
    screen = Screen(as_json)
    screen.data({"entries": [as_data(each) for each in found]})
    _entries(screen, found)


@app.command("price-changes")
@told
async def price_changes(
    service: Annotated[str, typer.Option("--service", metavar="ID", help="Only those of this service.")] = "",
    limit: Limit = 100,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """List moves of subscriptions to the prices of a new version, the newest notice first."""
    query = ListPriceChangesRequest(service_id=service)
    async with session(folder, as_) as client:
        found = await pages(client.stub(LedgerServiceStub, "governance").ListPriceChanges, query, "price_changes", limit)
    screen = Screen(as_json)
    screen.data({"priceChanges": [as_data(each) for each in found]})
    rows = [(c.subscription_id, c.subscriber, c.plan, clock(c.notice_time), clock(c.valid_from_time)) for c in found]
    screen.table(("SUBSCRIPTION", "BY", "PLAN", "NOTICE", "HOLDS FROM"), rows, empty="no prices have changed")


@app.command()
@told
async def balances(owner: Owner = "", limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List what accounts stand at: positive is owed by the owner, negative to the owner."""
    async with session(folder, as_) as client:
        found = await pages(client.stub(LedgerServiceStub, "governance").ListBalances, ListBalancesRequest(owner=owner), "balances", limit)
    screen = Screen(as_json)
    screen.data({"balances": [as_data(each) for each in found]})
    screen.table(("ACCOUNT", "CURRENCY", "AMOUNT", "ENTRIES"), [(b.account, b.currency, b.amount, str(b.entries)) for b in found], empty="nothing was charged")


@app.command()
@told
async def totals(period: Month = "", as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """Add up all debits and all credits, a currency each (officer)."""
    async with session(folder, as_) as client:
        found = (await client.stub(LedgerServiceStub, "governance").GetTotals(GetTotalsRequest(period=period))).totals
    screen = Screen(as_json)
    screen.data({"totals": [as_data(each) for each in found]})
    _totals(screen, list(found))


@app.command()
@told
async def periods(limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List months with entries, newest first, and say which one is posted to now."""
    async with session(folder, as_) as client:
        stub = client.stub(LedgerServiceStub, "governance")
        now = (await stub.ListPeriods(ListPeriodsRequest(page_size=1))).posting_period
        found = await pages(stub.ListPeriods, ListPeriodsRequest(), "periods", limit)
    screen = Screen(as_json)
    screen.data({"postingPeriod": as_data(now), "periods": [as_data(each) for each in found]})
    rows = [(p.period, "closed" if p.HasField("closed_time") else "open", clock(p.settle_time), clock(p.closed_time)) for p in found]
    screen.table(("PERIOD", "STATE", "SETTLES FROM", "SETTLED"), rows, empty="nothing was charged")
    screen.line(f"what is used now is posted to {now.period}")


@app.command()
@told
async def statements(owner: Owner = "", period: Month = "", limit: Limit = 100, as_: As = None, folder: Folder = HERE, as_json: Json = False) -> None:
    """List statements, newest first: all for an officer, else the caller's own."""
    async with session(folder, as_) as client:
        query = ListStatementsRequest(owner=owner, period=period)
        found = await pages(client.stub(LedgerServiceStub, "governance").ListStatements, query, "statements", limit)
    screen = Screen(as_json)
    screen.data({"statements": [as_data(each) for each in found]})
    rows = [(s.statement_id, s.period, s.account, f"{s.total} {s.currency}", str(s.lines), clock(s.closed_time)) for s in found]
    screen.table(("ID", "PERIOD", "ACCOUNT", "TOTAL", "LINES", "SETTLED"), rows, empty="no statement yet")


@app.command()
@told
async def statement(
    statement_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the statement.")],
    limit: Limit = 500,
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Show one statement, a line for each service and month."""
    async with session(folder, as_) as client:
        stub = client.stub(LedgerServiceStub, "governance")
        found = (await stub.GetStatement(GetStatementRequest(statement_id=statement_id, page_size=1))).statement
        lines = await pages(stub.GetStatement, GetStatementRequest(statement_id=statement_id), "lines", limit)
    screen = Screen(as_json)
    screen.data({"statement": as_data(found), "lines": [as_data(each) for each in lines]})
    _statement(screen, found, lines)


@app.command()
@told
async def settle(
    period: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The calendar month; `city ledger periods` lists the open ones.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Close a month for good and make its statements (officer)."""
    async with session(folder, as_) as client:
        stub = client.stub(LedgerServiceStub, "governance")
        done = await stub.RunSettlement(RunSettlementRequest(request_id=new_id(), period=period), timeout=SETTLING_SECONDS)
    screen = Screen(as_json)
    screen.data(as_data(done))
    screen.line(f"{period} is settled: {done.statements} statements")
    _totals(screen, list(done.totals))


@app.command()
@told
async def reverse(
    charge_id: Annotated[str, typer.Argument(metavar="CHARGE", help="Id of the charge; `city ledger entries` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is taken back, for people.")],
    as_: As = None,
    folder: Folder = HERE,
    as_json: Json = False,
) -> None:
    """Take a use's or a fee's charge back by mirroring its entries, once (officer)."""
    async with session(folder, as_) as client:
        stub = client.stub(LedgerServiceStub, "governance")
        done = await stub.ReverseCharge(ReverseChargeRequest(request_id=new_id(), charge_id=charge_id, reason=reason))
    screen = Screen(as_json)
    screen.data(as_data(done))
    screen.line(f"{charge_id} is reversed by {done.charge_id}")
    _entries(screen, list(done.entries))


def _entries(screen: Screen, found: list[Entry]) -> None:
    rows = [
        (
            clock(e.posted_time),
            e.account,
            money(to_decimal(e.amount), e.amount.currency_code),
            word(ChargeKind, e.kind),
            e.service_period,
            e.period,
            e.charge_id,
        )
        for e in found
    ]
    screen.table(("POSTED", "ACCOUNT", "AMOUNT", "FOR A", "EARNED IN", "SETTLED IN", "CHARGE"), rows, empty="nothing was charged")


def _totals(screen: Screen, found: list[Totals]) -> None:
    rows = [(t.currency, t.debits, t.credits, str(t.entries)) for t in found]
    screen.table(("CURRENCY", "DEBITS", "CREDITS", "ENTRIES"), rows, empty="nothing was charged")


def _statement(screen: Screen, found: Statement, lines: list[StatementLine]) -> None:
    screen.facts(
        {
            "account": found.account,
            "period": found.period,
            "total": f"{found.total} {found.currency}",
            "settled": clock(found.closed_time),
        }
    )
    screen.table(
        ("SERVICE", "EARNED IN", "ENTRIES", "EXACT", "AMOUNT"),
        [(line.service_id or "penalties", line.service_period, str(line.entries), line.exact, line.amount) for line in lines],
    )
