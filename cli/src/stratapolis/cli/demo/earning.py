"""Chapter 6: what was used is charged, shared by the signed agreement, taken back once, and settled into statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import grpc
from city.governance.v1 import ledger_service_pb2 as pb
from city.governance.v1.ledger_pb2 import CHARGE_KIND_ROUNDING, Entry
from city.governance.v1.ledger_service_pb2_grpc import LedgerServiceStub
from city.policy.v1.agreement_service_pb2 import ListAgreementsRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.value_catalog.v1.subscription_service_pb2 import SubscribeRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.money import to_decimal
from stratapolis.cli.demo import living
from stratapolis.cli.demo.story import Story, refused
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity
from stratapolis.cli.screen import money
from stratapolis.cli.session import pages

SERVICE = "traffic-guide"
BILLIONTH = Decimal("1e-9")


async def earning(story: Story) -> None:
    """Charges, shares, a reversal, a settlement, and what comes after it."""
    story.chapter(6, "Charged, shared and settled")
    fleet = await subscribe_fleet(story)
    charged = await charges(story, story.residents["driver"], at_least=story.answered)
    await shared(story, await charges(story, fleet, at_least=1))
    await shared(story, charged)
    await taken_back(story, charged[-1])
    await balanced(story)
    period = await settled(story, fleet)
    await comes_late(story, period)


def shown(entry: Entry) -> str:
    """An amount as people read it."""
    return money(to_decimal(entry.amount), entry.amount.currency_code)


def added(entries: Iterable[Entry]) -> Decimal:
    """What entries come to."""
    return sum((to_decimal(entry.amount) for entry in entries), Decimal(0))


async def subscribe_fleet(story: Story) -> Identity:
    """A business takes the plan with a monthly fee."""
    fleet = await story.city.enrol(f"fleet {story.run}")
    stub = story.city.stub(SubscriptionServiceStub, "value_catalog", as_=fleet)
    await stub.Subscribe(SubscribeRequest(request_id=new_id(), service_id=story.services[SERVICE], plan="fleet"))
    return fleet


async def charges(story: Story, subscriber: Identity, *, at_least: int) -> list[Entry]:
    """What a subscriber owes, as it sees that itself, once so much of it is charged."""
    found: list[Entry] = []
    stub = story.city.stub(LedgerServiceStub, "governance", as_=subscriber)

    async def charged() -> bool:
        found[:] = await pages(stub.ListEntries, pb.ListEntriesRequest(), "entries", 1_000)
        return len(found) >= at_least

    await until(charged, f"{at_least} charges of {subscriber.name}", within=30)
    story.hold(len({entry.source for entry in found}) == len(found), "each use is charged once")
    story.hold({entry.account for entry in found} == {f"receivable:{subscriber.subject}"}, "a subscriber sees its own account and no other")
    rows = [(entry.source.partition(":")[0], entry.service_period, entry.period, shown(entry)) for entry in found]
    story.show(f"what {subscriber.name} is charged", ("for a", "earned in", "settled in", "amount"), rows)
    return found


async def shared(story: Story, charged: list[Entry]) -> None:
    """Each party of the signed agreement is owed its share of every charge, to the billionth."""
    company = story.creators["company"]
    (agreement,) = (await story.city.stub(AgreementServiceStub, "policy", as_=company.founder).ListAgreements(ListAgreementsRequest())).agreements
    points = {"revenue:city" if share.party == "city" else f"payable:{share.party}": share.basis_points for share in agreement.shares}
    whole, parts = added(charged), defaultdict[str, Decimal](Decimal)
    for entry in await entries(story, service_id=story.services[SERVICE]):
        if entry.account in points and entry.charge_id in {one.charge_id for one in charged}:
            parts[entry.account] -= to_decimal(entry.amount)
    story.hold(sum(parts.values()) == whole, f"the parties are owed what was charged, {whole}, not {sum(parts.values())}")
    for account, share in points.items():
        due = whole * share / 10_000
        story.hold(abs(parts[account] - due) < BILLIONTH * len(charged), f"{account} is owed {due}, not {parts[account]}")
    names = {f"payable:{creator.creator_id}": creator.name for creator in story.creators.values()} | {"revenue:city": "the city"}
    currency = charged[0].amount.currency_code
    rows = [(names[account], f"{share / 100:g} %", money(parts[account], currency)) for account, share in points.items()]
    story.show(f"shares of {money(whole, currency)}", ("party", "by the agreement", "is owed"), rows)


async def taken_back(story: Story, entry: Entry) -> None:
    """An officer reverses a charge, once."""
    stub = story.city.stub(LedgerServiceStub, "governance")
    asked = pb.ReverseChargeRequest(request_id=new_id(), charge_id=entry.charge_id, reason="the counter was blocked by roadworks")
    mirror = await stub.ReverseCharge(asked)
    back = {one.account: to_decimal(one.amount) for one in mirror.entries}
    story.hold(back[entry.account] == -to_decimal(entry.amount), "a reversal gives back what was charged")
    async with refused(story, grpc.StatusCode.FAILED_PRECONDITION, "CHARGE_ALREADY_REVERSED") as said:
        await stub.ReverseCharge(pb.ReverseChargeRequest(request_id=new_id(), charge_id=entry.charge_id, reason="once more"))
    story.tell(f"an officer takes one charge of {shown(entry)} back; a second time is refused: “{said[0]}”.")


async def balanced(story: Story) -> None:
    """Debits are credits, in each currency."""
    totals = (await story.city.stub(LedgerServiceStub, "governance").GetTotals(pb.GetTotalsRequest())).totals
    story.hold(totals and all(total.debits == total.credits for total in totals), f"debits are credits: {list(totals)}")
    story.show("the whole ledger", ("currency", "debits", "credits", "entries"), [(t.currency, t.debits, t.credits, t.entries) for t in totals])


async def settled(story: Story, fleet: Identity) -> str:
    """The month that is posted to is closed: statements for who owes and for who is owed."""
    officer = story.city.stub(LedgerServiceStub, "governance")
    period = (await officer.ListPeriods(pb.ListPeriodsRequest(page_size=1))).posting_period.period
    await officer.RunSettlement(pb.RunSettlementRequest(request_id=new_id(), period=period), timeout=30)
    async with refused(story, grpc.StatusCode.FAILED_PRECONDITION, "PERIOD_CLOSED") as said:
        await officer.RunSettlement(pb.RunSettlementRequest(request_id=new_id(), period=period))
    company, university = story.creators["company"], story.creators["university"]
    readers = [("driver", story.residents["driver"]), ("fleet", fleet), (company.name, company.founder), (university.name, university.founder)]
    rows = [row for name, reader in (*readers, ("the city", story.city.officer)) for row in await statement_rows(story, name, reader, period)]
    story.tell(f"{period} is settled, ahead of its end since this is a story; a second time is refused: “{said[0]}”.")
    story.show(f"statements of {period}", ("of", "lines", "exactly", "", "amount"), rows)
    return period


async def statement_rows(story: Story, name: str, reader: Identity, period: str) -> list[tuple[str, int, str, str, str]]:
    """The reader's own statements of a period (an officer's are the city's), held against the entries that they are made of."""
    stub, rows = story.city.stub(LedgerServiceStub, "governance", as_=reader), []
    asked = pb.ListStatementsRequest(period=period, owner="city" if reader == story.city.officer else "")
    for statement in await pages(stub.ListStatements, asked, "statements", 10):
        lines = await pages(stub.GetStatement, pb.GetStatementRequest(statement_id=statement.statement_id), "lines", 10_000)
        of_it = [e for e in await entries(story, period=period, account=statement.account) if e.amount.currency_code == statement.currency]
        exact, total = added(e for e in of_it if e.kind != CHARGE_KIND_ROUNDING), Decimal(statement.total)
        story.hold(total == sum(Decimal(line.amount) for line in lines) == added(of_it), f"{statement.account} adds up to {total}")
        story.hold(abs(total - exact) <= Decimal("0.005") * len(lines), f"{total} is {exact}, rounded line by line")
        owes = "owes" if total > 0 else "is owed"
        rows.append((name, len(lines), money(exact, statement.currency), owes, money(abs(total), statement.currency)))
    story.hold(rows, f"there is a statement of {period} for {name}")
    return rows


async def comes_late(story: Story, period: str) -> None:
    """The month is used after it was settled: the use is posted to the next open one, and says when it was earned."""
    driver = story.residents["driver"]
    before = len(await entries(story, account=f"receivable:{driver.subject}"))
    await living.ask_once_more(story)
    found: list[Entry] = []

    async def charged() -> bool:
        found[:] = await entries(story, account=f"receivable:{driver.subject}")
        return len(found) > before

    await until(charged, "the late use to be charged", within=30)
    story.hold(found[0].period > period, f"nothing is posted to {period} any more")
    story.hold(found[0].service_period <= period, "the use says in which month it was earned")
    story.tell(f"one more answer: {shown(found[0])}, earned in {found[0].service_period}, settled in {found[0].period}.")


async def entries(story: Story, *, service_id: str = "", account: str = "", period: str = "") -> list[Entry]:
    """Entries as an officer sees them, newest first."""
    asked = pb.ListEntriesRequest(service_id=service_id, account=account, period=period)
    return await pages(story.city.stub(LedgerServiceStub, "governance").ListEntries, asked, "entries", 100_000)
