"""The ledger's face."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.events_pb2 import SettlementClosed
from stratapolis.chassis import outbox
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.governance import charging
from stratapolis.governance.codec.ledger import balance_shown, entry_shown, statement_shown, total_shown
from stratapolis.governance.store import ledger, statements


@dataclass(frozen=True, slots=True)
class Ledger:
    """LedgerService. `wait` is how long after its end a period takes late uses."""

    wait: timedelta

    async def list_entries(self, request: pb.ListEntriesRequest, call: Call) -> pb.ListEntriesResponse:
        """A page of entries."""
        page = Page.of(request, int)
        filters = {"owner": request.owner, "account": request.account, "service_id": request.service_id, "period": request.period}
        found = await ledger.entries(call.tx, call.owners, **filters, before=page.after[0] if page.after else None, limit=page.size + 1)
        token = page.token(found[page.size - 1].entry_id) if len(found) > page.size else ""
        return pb.ListEntriesResponse(entries=[entry_shown(entry) for entry in found[: page.size]], next_page_token=token)

    async def list_balances(self, request: pb.ListBalancesRequest, call: Call) -> pb.ListBalancesResponse:
        """A page of accounts."""
        page = Page.of(request, str, str)
        found = await ledger.balances(call.tx, call.owners, owner=request.owner, after_account=page.after, limit=page.size + 1)
        token = page.token(found[page.size - 1].account, found[page.size - 1].currency) if len(found) > page.size else ""
        return pb.ListBalancesResponse(balances=[balance_shown(balance) for balance in found[: page.size]], next_page_token=token)

    async def get_totals(self, request: pb.GetTotalsRequest, call: Call) -> pb.GetTotalsResponse:  # noqa: ARG002 - asks for all of it
        """Debits and credits."""
        return pb.GetTotalsResponse(totals=[total_shown(total) for total in await ledger.totals(call.tx)])

    async def reverse_charge(self, request: pb.ReverseChargeRequest, call: Call) -> pb.ReverseChargeResponse:
        """Mirror a charge."""
        reversal = await charging.reverse(call.tx, request.charge_id, request.reason, at=call.at)
        entries = await ledger.entries_of(call.tx, reversal.charge_id)
        return pb.ReverseChargeResponse(charge_id=reversal.charge_id, entries=[entry_shown(entry) for entry in entries])

    async def run_settlement(self, request: pb.RunSettlementRequest, call: Call) -> pb.RunSettlementResponse:
        """Close a period."""
        made = await charging.settle(call.tx, request.period, wait=self.wait, at=call.at)
        await outbox.append(call.tx, SettlementClosed(period=request.period, statements=made))
        totals = await ledger.totals(call.tx, request.period)
        return pb.RunSettlementResponse(statements=made, totals=[total_shown(total) for total in totals])

    async def get_statement(self, request: pb.GetStatementRequest, call: Call) -> pb.GetStatementResponse:
        """A statement with its lines."""
        found = await statements.get(call.tx, request.statement_id, call.owners)
        return pb.GetStatementResponse(statement=statement_shown(found, with_lines=True))

    async def list_statements(self, request: pb.ListStatementsRequest, call: Call) -> pb.ListStatementsResponse:
        """A page of statements."""
        page = Page.of(request, datetime, str)
        found = await statements.listed(call.tx, call.owners, owner=request.owner, period=request.period, after=page.after, limit=page.size + 1)
        token = page.token(found[page.size - 1].closed_at, found[page.size - 1].statement_id) if len(found) > page.size else ""
        return pb.ListStatementsResponse(statements=[statement_shown(one, with_lines=False) for one in found[: page.size]], next_page_token=token)
