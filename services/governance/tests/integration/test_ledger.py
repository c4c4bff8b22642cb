"""The ledger on a real database: what is recorded is charged once, shared, settled, and never changed."""

from city.governance.v1 import ledger_service_pb2 as pb
from stratapolis.chassis.ids import new_id

from services.governance.tests.integration.asking import OFFICER, Asking, a_person
from services.governance.tests.integration.paying import MAY, a_paid_service, subscribe, use


async def test_a_use_is_charged_shared_settled_and_seen_by_its_owners(asking: Asking) -> None:
    service = await a_paid_service(asking)
    subscription = await subscribe(asking, service, plan="per-trip")
    await use(asking, service, subscription, quantity=12)
    entries = (await asking("list_entries", pb.ListEntriesRequest(), OFFICER)).entries
    assert {(entry.account.partition(":")[0], entry.amount.units, entry.amount.nanos) for entry in entries} == {
        ("receivable", 1, 200_000_000), ("payable", 0, -840_000_000), ("revenue", 0, -360_000_000),
    }  # fmt: skip
    settled = await asking("run_settlement", pb.RunSettlementRequest(request_id=new_id(), period=MAY), OFFICER)
    assert settled.statements == 3
    mine = (await asking("list_statements", pb.ListStatementsRequest(), a_person("person:ada"))).statements
    assert [(one.account, one.total, one.currency) for one in mine] == [("receivable:person:ada", "1.2", "EUR")]
