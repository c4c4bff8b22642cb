"""Requests have a due time, are moved on by who offers the service, and never pass the due time in silence."""

from typing import Any

import pytest
from city.types.v1.types_pb2 import Place
from city.value_catalog.v1 import request_service_pb2 as pb
from city.value_catalog.v1.events_pb2 import RequestOpened, RequestOverdue, RequestUpdated
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.value_catalog.domain import errors

from services.value_catalog.tests.builders import ADA, BEN, MEMBER, OFFICER, STRANGER, Layer, a_manifest, the_system

HOURS = 48
PAST_DUE = "update service_case set opened_at = now() - interval '50 hours', due_at = now() - interval '2 hours', updated_at = now() - interval '50 hours'"


async def a_service(layer: Layer) -> str:
    (service_id,) = await layer.publish(a_manifest(answer_within_hours=HOURS))
    return service_id


async def open_one(layer: Layer, service_id: str, caller: Caller = ADA) -> Any:
    request = pb.OpenRequestRequest(
        request_id=new_id(), service_id=service_id, description="The lamp before my door is out.", place=Place(latitude=52.5, longitude=13.4)
    )
    return (await layer.call(layer.requests.open_request, request, caller)).case


async def update(layer: Layer, case_id: str, state: pb.CaseState.ValueType, answer: str = "", caller: Caller = MEMBER) -> Any:
    request = pb.UpdateRequestRequest(request_id=new_id(), case_id=case_id, state=state, answer=answer)
    return (await layer.call(layer.requests.update_request, request, caller)).case


async def listed(layer: Layer, caller: Caller, **asked: Any) -> list[str]:
    return [one.case_id for one in (await layer.call(layer.requests.list_requests, pb.ListRequestsRequest(**asked), caller)).cases]


async def test_a_request_is_due_as_the_manifest_says_and_said_without_its_words(layer: Layer) -> None:
    service_id = await a_service(layer)
    case = await open_one(layer, service_id)
    assert (case.due_time.ToDatetime() - case.open_time.ToDatetime()).total_seconds() == HOURS * 3600
    assert (case.state, case.opener, case.overdue, case.place.latitude) == (pb.CASE_STATE_OPEN, "person-ada", False, 52.5)
    (event,) = await layer.under.published()
    assert event == RequestOpened(service_id=service_id, case_id=case.case_id, due_time=case.due_time, opened_time=case.open_time)
    got = await layer.call(layer.requests.get_request, pb.GetRequestRequest(case_id=case.case_id))
    assert got.case == case


async def test_a_service_that_takes_no_requests_says_so(layer: Layer) -> None:
    (service_id,) = await layer.publish(a_manifest())
    with pytest.raises(errors.RequestsNotTaken):
        await open_one(layer, service_id)
    with pytest.raises(errors.ServiceNotFound):
        await open_one(layer, "nowhere")


@pytest.mark.parametrize(("end", "word"), [(pb.CASE_STATE_CLOSED, "closed"), (pb.CASE_STATE_REFUSED, "refused")])
async def test_a_request_is_acknowledged_and_ended_with_an_answer(layer: Layer, end: pb.CaseState.ValueType, word: str) -> None:
    service_id = await a_service(layer)
    case = await open_one(layer, service_id)
    await update(layer, case.case_id, pb.CASE_STATE_ACKNOWLEDGED, caller=the_system(service_id, creator=""))
    with pytest.raises(errors.AnswerMissing):
        await update(layer, case.case_id, end, "  ")
    ended = await update(layer, case.case_id, end, "A new lamp shines.")
    assert (ended.state, ended.answer, ended.overdue) == (end, "A new lamp shines.", False)
    events = await layer.under.published()
    assert [event.state for event in events if isinstance(event, RequestUpdated)] == ["acknowledged", word]
    assert events[-1].due_time == case.due_time and events[-1].update_time == ended.update_time  # type: ignore[attr-defined]
    with pytest.raises(errors.CaseNotInState):
        await update(layer, case.case_id, pb.CASE_STATE_ACKNOWLEDGED)


async def test_a_request_is_closed_once_whatever_runs_at_once(layer: Layer) -> None:
    case = await open_one(layer, await a_service(layer))
    closing = [update(layer, case.case_id, pb.CASE_STATE_CLOSED, "done") for _ in range(4)]
    results = await layer.at_once("select from service_case", *closing)
    assert sum(isinstance(one, errors.CaseNotInState) for one in results) == 3


async def test_who_asked_does_not_move_it_on_and_for_others_it_is_not_there(layer: Layer) -> None:
    case = await open_one(layer, await a_service(layer))
    with pytest.raises(errors.NotTheProvider):
        await update(layer, case.case_id, pb.CASE_STATE_CLOSED, "done", caller=ADA)
    for caller in (BEN, STRANGER, the_system("another", "creator-other")):
        for work in (
            update(layer, case.case_id, pb.CASE_STATE_CLOSED, "done", caller=caller),
            layer.call(layer.requests.get_request, pb.GetRequestRequest(case_id=case.case_id), caller),
        ):
            with pytest.raises(Refused) as refused:
                await work
            assert refused.value.reason == "CASE_NOT_FOUND"


async def test_each_sees_its_own_requests(layer: Layer) -> None:
    service_id = await a_service(layer)
    (other,) = await layer.publish(a_manifest(answer_within_hours=1), creator_id="creator-other")
    mine, theirs = (await open_one(layer, service_id)).case_id, (await open_one(layer, other, BEN)).case_id
    assert await listed(layer, ADA) == await listed(layer, MEMBER) == await listed(layer, the_system(service_id, creator="")) == [mine]
    assert await listed(layer, BEN) == await listed(layer, STRANGER) == [theirs]
    assert await listed(layer, OFFICER) == [theirs, mine]
    assert await listed(layer, BEN, service_id=service_id) == []
    await update(layer, mine, pb.CASE_STATE_CLOSED, "done")
    assert await listed(layer, OFFICER, states=[pb.CASE_STATE_CLOSED]) == [mine]
    assert await listed(layer, OFFICER, service_id=other, states=[pb.CASE_STATE_CLOSED]) == []


async def test_a_passed_due_time_is_said_once(layer: Layer) -> None:
    service_id = await a_service(layer)
    late, answered = await open_one(layer, service_id), await open_one(layer, service_id)
    await update(layer, answered.case_id, pb.CASE_STATE_CLOSED, "done")
    await layer.under.run("note_overdue")
    await layer.under.published()
    async with layer.db.transaction() as tx:
        await tx.execute(PAST_DUE)
        due = await tx.value("select due_at from service_case where case_id = $1", late.case_id)
    await layer.under.run("note_overdue")
    await layer.under.run("note_overdue")
    (event,) = await layer.under.published()
    assert isinstance(event, RequestOverdue)
    assert event.case_id == late.case_id and event.due_time.ToDatetime(tzinfo=due.tzinfo) == due
    assert await listed(layer, MEMBER, overdue_only=True) == [late.case_id]
    closed = await update(layer, late.case_id, pb.CASE_STATE_CLOSED, "sorry")
    assert closed.overdue
    assert await listed(layer, MEMBER, overdue_only=True) == [late.case_id]


async def test_pages_of_requests_skip_and_repeat_nothing(layer: Layer) -> None:
    service_id = await a_service(layer)
    opened = [(await open_one(layer, service_id)).case_id for _ in range(7)]
    request, seen = pb.ListRequestsRequest(page_size=3), list[str]()
    while True:
        answer = await layer.call(layer.requests.list_requests, request)
        seen += [one.case_id for one in answer.cases]
        await update(layer, opened[0], pb.CASE_STATE_ACKNOWLEDGED) if len(seen) == 3 else None
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert seen == opened[::-1]
