"""The trail on a real database: sealed in batches, only added to, and proved; whoever tampers as the database's superuser is seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest
from city.audit.v1.audit_pb2 import AccessDenied
from city.connectivity.v1.audit_service_pb2 import QueryAuditRequest, VerifyAuditRequest, VerifyAuditResponse
from city.connectivity.v1.seals_pb2 import AuditSealed
from stratapolis.chassis.times import to_timestamp
from stratapolis.connectivity.denials import RECORDED_A_SECOND, Denials
from stratapolis.connectivity.domain.audit import Entry, seal
from stratapolis.connectivity.store import audit

from services.connectivity.tests.integration.running import Face, Who

TRIGGERS = "alter table {0} {1} trigger user"


async def proof(city: Face, request: VerifyAuditRequest | None = None) -> VerifyAuditResponse:
    """The whole trail's, page by page, as one answer."""
    asked, whole, token = request or VerifyAuditRequest(), VerifyAuditResponse(intact=True), await city.token(city.officer)
    while True:
        page: VerifyAuditResponse = await city.call("VerifyAudit", asked, None, token=token)
        whole.MergeFrom(VerifyAuditResponse(faults=page.faults, newest_hash=page.newest_hash))
        whole.intact, whole.unsealed = whole.intact and page.intact, page.unsealed
        whole.seals, whole.records = whole.seals + page.seals, whole.records + page.records
        if not page.next_page_token:
            return whole
        asked.page_token = page.next_page_token


async def sealed(city: Face, entries: int = 3) -> AuditSealed:
    """Record entries and seal them; the seal as it was published."""
    async with city.under.db.transaction() as tx:
        for number in range(entries):
            await audit.record(tx, Entry(subject=f"person:{number}", action="test", object="thing", detail={"number": str(number)}))
    await city.said()
    await city.under.run("seal_audit")
    (made,) = [event for event in await city.said() if isinstance(event, AuditSealed)]
    return made


def publish(city: Face, newest: AuditSealed) -> None:
    """What the follower of the topic does with it."""
    (follows,) = city.under.app.follows
    assert follows.heard is not None
    follows.heard(newest)


async def tamper(city: Face, *statements: str) -> None:
    """Change what no code of ours can: with the triggers off for a moment."""
    async with city.under.db.transaction() as tx:
        for statement in (*_triggers("disable"), *statements, *_triggers("enable")):
            await tx.execute(statement)


def _triggers(what: str) -> list[str]:
    return [TRIGGERS.format(table, what) for table in ("audit", "seal", "sealed")]


async def test_an_untouched_trail_is_whole(city: Face) -> None:
    *_, newest = [await sealed(city) for _ in range(3)]
    publish(city, newest)
    found = await proof(city)
    assert (found.intact, found.seals, found.newest_hash, list(found.faults)) == (True, 3, newest.hash, [])
    (total,) = await city.rows("select (select count(*) from audit) as records, (select count(*) from unsealed) as waiting")
    assert (found.records + found.unsealed, found.unsealed) == (total["records"], total["waiting"])


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_a_trail_is_proved_page_by_page(city: Face, size: int) -> None:
    *_, newest = [await sealed(city, 2) for _ in range(4)]
    publish(city, newest)
    whole, paged = await proof(city), await proof(city, VerifyAuditRequest(page_size=size))
    paged.unsealed = whole.unsealed  # the second proof's own login
    assert paged == whole and (paged.intact, paged.seals, paged.newest_hash) == (True, 4, newest.hash)
    first = await city.call("VerifyAudit", VerifyAuditRequest(page_size=size), city.officer)
    assert (first.seals, bool(first.next_page_token)) == (size, True)


async def test_a_page_of_a_proof_ends_where_many_records_lie_under_its_seals(city: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await sealed(city, 5)
    monkeypatch.setattr("stratapolis.connectivity.rpc.audit.RECORDS_A_PAGE", 6)
    first = await city.call("VerifyAudit", VerifyAuditRequest(), city.officer)
    assert first.seals < 4 and first.next_page_token
    whole = await proof(city)
    assert (whole.intact, whole.seals) == (True, 4)


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_a_seal_changed_between_two_pages_is_seen_by_the_page_after(city: Face, size: int) -> None:
    """Whoever writes a batch anew and seals it anew, while its page is done, is caught by the seal that the caller carries on."""
    for _ in range(3):
        await sealed(city)
    first = await city.call("VerifyAudit", VerifyAuditRequest(page_size=1), city.officer)
    anew = await _sealed_anew(city)
    await tamper(city, "update audit set subject = 'forged' where number = (select min(number) from sealed where seal = 1)", anew)
    going_on = await city.call("VerifyAudit", VerifyAuditRequest(page_size=size, page_token=first.next_page_token), city.officer)
    assert going_on.intact, "the seals behind it were made over the one that was there"
    assert not (await proof(city, VerifyAuditRequest(page_size=size))).intact


async def _sealed_anew(city: Face) -> str:
    """The statement that gives the first seal the hash which it would have over its records with the first one's subject changed."""
    async with city.under.db.transaction() as tx:
        first, *others = await audit.under(tx, 1)
    made = seal(None, [replace(first, entry=replace(first.entry, subject="forged")), *others], at=first.at)
    return f"update seal set hash = '{made.hash}' where number = 1"  # noqa: S608 - a hash of ours


async def test_a_record_hidden_on_any_page_is_seen(city: Face) -> None:
    for _ in range(3):
        await sealed(city)
    await tamper(
        city, "delete from sealed where number = (select max(number) from sealed where seal = 1)", "update seal set records = records - 1 where number = 1"
    )
    first = await city.call("VerifyAudit", VerifyAuditRequest(page_size=1), city.officer)
    assert any("neither wait" in fault.message for fault in (await proof(city, VerifyAuditRequest(page_size=1))).faults)
    assert not first.intact


async def test_a_forged_page_token_is_refused(city: Face) -> None:
    await sealed(city)
    assert await city.refused("VerifyAudit", VerifyAuditRequest(page_token="x"), city.officer) == ("INVALID_ARGUMENT", "INVALID_FIELD")


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


async def test_what_other_layers_denied_stands_in_the_trail_and_is_sealed(city: Face) -> None:
    first, last = datetime(2026, 5, 4, 10, tzinfo=UTC), datetime(2026, 5, 4, 10, 0, 0, 900_000, tzinfo=UTC)
    said = AccessDenied(
        layer="policy", rpc="city.policy.v1.PolicyService.PublishPolicy", subject="person:1", reason="CALLER_NOT_ALLOWED", count=7,
        first_time=to_timestamp(first), last_time=to_timestamp(last),
    )  # fmt: skip
    await city.under.deliver(said, writer="policy")
    query = QueryAuditRequest(object=said.rpc, subject="person:1", action="deny")
    (record,) = (await city.call("QueryAudit", query, city.officer)).records
    assert dict(record.detail) == {"layer": "policy", "reason": said.reason, "count": "7", "first": first.isoformat(), "last": last.isoformat()}
    assert (record.outcome, record.seal) == ("denied", 0)
    await city.under.run("seal_audit")
    (record,) = (await city.call("QueryAudit", query, city.officer)).records
    assert record.seal > 0 and (await proof(city)).intact


async def test_denials_too_many_to_be_told_apart_are_marked(city: Face) -> None:
    now = to_timestamp(datetime.now(UTC))
    await city.under.deliver(AccessDenied(layer="data", rpc="r", reason="NO_TOKEN", count=9, first_time=now, last_time=now, merged=True), writer="data")
    (record,) = (await city.call("QueryAudit", QueryAuditRequest(object="r"), city.officer)).records
    assert (record.subject, record.detail["merged"], record.detail["count"]) == ("", "true", "9")


async def test_what_connectivity_denies_itself_stands_in_the_trail(city: Face) -> None:
    member = await city.a_member("creator-1")
    for _ in range(3):
        await city.refused("QueryAudit", QueryAuditRequest(), member)
    assert city.under.app.on_denials is not None
    await city.denials.tell(city.under.db, city.under.app.on_denials)
    records = (await city.call("QueryAudit", QueryAuditRequest(subject=member.subject, action="deny"), city.officer)).records
    assert {(one.object, one.detail["layer"], one.detail["reason"]) for one in records} == {
        ("city.connectivity.v1.AuditService.QueryAudit", "connectivity", "CALLER_NOT_ALLOWED")
    }
    assert sum(int(one.detail["count"]) for one in records) == 3


async def test_very_many_records_are_sealed_in_one_turn_seal_by_seal(city: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratapolis.connectivity.jobs.BATCH", 10)
    async with city.under.db.transaction() as tx:
        for number in range(35):
            await audit.record(tx, Entry(subject=f"person:{number}", action="test"))
    await city.under.run("seal_audit")
    (waiting,) = await city.rows("select count(*) as n from unsealed")
    found = await proof(city)
    assert (found.intact, waiting["n"]) == (True, 0) and found.seals >= 4


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
