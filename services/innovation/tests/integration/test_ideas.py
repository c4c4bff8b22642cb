"""The board on real PostgreSQL: one vote an identity, every step told in order, who may do what to whose idea."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from city.innovation.v1 import challenge_service_pb2 as challenges_pb
from city.innovation.v1 import idea_pb2
from city.innovation.v1 import idea_service_pb2 as pb
from city.innovation.v1.events_pb2 import IdeaDropped, IdeaShortlisted, IdeaSubmitted, IdeaSupported
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.innovation.domain import errors
from stratapolis.innovation.rpc import ideas as servicer
from stratapolis.innovation.store import ideas as store

from services.innovation.tests.builders import ADA, BEN, HARBOUR, LANTERN, MIA, OLGA, SAM, Layer, a_person


async def support(layer: Layer, idea_id: str, caller: Caller = BEN) -> Any:
    return (await layer("support_idea", pb.SupportIdeaRequest(request_id=new_id(), idea_id=idea_id), caller)).idea


async def unsupport(layer: Layer, idea_id: str, caller: Caller = BEN) -> Any:
    return (await layer("withdraw_support", pb.WithdrawSupportRequest(request_id=new_id(), idea_id=idea_id), caller)).idea


async def shortlist(layer: Layer, idea_id: str, lead: str = "") -> Any:
    return (await layer("shortlist_idea", pb.ShortlistIdeaRequest(request_id=new_id(), idea_id=idea_id, lead=lead), OLGA)).idea


async def drop(layer: Layer, idea_id: str) -> Any:
    return (await layer("drop_idea", pb.DropIdeaRequest(request_id=new_id(), idea_id=idea_id, reason="too dear"), OLGA)).idea


async def listed(layer: Layer, caller: Caller = BEN, **asked: Any) -> list[str]:
    return [idea.idea_id for idea in (await layer("list_ideas", pb.ListIdeasRequest(**asked), caller)).ideas]


async def test_an_idea_comes_onto_the_board_and_only_its_proposer_is_told_whose_it_is(layer: Layer) -> None:
    idea = await layer.submit(ADA)
    assert (idea.state, idea.supporters, idea.mine) == (idea_pb2.IDEA_STATE_SUBMITTED, 0, True)
    assert await layer.under.published() == [IdeaSubmitted(idea_id=idea.idea_id, title="Lamps that see")]
    assert not (await layer.idea(idea.idea_id, BEN)).idea.mine and not (await layer.idea(idea.idea_id, OLGA)).idea.mine
    with pytest.raises(errors.IdeaNotFound):
        await layer.idea("nowhere")


async def test_fifty_votes_of_one_identity_at_once_are_one(layer: Layer) -> None:
    idea = await layer.submit()
    results = await layer.at_once("select from idea", [support(layer, idea.idea_id) for _ in range(50)], waiting=7)
    assert sorted(type(one).__name__ for one in results) == ["AlreadySupported"] * 49 + ["Idea"]
    found = await layer.idea(idea.idea_id, BEN)
    assert (found.idea.supporters, found.supported) == (1, True)
    assert await layer.value("select count(*) from support") == 1
    said = [event for event in await layer.under.published() if isinstance(event, IdeaSupported)]
    assert said == [IdeaSupported(idea_id=idea.idea_id, supporters=1)]


async def test_votes_of_many_at_once_are_all_counted_and_one_may_be_taken_back(layer: Layer) -> None:
    idea = await layer.submit()
    await layer.at_once("select from idea", [support(layer, idea.idea_id, a_person(str(n))) for n in range(30)], waiting=7)
    assert (await unsupport(layer, idea.idea_id, a_person("7"))).supporters == 29
    with pytest.raises(errors.NotSupported):
        await unsupport(layer, idea.idea_id, a_person("7"))
    assert await layer.value("select count(*) from support") == 29
    assert (await support(layer, idea.idea_id, a_person("7"))).supporters == 30


async def test_two_members_of_one_value_creator_have_a_vote_each_but_none_for_their_own_idea(layer: Layer) -> None:
    mine, theirs = await layer.submit(MIA), await layer.submit(SAM)
    colleague = Caller(subject="person-max", kind="person", creator=LANTERN)
    assert [(await support(layer, theirs.idea_id, one)).supporters for one in (MIA, colleague)] == [1, 2]
    for one in (MIA, colleague):
        with pytest.raises(errors.OwnIdea):
            await support(layer, mine.idea_id, one)


async def test_an_idea_answers_a_challenge_that_is_open(layer: Layer) -> None:
    request = challenges_pb.OpenChallengeRequest(request_id=new_id(), title="Dark paths", description="Paths that people avoid at night.")
    challenge = (await layer("open_challenge", request, OLGA)).challenge
    idea = await layer.submit(challenge_id=challenge.challenge_id)
    assert (await layer("get_challenge", challenges_pb.GetChallengeRequest(challenge_id=challenge.challenge_id))).challenge.ideas == 1
    assert await listed(layer, challenge_id=challenge.challenge_id) == [idea.idea_id]
    await layer.submit()
    assert await listed(layer, challenge_id=challenge.challenge_id) == [idea.idea_id]
    close = challenges_pb.CloseChallengeRequest(request_id=new_id(), challenge_id=challenge.challenge_id, reason="it is lit")
    assert (await layer("close_challenge", close, OLGA)).challenge.close_reason == "it is lit"
    for work in (layer.submit(challenge_id=challenge.challenge_id), layer("close_challenge", close, OLGA)):
        with pytest.raises(errors.ChallengeClosed):
            await work
    with pytest.raises(errors.ChallengeNotFound):
        await layer.submit(challenge_id="nowhere")


async def test_an_officer_shortlists_for_a_lead_that_governance_has_accepted(layer: Layer) -> None:
    idea, ours = await layer.submit(ADA), await layer.submit(MIA)
    with pytest.raises(errors.LeadNotFound):
        await shortlist(layer, idea.idea_id, LANTERN)
    with pytest.raises(errors.LeadMissing):
        await shortlist(layer, ours.idea_id)
    await layer.creators()
    with pytest.raises(errors.LeadMissing):
        await shortlist(layer, idea.idea_id)
    await layer.under.published()
    assert (await shortlist(layer, idea.idea_id, HARBOUR)).lead == HARBOUR
    assert (await shortlist(layer, ours.idea_id)).lead == LANTERN
    assert (await layer.under.published())[0] == IdeaShortlisted(idea_id=idea.idea_id, title="Lamps that see", lead=HARBOUR)
    with pytest.raises(errors.IdeaNotInState):
        await shortlist(layer, idea.idea_id, HARBOUR)


async def test_only_its_proposer_takes_an_idea_back_and_an_end_is_final(layer: Layer) -> None:
    idea, other = await layer.submit(ADA), await layer.submit(ADA)
    withdraw = pb.WithdrawIdeaRequest(request_id=new_id(), idea_id=idea.idea_id, reason="a better one")
    for caller in (BEN, OLGA):
        with pytest.raises(errors.NotTheProposer):
            await layer("withdraw_idea", withdraw, caller)
    await layer.under.published()
    assert (await layer("withdraw_idea", withdraw, ADA)).idea.state == idea_pb2.IDEA_STATE_WITHDRAWN
    assert (await drop(layer, other.idea_id)).reason == "too dear"
    assert await layer.under.published() == [
        IdeaDropped(idea_id=idea.idea_id, title="Lamps that see", withdrawn=True), IdeaDropped(idea_id=other.idea_id, title="Lamps that see")
    ]  # fmt: skip
    for work in (layer("withdraw_idea", withdraw, ADA), support(layer, idea.idea_id), drop(layer, other.idea_id), unsupport(layer, other.idea_id)):
        with pytest.raises(errors.IdeaNotInState):
            await work
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await layer.value("update idea set state = 'submitted', ended_at = null where idea_id = $1", idea.idea_id)


async def test_ideas_are_listed_by_support_and_by_state_and_pages_repeat_nothing(layer: Layer) -> None:
    ideas = [(await layer.submit(ADA if n % 2 else SAM)).idea_id for n in range(5)]
    for n, idea_id in enumerate(ideas):
        for voter in range(n):
            await support(layer, idea_id, a_person(str(voter)))
    await drop(layer, ideas[0])
    assert await listed(layer) == ideas[::-1]
    assert await listed(layer, states=[idea_pb2.IDEA_STATE_DROPPED]) == [ideas[0]]
    assert await listed(layer, ADA, mine=True) == [ideas[3], ideas[1]]
    request, seen = pb.ListIdeasRequest(page_size=2), list[str]()
    while True:
        page = await layer("list_ideas", request)
        seen += [idea.idea_id for idea in page.ideas]
        if not (token := page.next_page_token):
            break
        request.page_token = token
    assert seen == ideas[::-1]


async def test_the_proposer_hears_of_every_step_and_nobody_else_does(layer: Layer) -> None:
    idea_id, _ = await layer.piloted("9")
    other = await layer.submit(SAM)
    await layer("graduate_idea", pb.GraduateIdeaRequest(request_id=new_id(), idea_id=idea_id), OLGA)
    kinds = ["SUBMITTED", "SHORTLISTED", "PILOT_BOOKED", "PILOT_STARTED", "PILOT_COMPLETED", "GRADUATED"]
    way = (await layer.idea(idea_id)).steps
    assert [idea_pb2.IdeaStepKind.Name(step.kind).removeprefix("IDEA_STEP_KIND_") for step in way] == kinds
    news = (await layer("list_news", pb.ListNewsRequest(), ADA)).steps
    assert list(news) == list(way)[::-1]
    first = await layer("list_news", pb.ListNewsRequest(page_size=4), ADA)
    rest = await layer("list_news", pb.ListNewsRequest(page_size=4, page_token=first.next_page_token), ADA)
    assert [*first.steps, *rest.steps] == list(news) and not rest.next_page_token
    assert [step.idea_id for step in (await layer("list_news", pb.ListNewsRequest(), SAM)).steps] == [other.idea_id]
    assert not (await layer("list_news", pb.ListNewsRequest(), BEN)).steps


async def test_the_way_of_an_idea_is_its_newest_steps(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LONGEST_WAY", 4)
    idea_id, _ = await layer.piloted("9")
    assert [idea_pb2.IdeaStepKind.Name(step.kind)[15:] for step in (await layer.idea(idea_id)).steps] == [
        "SHORTLISTED", "PILOT_BOOKED", "PILOT_STARTED", "PILOT_COMPLETED"
    ]  # fmt: skip


async def test_a_watch_tells_the_board_on_from_its_cursor_without_a_gap(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servicer, "AT_ONCE", 3)
    ideas = [(await layer.submit(ADA if n % 2 else SAM)).idea_id for n in range(4)]
    await asyncio.gather(*(support(layer, idea_id, a_person(str(n))) for idea_id in ideas for n in range(5)))
    seen: list[Any] = []
    async with asyncio.timeout(20):
        async for item in layer.watch(pb.WatchBoardRequest(), BEN):
            seen.append(item)
            if len(seen) == 24:
                break
    assert [int(item.cursor) for item in seen] == [item.step.number for item in seen] == list(range(1, 25))
    assert {item.step.idea_id for item in seen} == set(ideas)

    async def first(request: pb.WatchBoardRequest, caller: Caller) -> Any:
        async with asyncio.timeout(20):
            return await anext(aiter(layer.watch(request, caller)))

    assert (await first(pb.WatchBoardRequest(cursor=seen[9].cursor), BEN)) == seen[10]
    assert (await first(pb.WatchBoardRequest(idea_id=ideas[2]), BEN)).step.idea_id == ideas[2]
    mine = pb.WatchBoardRequest(mine=True, cursor="4")
    waiting = asyncio.ensure_future(first(mine, BEN))
    new = await layer.submit(BEN)
    assert (await waiting).step.idea_id == new.idea_id


async def test_steps_become_visible_in_the_order_of_their_numbers_whatever_runs_at_once(layer: Layer) -> None:
    """A transaction that has a number holds up those that want the next: a watch that has seen a number has seen all below it."""
    async with layer.db.transaction() as tx:
        await tx.execute("update board set last = last + 1")
        waiting = asyncio.ensure_future(layer.submit())
        async with asyncio.timeout(10):
            while not await tx.value("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"):
                await tx.execute("select pg_stat_clear_snapshot()")
        assert await layer.value("select count(*) from idea_step") == 0
        await tx.execute("update board set last = last - 1")
    await waiting
    assert await layer.value("select number from idea_step") == 1
