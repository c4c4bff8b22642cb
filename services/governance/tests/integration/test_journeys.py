"""Journeys on a real database: what is stored, said, shown and refused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from city.governance.v1 import journey_service_pb2 as pb
from city.governance.v1.events_pb2 import JourneyEnded, ServiceProposed, StageRequested
from city.governance.v1.journey_pb2 import STEP_KIND_ANSWERED, STEP_KIND_ANSWERED_LATE, STEP_KIND_ASKED, STEP_KIND_ENDED, STEP_KIND_PROPOSED, STEP_KIND_SKIPPED
from city.journey.v1 import journey_pb2
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.ids import new_id
from stratapolis.governance.domain import errors
from stratapolis.governance.rpc.journeys import ManifestInvalid

from services.governance.tests.integration.asking import OFFICER, Asking, a_manifest, a_person, an_answer

NO_FUNDS = journey_pb2.Reason(layer="policy", code="NO_FUNDS", field_path="spec.funding[0]", message="the source has not enough left", hint="ask for less")
NO_ROOM = journey_pb2.Reason(layer="infrastructure", code="NO_CAPACITY", message="the pool is full", hint="ask for less")


def of_kind(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


async def the_request(asking: Asking) -> StageRequested:
    """The question just published."""
    requested: StageRequested
    (requested,) = of_kind(await asking.city.published(), StageRequested)
    return requested


async def test_a_free_service_goes_live_without_a_human_step(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await asking.propose(member)
    await asking.go_live(journey.journey_id)
    shown = (await asking("get_journey", pb.GetJourneyRequest(journey_id=journey.journey_id), member)).steps
    assert [step.kind for step in shown if step.kind != STEP_KIND_ANSWERED] == [
        STEP_KIND_PROPOSED,
        STEP_KIND_ASKED,
        STEP_KIND_SKIPPED,
        STEP_KIND_ASKED,
        STEP_KIND_ASKED,
        STEP_KIND_ENDED,
    ]
    assert (await asking.journey(journey.journey_id)).state == journey_pb2.JOURNEY_STATE_LIVE


async def test_a_proposal_says_that_it_began_and_asks_the_four_layers(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    events = await asking.city.published()
    (proposed,), (requested,) = of_kind(events, ServiceProposed), of_kind(events, StageRequested)
    assert (proposed.service_id, proposed.version, proposed.name) == (journey.service_id, 1, "rowing-lessons")
    assert list(requested.layers) == ["policy", "data", "connectivity", "infrastructure"]
    assert requested.until_time == journey.until_time
    assert requested.manifest.metadata.title == "Rowing lessons"
    assert [awaited.party for awaited in journey.awaited] == list(requested.layers)


async def test_two_refusals_end_it_once_with_both_reasons(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    requested = await the_request(asking)
    for layer, reasons in (("policy", (NO_FUNDS,)), ("data", ()), ("connectivity", ()), ("infrastructure", (NO_ROOM,))):
        await asking.city.deliver(an_answer(requested, layer, *reasons), writer=layer)
    (ended,) = of_kind(await asking.city.published(), JourneyEnded)
    assert ended.state == journey_pb2.JOURNEY_STATE_REJECTED
    assert list(ended.reasons) == [NO_FUNDS, NO_ROOM]
    assert list((await asking.journey(journey.journey_id)).reasons) == [NO_FUNDS, NO_ROOM]


async def test_an_unknown_indicator_is_refused_together_with_what_the_layers_find(asking: Asking) -> None:
    await asking.propose(await asking.a_member(), a_manifest(code="smiles"))
    requested = await the_request(asking)
    for layer in requested.layers:
        await asking.city.deliver(an_answer(requested, layer, *((NO_FUNDS,) if layer == "policy" else ())), writer=layer)
    (ended,) = of_kind(await asking.city.published(), JourneyEnded)
    assert [(reason.layer, reason.code, reason.field_path) for reason in ended.reasons] == [
        ("governance", "UNKNOWN_INDICATOR", "spec.outcomes[0].indicator"),
        ("policy", "NO_FUNDS", "spec.funding[0]"),
    ]


async def test_an_answer_after_the_end_is_history_and_nothing_else(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await asking.propose(member)
    requested = await the_request(asking)
    await asking("withdraw_proposal", pb.WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id, reason="the boat sank"), member)
    (ended,) = of_kind(await asking.city.published(), JourneyEnded)
    assert ended.state == journey_pb2.JOURNEY_STATE_WITHDRAWN
    for _ in range(2):
        await asking.city.deliver(an_answer(requested, "policy", NO_FUNDS), writer="policy")
    assert await asking.city.published() == []
    shown = await asking("get_journey", pb.GetJourneyRequest(journey_id=journey.journey_id), member)
    assert shown.journey.state == journey_pb2.JOURNEY_STATE_WITHDRAWN
    assert [step.kind for step in shown.steps].count(STEP_KIND_ANSWERED_LATE) == 1


async def test_an_answer_to_no_journey_is_a_dead_letter(asking: Asking) -> None:
    nowhere = StageRequested(journey_id="nowhere", service_id="nothing", version=1, stage=journey_pb2.STAGE_CLEARING, attempt=1)
    with pytest.raises(errors.JourneyNotFound):
        await asking.city.deliver(an_answer(nowhere, "policy"), writer="policy")


async def test_an_answer_without_an_outcome_is_a_dead_letter(asking: Asking) -> None:
    await asking.propose(await asking.a_member())
    empty = an_answer(await the_request(asking), "policy")
    empty.ClearField("outcome")
    with pytest.raises(Permanent):
        await asking.city.deliver(empty, writer="policy")


async def test_an_officer_decides_where_a_layer_obliges(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    await asking.all_clear(await the_request(asking), journey_pb2.Obligation(code="OFFICER_APPROVAL", message="a street is closed"))
    waiting = await asking.journey(journey.journey_id)
    assert waiting.state == journey_pb2.JOURNEY_STATE_DECIDING
    assert [awaited.party for awaited in waiting.awaited] == ["officer"]
    assert await asking.city.published() == []
    request = pb.DecideProposalRequest(request_id=new_id(), journey_id=journey.journey_id, decision=pb.DECISION_APPROVE, reason="the street is quiet")
    assert (await asking("decide_proposal", request, OFFICER)).journey.state == journey_pb2.JOURNEY_STATE_CONNECTING
    with pytest.raises(errors.JourneyNotDeciding):
        await asking("decide_proposal", request, OFFICER)
    await asking.go_live(journey.journey_id)


async def test_what_is_overdue_ends_with_who_was_silent(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    requested = await the_request(asking)
    await asking.city.deliver(an_answer(requested, "data"), writer="data")
    await asking.city.run("expire_stages")
    assert await asking.city.published() == []
    await make_overdue(asking, journey.journey_id)
    await asking.city.run("expire_stages")
    await asking.city.run("expire_stages")
    (ended,) = of_kind(await asking.city.published(), JourneyEnded)
    assert [(reason.layer, reason.code) for reason in ended.reasons] == [(layer, "NO_ANSWER") for layer in ("policy", "connectivity", "infrastructure")]


async def test_the_expiry_job_leaves_alone_what_somebody_has_in_hand(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    await make_overdue(asking, journey.journey_id)
    async with asking.city.db.transaction() as tx:
        await tx.execute("select 1 from journey for update")
        await asyncio.wait_for(asking.city.run("expire_stages"), 3)
    assert (await asking.journey(journey.journey_id)).state == journey_pb2.JOURNEY_STATE_CLEARING


async def make_overdue(asking: Asking, journey_id: str) -> None:
    async with asking.city.db.transaction() as tx:
        await tx.execute("update journey set until_at = $2 where journey_id = $1", journey_id, tx.at - timedelta(seconds=1))


async def test_a_service_has_one_open_journey(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await asking.propose(member)
    with pytest.raises(errors.JourneyInProgress) as refused:
        await asking.propose(member)
    assert refused.value.details == {"journey_id": journey.journey_id}


async def test_of_many_proposals_at_once_one_is_taken(asking: Asking) -> None:
    member = await asking.a_member()
    outcomes = await asyncio.gather(*(asking.propose(member) for _ in range(6)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Journey", *["JourneyInProgress"] * 5]


async def test_the_database_itself_refuses_a_second_open_journey_and_a_second_end(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    copy = "insert into journey select 'other', service_id, 2, creator_id, creator_name, name, 'other', has_software, state, stage, approved, steps, asks, reasons,"
    with pytest.raises(Exception, match="journey_open"):
        await run(asking, f"{copy} proposed_at, updated_at, until_at, ended_at, kind from journey")
    await asking("withdraw_proposal", pb.WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id), a_person("founder-1", journey.creator_id))
    with pytest.raises(Exception, match="has ended: withdrawn"):
        await run(asking, "update journey set state = 'live'")


async def run(asking: Asking, sql: str) -> None:
    async with asking.city.db.transaction() as tx:
        await tx.execute(sql)


async def test_versions_rise_and_the_service_keeps_its_id(asking: Asking) -> None:
    member = await asking.a_member()
    first = await asking.propose(member)
    await asking("withdraw_proposal", pb.WithdrawProposalRequest(request_id=new_id(), journey_id=first.journey_id), member)
    second = await asking.propose(member)
    assert (second.service_id, first.version, second.version) == (first.service_id, 1, 2)


async def test_nothing_is_withdrawn_after_the_end(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await asking.propose(member)
    await asking.go_live(journey.journey_id)
    with pytest.raises(errors.JourneyHasEnded):
        await asking("withdraw_proposal", pb.WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id), member)


async def test_a_manifest_with_faults_is_told_all_of_them_and_nothing_is_stored(asking: Asking) -> None:
    member = await asking.a_member()
    broken = a_manifest().replace(b"category: leisure", b"category: 7").replace(b"model: free", b"model: gratis")
    with pytest.raises(ManifestInvalid) as refused:
        await asking.propose(member, broken)
    assert [fault.path for fault in refused.value.broken] == ["spec.category", "spec.price.plans[0].model"]
    assert all(fault.message.startswith("line ") for fault in refused.value.broken)
    assert (await asking("list_journeys", pb.ListJourneysRequest(), OFFICER)).journeys == []


async def test_another_owners_journey_looks_like_none(asking: Asking) -> None:
    journey = await asking.propose(await asking.a_member())
    stranger = await asking.a_member("Hill Climbers", "founder-2")
    for method, request in (("get_journey", pb.GetJourneyRequest), ("withdraw_proposal", pb.WithdrawProposalRequest)):
        with pytest.raises(errors.JourneyNotFound) as theirs:
            await asking(method, request(journey_id=journey.journey_id), stranger)
        with pytest.raises(errors.JourneyNotFound) as nobodys:
            await asking(method, request(journey_id="none"), stranger)
        assert theirs.value.message.replace(journey.journey_id, "none") == nobodys.value.message
    with pytest.raises(errors.JourneyNotFound):
        await anext(asking.watch("watch_journey", pb.WatchJourneyRequest(journey_id=journey.journey_id), stranger))
    assert (await asking("batch_get_journeys", pb.BatchGetJourneysRequest(journey_ids=[journey.journey_id]), stranger)).journeys == []
    assert (await asking("list_journeys", pb.ListJourneysRequest(), stranger)).journeys == []


async def test_pages_of_journeys_neither_skip_nor_repeat(asking: Asking) -> None:
    member = await asking.a_member()
    made = [(await asking.propose(member, a_manifest(f"lesson-{number}"))).journey_id for number in range(5)]
    seen, token = [], ""
    for _ in range(3):
        page = await asking("list_journeys", pb.ListJourneysRequest(page_size=2, page_token=token), member)
        seen += [journey.journey_id for journey in page.journeys]
        token = page.next_page_token
    assert (seen, token) == (made[::-1], "")


async def test_lists_are_filtered(asking: Asking) -> None:
    member = await asking.a_member()
    first, second = await asking.propose(member), await asking.propose(member, a_manifest("canoe-lessons"))
    await asking("withdraw_proposal", pb.WithdrawProposalRequest(request_id=new_id(), journey_id=first.journey_id), member)

    async def found(**filters: object) -> list[str]:
        return [journey.name for journey in (await asking("list_journeys", pb.ListJourneysRequest(**filters), OFFICER)).journeys]  # type: ignore[arg-type]

    assert await found(states=[journey_pb2.JOURNEY_STATE_WITHDRAWN]) == ["rowing-lessons"]
    assert await found(service_id=second.service_id) == ["canoe-lessons"]
    assert await found(creator_id=first.creator_id) == ["canoe-lessons", "rowing-lessons"]
    assert await found(creator_id="nobody") == []


async def test_a_watch_sends_what_is_there_and_what_comes_and_ends_with_the_journey(asking: Asking) -> None:
    member = await asking.a_member()
    journey = await asking.propose(member)
    stream = asking.watch("watch_journey", pb.WatchJourneyRequest(journey_id=journey.journey_id), member)
    first = [await anext(stream), await anext(stream)]
    assert [item.step.kind for item in first] == [STEP_KIND_PROPOSED, STEP_KIND_ASKED]
    await asking.go_live(journey.journey_id)
    resumed = asking.watch("watch_journey", pb.WatchJourneyRequest(journey_id=journey.journey_id, cursor=first[-1].cursor), member)
    async with asyncio.timeout(10):
        rest, again = [item async for item in stream], [item async for item in resumed]
    assert rest == again
    assert [item.step.number for item in first + rest] == list(range(1, len(first + rest) + 1))
    assert rest[-1].step.kind == STEP_KIND_ENDED
