"""The trail on a real database: sealed in batches, only added to, and proved; whoever tampers as the database's superuser is seen."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from city.connectivity.v1.audit_service_pb2 import QueryAuditRequest, VerifyAuditRequest, VerifyAuditResponse
from city.connectivity.v1.seals_pb2 import AuditSealed
from stratapolis.connectivity.denials import RECORDED_A_SECOND, Denials
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.store import audit

from services.connectivity.tests.integration.running import Face, Who

TRIGGERS = "alter table {0} {1} trigger user"


async def proof(city: Face, request: VerifyAuditRequest | None = None) -> VerifyAuditResponse:
    answer: VerifyAuditResponse = await city.call("VerifyAudit", request or VerifyAuditRequest(), city.officer)
    return answer


async def sealed(city: Face, entries: int = 3) -> AuditSealed:
    """Record entries and seal them; the seal as it was published."""
    async with city.under.db.transaction() as tx:
        for number in range(entries):
            await audit.record(tx, Entry(subject=f"person:{number}", action="test", object="thing", detail={"number": str(number)}))
    await city.said()
    await city.under.run("seal_audit")
    (seal,) = [event for event in await city.said() if isinstance(event, AuditSealed)]
    return seal


def publish(city: Face, seal: AuditSealed) -> None:
    """What the follower of the topic does with it."""
    (follows,) = city.under.app.follows
    assert follows.heard is not None
    follows.heard(seal)


async def tamper(city: Face, *statements: str) -> None:
    """Change what no code of ours can: with the triggers off for a moment."""
    async with city.under.db.transaction() as tx:
        for statement in (*_triggers("disable"), *statements, *_triggers("enable")):
            await tx.execute(statement)


def _triggers(what: str) -> list[str]:
    return [TRIGGERS.format(table, what) for table in ("audit", "seal", "sealed")]


async def test_an_untouched_trail_is_whole(city: Face) -> None:
    *_, seal = [await sealed(city) for _ in range(3)]
    publish(city, seal)
    found = await proof(city)
    assert (found.intact, found.seals, found.newest_hash, list(found.faults)) == (True, 3, seal.hash, [])
    (total,) = await city.rows("select (select count(*) from audit) as records, (select count(*) from unsealed) as waiting")
    assert (found.records + found.unsealed, found.unsealed) == (total["records"], total["waiting"])


@pytest.mark.parametrize(
    "statement", ["update audit set subject = 'x'", "delete from audit", "truncate audit cascade", "update seal set records = 1", "delete from sealed"]
)
async def test_the_trail_is_only_added_to(city: Face, statement: str) -> None:
    await sealed(city)
    with pytest.raises(asyncpg.PostgresError, match="only added to"):
        await city.rows(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set detail = '{\"number\": \"9\"}' where subject = 'person:1' and number in (select number from sealed where seal = 2)",
        "delete from sealed where seal = 2 and number = (select max(number) from sealed where seal = 2)",
        "delete from sealed where seal = 2; delete from seal where number = 2",
        "update seal set hash = repeat('0', 64) where number = 2",
        "update audit set recorded_at = recorded_at - interval '1 microsecond' where number in (select number from sealed where seal = 1)",
    ],
    ids=["changed", "dropped", "batch-dropped", "seal-changed", "time-changed"],
)
async def test_a_change_is_seen(city: Face, statement: str) -> None:
    for _ in range(3):
        await sealed(city)
    assert (await proof(city)).intact
    await tamper(city, *statement.split("; "))
    found = await proof(city)
    assert not found.intact and found.faults


async def test_a_cut_tail_is_seen_by_the_published_seal_and_by_who_kept_one(city: Face) -> None:
    await sealed(city)
    newest = await sealed(city)
    await tamper(
        city, "create temp table cut as select number from sealed where seal = 2", "delete from sealed where seal = 2", "delete from seal where number = 2",
        "delete from unsealed where number in (select number from cut)", "delete from audit where number in (select number from cut)",
    )  # fmt: skip
    assert (await proof(city)).intact, "from within, a cut tail cannot be seen"
    assert not (await proof(city, VerifyAuditRequest(seal_number=newest.number, seal_hash=newest.hash))).intact
    publish(city, newest)
    assert not (await proof(city)).intact


async def test_a_record_hidden_from_sealing_is_seen(city: Face) -> None:
    await sealed(city)
    await tamper(city, "delete from unsealed where number = (select max(number) from audit)")
    assert (await proof(city)).intact, "nothing waited"
    async with city.under.db.transaction() as tx:
        await audit.record(tx, Entry(subject="person:9", action="test"))
    await tamper(city, "delete from unsealed where number = (select max(number) from audit)")
    assert not (await proof(city)).intact


async def test_records_committed_out_of_order_are_all_sealed(city: Face) -> None:
    db = city.under.db
    async with db.transaction() as early:
        await audit.record(early, Entry(subject="early", action="test"))
        await sealed(city)
    await city.under.run("seal_audit")
    (row,) = await city.rows("select count(*) as n from sealed join audit using (number) where subject = 'early'")
    assert row["n"] == 1 and (await proof(city)).intact


async def test_only_officers_read_and_half_a_seal_is_refused(city: Face) -> None:
    member = await city.a_member("creator-1")
    for rpc, request in (("QueryAudit", QueryAuditRequest()), ("VerifyAudit", VerifyAuditRequest())):
        assert await city.refused(rpc, request, member) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
    assert await city.refused("VerifyAudit", VerifyAuditRequest(seal_number=1), city.officer) == ("INVALID_ARGUMENT", "INVALID_FIELD")


async def test_logins_and_refused_logins_stand_in_the_trail(city: Face) -> None:
    person = await city.a_person()
    await city.token(person, "data")
    await city.ask(Who(person.subject, city.officer.key))
    logins = (await city.call("QueryAudit", QueryAuditRequest(subject=person.subject, action="login"), city.officer)).records
    assert [(one.object, one.outcome) for one in logins] == [("data", "done")]
    denied = (await city.call("QueryAudit", QueryAuditRequest(object=person.subject, action="deny"), city.officer)).records
    assert [(one.subject, one.outcome, one.detail["reason"]) for one in denied] == [("", "denied", "invalid_client")]


async def test_records_page_without_gaps(city: Face) -> None:
    await sealed(city, 7)
    request, seen = QueryAuditRequest(page_size=3, action="test"), list[str]()
    while True:
        page = await city.call("QueryAudit", request, city.officer)
        seen += [record.subject for record in page.records]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == [f"person:{number}" for number in range(6, -1, -1)]


async def test_denials_past_a_hundred_a_second_are_counted(city: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    denials, second = Denials(city.under.db), [7.5]
    monkeypatch.setattr("stratapolis.connectivity.denials.time.monotonic", lambda: second[0])
    for _ in range(13):
        await asyncio.gather(*(denials.denied("thing:1", "ingress", "DEVICE_NOT_REGISTERED") for _ in range(10)))
    second[0] = 8.5
    async with city.under.db.transaction() as tx:
        await denials.count_denials(tx=tx, at=tx.at)
    rows = await city.rows("select detail from audit where subject = 'thing:1'")
    assert len(rows) == RECORDED_A_SECOND + 1
    assert [row["detail"]["count"] for row in rows if "count" in row["detail"]] == ["30"]
