"""The ledger on a real database: settled, reversed once, seen by its owners, and never changed."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from city.governance.v1 import ledger_service_pb2 as pb
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.testing import forged_token
from stratapolis.governance.domain.tariff import after, period_of
from stratapolis.governance.handlers import uses
from stratapolis.governance.rpc.ledger import Ledger
from stratapolis.governance.settings import TEN_YEARS_IN_HOURS

from services.governance.tests.integration.asking import OFFICER, Asking, a_person
from services.governance.tests.integration.paying import IN_MAY, MAY, a_paid_service, a_use, subscribe
from services.governance.tests.integration.test_charging import entries, hear

JUNE = "2026-06"


async def settle(asking: Asking, period: str = MAY) -> pb.RunSettlementResponse:
    settled: pb.RunSettlementResponse = await asking("run_settlement", pb.RunSettlementRequest(request_id=new_id(), period=period), OFFICER)
    return settled


async def reverse(asking: Asking, charge_id: str) -> pb.ReverseChargeResponse:
    request = pb.ReverseChargeRequest(request_id=new_id(), charge_id=charge_id, reason="counted twice")
    reversed_: pb.ReverseChargeResponse = await asking("reverse_charge", request, OFFICER)
    return reversed_


async def reason_of(work: Any) -> str:
    """Why it was refused; empty: it was not."""
    try:
        await work
    except Refused as error:
        return error.reason
    return ""


async def all_of(asking: Asking, method: str, request: Any, field: str, caller: Caller = OFFICER) -> list[Any]:
    """Every item of a paged list, two at a time."""
    found: list[Any] = []
    request.page_size = 2
    while True:
        page = await asking(method, request, caller)
        found += getattr(page, field)
        if not page.next_page_token:
            return found
        assert len(getattr(page, field)) == 2
        request.page_token = page.next_page_token


async def a_used_service(asking: Asking, *, quantity: int = 12, **more: Any) -> tuple[str, str]:
    """A paid service and Ada's subscription, used in May."""
    service = await a_paid_service(asking, **more)
    subscription = await subscribe(asking, service)
    await asking.city.deliver(a_use(service, subscription, quantity=quantity))
    return service, subscription


async def test_a_settlement_gives_each_account_a_statement_and_closes_the_month(asking: Asking) -> None:
    service, _ = await a_used_service(asking)
    settled = await settle(asking)
    assert (settled.statements, [(t.currency, t.debits, t.credits) for t in settled.totals]) == (3, [("EUR", "1.2", "1.2")])
    (mine,) = (await asking("list_statements", pb.ListStatementsRequest(), a_person("person:ada"))).statements
    assert (mine.account, mine.owner, mine.period, mine.currency, mine.total, mine.lines) == ("receivable:person:ada", "person:ada", MAY, "EUR", "1.20", 1)
    shown = await asking("get_statement", pb.GetStatementRequest(statement_id=mine.statement_id), a_person("person:ada"))
    assert [(line.service_id, line.service_period, line.entries, line.exact, line.amount) for line in shown.lines] == [(service, MAY, 1, "1.2", "1.20")]
    assert await reason_of(settle(asking)) == "PERIOD_CLOSED"


async def test_a_line_is_rounded_once_and_the_difference_stands_in_rounding(asking: Asking) -> None:
    await a_used_service(asking, quantity=1, shares=(3_333, 3_333, 3_334))
    await settle(asking)
    statements = {s.account.partition(":")[0]: s.total for s in (await asking("list_statements", pb.ListStatementsRequest(owner="city"), OFFICER)).statements}
    assert statements == {"revenue": "-0.04"}
    balances = {b.account: Decimal(b.amount) for b in (await asking("list_balances", pb.ListBalancesRequest(), OFFICER)).balances}
    assert balances["payable:partner-1"] == Decimal("-0.04") and balances["receivable:person:ada"] == Decimal("0.11")
    assert balances["rounding"] == Decimal("0.01") and sum(balances.values()) == 0


async def test_what_comes_late_is_posted_to_the_open_month_and_says_when_it_was_earned(asking: Asking) -> None:
    service, subscription = await a_used_service(asking)
    await settle(asking)
    await asking.city.deliver(a_use(service, subscription, use_id="late"))
    late = [entry for entry in await entries(asking) if entry.source.endswith(":late")]
    assert {(entry.period, entry.service_period) for entry in late} == {(JUNE, MAY)}
    await settle(asking, JUNE)
    (mine,) = (await asking("list_statements", pb.ListStatementsRequest(period=JUNE), a_person("person:ada"))).statements
    (line,) = (await asking("get_statement", pb.GetStatementRequest(statement_id=mine.statement_id), OFFICER)).lines
    assert (line.service_period, line.amount) == (MAY, "0.05")


async def test_a_month_is_settled_at_the_earliest_when_late_uses_have_had_their_time(asking: Asking) -> None:
    assert await reason_of(settle(asking, period_of(datetime.now(UTC)))) == "PERIOD_NOT_OVER"
    assert (await settle(asking, "2020-01")).statements == 0


async def test_a_storys_city_settles_month_after_month_ahead_of_their_end(asking: Asking) -> None:
    service = await a_paid_service(asking)
    early, now = Ledger(timedelta(hours=-TEN_YEARS_IN_HOURS)), datetime.now(UTC)
    subscription = await subscribe(asking, service, at=now)
    settled = []
    for _ in range(3):
        await asking.city.deliver(a_use(service, subscription, at=now))
        async with asking.city.db.transaction() as tx:
            call = type("Call", (), {"tx": tx, "at": tx.at})()
            period = (await early.list_periods(pb.ListPeriodsRequest(), call)).posting_period.period
            assert (await early.run_settlement(pb.RunSettlementRequest(period=period), call)).statements == 3
            settled.append(period)
    assert settled == [period_of(now), after(period_of(now)), after(after(period_of(now)))]


async def test_periods_say_what_is_open_and_where_a_use_of_now_is_posted(asking: Asking) -> None:
    service, subscription = await a_used_service(asking)
    await asking.city.deliver(a_use(service, subscription, at=IN_MAY + timedelta(days=31)), a_use(service, subscription, at=IN_MAY + timedelta(days=62)))
    await settle(asking)
    found = await all_of(asking, "list_periods", pb.ListPeriodsRequest(), "periods")
    assert [(p.period, p.HasField("closed_time")) for p in found] == [("2026-07", False), (JUNE, False), (MAY, True)]
    assert found[-1].settle_time.ToDatetime(UTC) == datetime(2026, 6, 3, tzinfo=UTC)
    posting = (await asking("list_periods", pb.ListPeriodsRequest(), OFFICER)).posting_period
    assert (posting.period, posting.HasField("closed_time")) == (period_of(datetime.now(UTC)), False)


async def test_a_settlement_waits_for_uses_in_hand_and_every_use_is_in_one_month(asking: Asking) -> None:
    service, subscription = await a_used_service(asking)
    await asyncio.gather(hear(asking, uses.on_service_used, *(a_use(service, subscription) for _ in range(40))), settle(asking))
    found = [entry for entry in await entries(asking) if entry.account == "receivable:person:ada" and entry.source.startswith("use:")]
    assert len(found) == 41
    assert {entry.period for entry in found} <= {MAY, JUNE}
    in_may = sum(Decimal(entry.amount.nanos).scaleb(-9) + entry.amount.units for entry in found if entry.period == MAY)
    (statement,) = (await asking("list_statements", pb.ListStatementsRequest(period=MAY), a_person("person:ada"))).statements
    assert Decimal(statement.total) == in_may


async def test_of_two_settlements_at_once_one_closes_the_month(asking: Asking) -> None:
    await a_used_service(asking)
    assert sorted([await each for each in asyncio.as_completed([reason_of(settle(asking)) for _ in range(5)])]) == ["", *["PERIOD_CLOSED"] * 4]
    assert len((await asking("list_statements", pb.ListStatementsRequest(), OFFICER)).statements) == 3


async def test_a_charge_is_reversed_once_however_many_try(asking: Asking) -> None:
    await a_used_service(asking)
    (charge_id,) = {entry.charge_id for entry in await entries(asking)}
    reasons = await asyncio.gather(*(reason_of(reverse(asking, charge_id)) for _ in range(10)))
    assert sorted(reasons) == ["", *["CHARGE_ALREADY_REVERSED"] * 9]
    balances = (await asking("list_balances", pb.ListBalancesRequest(), OFFICER)).balances
    assert {balance.amount for balance in balances} == {"0"} and len(balances) == 3
    (mirror,) = {entry.charge_id for entry in await entries(asking)} - {charge_id}
    assert {entry.reason for entry in await entries(asking)} == {"", "counted twice"}
    assert await reason_of(reverse(asking, mirror)) == "CHARGE_NOT_REVERSIBLE"
    assert await reason_of(reverse(asking, "no-such-charge")) == "CHARGE_NOT_FOUND"


async def test_the_reversal_of_a_settled_charge_is_in_the_open_month(asking: Asking) -> None:
    await a_used_service(asking)
    (charge_id,) = {entry.charge_id for entry in await entries(asking)}
    await settle(asking)
    assert {(entry.period, entry.service_period) for entry in (await reverse(asking, charge_id)).entries} == {(JUNE, MAY)}


async def test_g11_owners_see_what_is_theirs_and_anothers_looks_like_none(asking: Asking) -> None:
    await a_used_service(asking)
    await settle(asking)
    (creator,) = {entry.account.removeprefix("payable:") for entry in await entries(asking) if entry.account.startswith("payable:")}
    sees = {a_person("person:ada"): "person:ada", a_person("founder-1", creator): creator, a_person("person:bert"): None, OFFICER: "*"}
    everything = {"person:ada", creator, "city"}
    for caller, owner in sees.items():
        wanted = everything if owner == "*" else {owner} - {None}
        accounts = [e.account for e in await all_of(asking, "list_entries", pb.ListEntriesRequest(), "entries", caller)]
        assert {account.partition(":")[2] for account in accounts if account.startswith(("receivable", "payable"))} == wanted - {"city"}
        assert {s.owner for s in await all_of(asking, "list_statements", pb.ListStatementsRequest(), "statements", caller)} == wanted
        assert len(await all_of(asking, "list_balances", pb.ListBalancesRequest(), "balances", caller)) == len(wanted)
    bert = a_person("person:bert")
    assert not (await asking("list_entries", pb.ListEntriesRequest(owner="person:ada"), bert)).entries
    assert not (await asking("list_balances", pb.ListBalancesRequest(owner="person:ada"), bert)).balances
    assert not (await asking("list_statements", pb.ListStatementsRequest(owner="person:ada"), bert)).statements
    (hers,) = (await asking("list_statements", pb.ListStatementsRequest(owner="person:ada"), OFFICER)).statements
    said = []
    for statement_id in (hers.statement_id, new_id()):
        with pytest.raises(Refused) as refused:
            await asking("get_statement", pb.GetStatementRequest(statement_id=statement_id), bert)
        said.append((refused.value.reason, refused.value.message.replace(statement_id, "ID")))
    assert said[0] == said[1] and said[0][0] == "STATEMENT_NOT_FOUND"


async def test_pages_neither_skip_nor_repeat(asking: Asking) -> None:
    service, subscription = await a_used_service(asking)
    other, _ = await a_used_service(asking, subject="founder-2")
    for n in range(3):
        await asking.city.deliver(a_use(service, subscription, at=IN_MAY + timedelta(days=31 * n)))
    await settle(asking)
    found = await all_of(asking, "list_entries", pb.ListEntriesRequest(), "entries")
    (total,) = (await asking("get_totals", pb.GetTotalsRequest(), OFFICER)).totals
    assert len({entry.entry_id for entry in found}) == len(found) == total.entries
    assert [entry.entry_id for entry in found] == sorted((entry.entry_id for entry in found), reverse=True)
    accounts = [balance.account for balance in await all_of(asking, "list_balances", pb.ListBalancesRequest(), "balances")]
    assert accounts == sorted(set(accounts)) and len(accounts) == 5
    statements = await all_of(asking, "list_statements", pb.ListStatementsRequest(), "statements")
    assert len({one.statement_id for one in statements}) == len(statements) == 4
    (hers,) = (one for one in statements if one.account == "receivable:person:ada")
    lines = await all_of(asking, "get_statement", pb.GetStatementRequest(statement_id=hers.statement_id), "lines")
    assert {line.service_id for line in lines} == {service, other} and len(lines) == hers.lines == 2
    beyond = pb.GetStatementRequest(statement_id=hers.statement_id)
    beyond.page_token = forged_token(beyond, [2**31])
    assert not (await asking("get_statement", beyond, OFFICER)).lines
