"""The ledger's face."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.ledger_pb2 import Period
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.governance import charging
from stratapolis.governance.codec.ledger import balance_shown, entry_shown, line_shown, period_shown, price_change_shown, statement_shown, total_shown
from stratapolis.governance.domain.tariff import period_of
from stratapolis.governance.settling import settle, settles_at
from stratapolis.governance.store import ledger, periods, price_changes, statements


@dataclass(frozen=True, slots=True)
class Ledger:
    """LedgerService. `wait` is how long after its end a period takes late uses."""

    wait: timedelta

    async def list_entries(self, request: pb.ListEntriesRequest, call: Call) -> pb.ListEntriesResponse:
        """A page of entries."""
        page = Page.of(request, int)
        filters = {"owner": request.owner, "account": request.account, "service_id": request.service_id, "period": request.period}
        found = await ledger.entries(call.tx, call.owners, **filters, before=page.after[0] if page.after else None, limit=page.size + 1)
        fitting, token = page.fit(found, entry_shown, lambda entry: (entry.entry_id,))
        return pb.ListEntriesResponse(entries=fitting, next_page_token=token)

    async def list_balances(self, request: pb.ListBalancesRequest, call: Call) -> pb.ListBalancesResponse:
        """A page of accounts."""
        page = Page.of(request, str, str)
        after = (page.after[0], page.after[1]) if page.after else None
        found = await ledger.balances(call.tx, call.owners, owner=request.owner, after=after, limit=page.size + 1)
        fitting, token = page.fit(found, balance_shown, lambda balance: (balance.account, balance.currency))
        return pb.ListBalancesResponse(balances=fitting, next_page_token=token)

    async def get_totals(self, request: pb.GetTotalsRequest, call: Call) -> pb.GetTotalsResponse:
        """Debits and credits."""
        return pb.GetTotalsResponse(totals=[total_shown(total) for total in await ledger.totals(call.tx, request.period)])

    async def reverse_charge(self, request: pb.ReverseChargeRequest, call: Call) -> pb.ReverseChargeResponse:
        """Mirror a charge."""
        mirror = await charging.reverse(call.tx, request.charge_id, request.reason, at=call.at)
        entries = await ledger.entries_of(call.tx, mirror.charge_id)
        return pb.ReverseChargeResponse(charge_id=mirror.charge_id, entries=[entry_shown(entry) for entry in entries])

    async def run_settlement(self, request: pb.RunSettlementRequest, call: Call) -> pb.RunSettlementResponse:
        """Close a period."""
        made = await settle(call.tx, request.period, wait=self.wait, at=call.at)
        totals = await ledger.totals(call.tx, request.period)
        return pb.RunSettlementResponse(statements=made, totals=[total_shown(total) for total in totals])

    async def list_periods(self, request: pb.ListPeriodsRequest, call: Call) -> pb.ListPeriodsResponse:
        """A page of months, and the one that is posted to now."""
        page = Page.of(request, str)
        found = await periods.listed(call.tx, before=page.after[0] if page.after else None, limit=page.size + 1)
        fitting, token = page.fit(found, lambda one: self._period(one.period, one.closed_at), lambda one: (one.period,))
        now = await periods.first_open_from(call.tx, period_of(call.at))
        return pb.ListPeriodsResponse(periods=fitting, next_page_token=token, posting_period=self._period(now, None))

    async def get_statement(self, request: pb.GetStatementRequest, call: Call) -> pb.GetStatementResponse:
        """A statement and a page of its lines."""
        page = Page.of(request, int)
        found = await statements.get(call.tx, request.statement_id, call.owners)
        lines = await statements.lines(call.tx, request.statement_id, after=page.after[0] if page.after else 0, limit=page.size + 1)
        fitting, token = page.fit(lines, lambda row: line_shown(row[1], found.currency), lambda row: (row[0],))
        return pb.GetStatementResponse(statement=statement_shown(found), lines=fitting, next_page_token=token)

    async def list_price_changes(self, request: pb.ListPriceChangesRequest, call: Call) -> pb.ListPriceChangesResponse:
        """A page of moves."""
        page = Page.of(request, datetime, str)
        after = (page.after[0], page.after[1]) if page.after else None
        found = await price_changes.listed(call.tx, call.owners, service_id=request.service_id, after=after, limit=page.size + 1)
        fitting, token = page.fit(found, price_change_shown, lambda one: (one.noticed_at, one.subscription_id))
        return pb.ListPriceChangesResponse(price_changes=fitting, next_page_token=token)

    async def list_statements(self, request: pb.ListStatementsRequest, call: Call) -> pb.ListStatementsResponse:
        """A page of statements."""
        page = Page.of(request, datetime, str)
        after = (page.after[0], page.after[1]) if page.after else None
        found = await statements.listed(call.tx, call.owners, owner=request.owner, period=request.period, after=after, limit=page.size + 1)
        fitting, token = page.fit(found, statement_shown, lambda one: (one.closed_at, one.statement_id))
        return pb.ListStatementsResponse(statements=fitting, next_page_token=token)

    def _period(self, period: str, closed_at: datetime | None) -> Period:
        return period_shown(period, settles_at(period, self.wait), closed_at)
