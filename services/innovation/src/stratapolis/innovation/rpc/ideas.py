"""The board."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from city.innovation.v1 import idea_service_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation import board
from stratapolis.innovation.calendar import Calendar
from stratapolis.innovation.codec import ideas as codec
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain import idea as domain
from stratapolis.innovation.domain import pilot as pilot_domain
from stratapolis.innovation.domain.errors import LeadNotFound
from stratapolis.innovation.domain.idea import Idea
from stratapolis.innovation.store import challenges, ideas, partners, pilots, programmes

WATCH_SECONDS = 0.2
"""How often a watch looks at the database for more."""
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Ideas:
    """IdeaService."""

    calendar: Calendar

    async def submit_idea(self, request: pb.SubmitIdeaRequest, call: Call) -> pb.SubmitIdeaResponse:
        """Onto the board."""
        if request.challenge_id:
            await challenges.take_idea(call.tx, request.challenge_id)
        idea = Idea(
            idea_id=new_id(), proposer=call.caller.owner, title=request.title, description=request.description, challenge_id=request.challenge_id,
            submitted_at=call.at, updated_at=call.at,
        )  # fmt: skip
        return pb.SubmitIdeaResponse(idea=codec.shown(await board.begin(call.tx, domain.submit(idea)), call.caller.owners))

    async def support_idea(self, request: pb.SupportIdeaRequest, call: Call) -> pb.SupportIdeaResponse:
        """The caller's one vote."""
        moved = domain.support(await ideas.for_update(call.tx, request.idea_id), owners=call.caller.owners, at=call.at)
        await ideas.support(call.tx, request.idea_id, call.caller.subject, call.at)
        return pb.SupportIdeaResponse(idea=codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def withdraw_support(self, request: pb.WithdrawSupportRequest, call: Call) -> pb.WithdrawSupportResponse:
        """The vote back."""
        moved = domain.unsupport(await ideas.for_update(call.tx, request.idea_id), at=call.at)
        await ideas.unsupport(call.tx, request.idea_id, call.caller.subject)
        return pb.WithdrawSupportResponse(idea=codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def withdraw_idea(self, request: pb.WithdrawIdeaRequest, call: Call) -> pb.WithdrawIdeaResponse:
        """The proposer's own, with its pilot."""
        idea = await ideas.for_update(call.tx, request.idea_id)
        moved = domain.withdraw(idea, reason=request.reason, owners=call.caller.owners, at=call.at)
        await self._let_go(idea, request.reason, call)
        return pb.WithdrawIdeaResponse(idea=codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def shortlist_idea(self, request: pb.ShortlistIdeaRequest, call: Call) -> pb.ShortlistIdeaResponse:
        """Chosen to be piloted, by whom is said; else by the value creator that submitted it."""
        idea = await ideas.for_update(call.tx, request.idea_id)
        partner = await partners.partner(call.tx, request.lead or idea.proposer)
        is_accepted = partner is not None and bool(partner.kind) and not partner.suspended
        if request.lead and not is_accepted:
            raise LeadNotFound(request.lead)
        moved = domain.shortlist(idea, lead=partner.creator_id if partner and is_accepted else "", at=call.at)
        return pb.ShortlistIdeaResponse(idea=codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def graduate_idea(self, request: pb.GraduateIdeaRequest, call: Call) -> pb.GraduateIdeaResponse:
        """Proven."""
        idea = await ideas.for_update(call.tx, request.idea_id)
        pilot = await pilots.get(call.tx, idea.pilot_id) if idea.pilot_id else None
        moved = domain.graduate(idea, pilot, at=call.at)
        return pb.GraduateIdeaResponse(idea=codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def drop_idea(self, request: pb.DropIdeaRequest, call: Call) -> pb.DropIdeaResponse:
        """Not followed, and its pilot neither."""
        idea = await ideas.for_update(call.tx, request.idea_id)
        moved = domain.drop(idea, reason=request.reason, at=call.at)
        await self._let_go(idea, request.reason, call)
        return pb.DropIdeaResponse(idea=codec.shown(await board.keep(call.tx, moved), call.caller.owners))

    async def get_idea(self, request: pb.GetIdeaRequest, call: Call) -> pb.GetIdeaResponse:
        """One, and its way."""
        idea = await ideas.get(call.tx, request.idea_id)
        return pb.GetIdeaResponse(
            idea=codec.shown(idea, call.caller.owners),
            steps=[codec.step_shown(number, step) for number, step in await ideas.way(call.tx, request.idea_id)],
            supported=await ideas.supports(call.tx, request.idea_id, call.caller.subject),
        )

    async def list_ideas(self, request: pb.ListIdeasRequest, call: Call) -> pb.ListIdeasResponse:
        """The most supported first."""
        page = Page.of(request, int, str)
        states, mine = words.words(request.states, codec.STATE_OF), call.caller.owners if request.mine else None
        found = await ideas.listed(call.tx, states=states, challenge_id=request.challenge_id, proposers=mine, after=page.after, limit=page.size + 1)
        shown, token = page.fit(found, partial(codec.shown, owners=call.caller.owners), lambda one: (one.supporters, one.idea_id))
        return pb.ListIdeasResponse(ideas=shown, next_page_token=token)

    async def list_news(self, request: pb.ListNewsRequest, call: Call) -> pb.ListNewsResponse:
        """What happened to the caller's own ideas."""
        page = Page.of(request, int)
        found = await ideas.news(call.tx, call.caller.owners, before=page.after[0] if page.after else None, limit=page.size + 1)
        shown, token = page.fit(found, lambda one: codec.step_shown(*one), lambda one: (one[0],))
        return pb.ListNewsResponse(steps=shown, next_page_token=token)

    async def watch_board(self, request: pb.WatchBoardRequest, call: Call) -> AsyncIterator[pb.WatchBoardResponse]:
        """The board as it grows."""
        seen, mine = int(request.cursor or 0), call.caller.owners if request.mine else None
        while True:
            async with call.db.transaction(readonly=True) as tx:
                steps = await ideas.onward(tx, seen, idea_id=request.idea_id, proposers=mine, limit=AT_ONCE)
            for seen, step in steps:
                yield pb.WatchBoardResponse(cursor=str(seen), step=codec.step_shown(seen, step))
            if len(steps) < AT_ONCE:
                await asyncio.sleep(WATCH_SECONDS)

    async def _let_go(self, idea: Idea, reason: str, call: Call) -> None:
        """Cancel the pilot that the idea has open: its places are free again."""
        if (pilot := await pilots.open_of(call.tx, idea.idea_id)) is not None:
            await programmes.for_update(call.tx, pilot.zone_id)
            await pilots.put(call.tx, [pilot_domain.cancel(pilot, reason=reason, today=self.calendar.day(call.at), at=call.at)])
