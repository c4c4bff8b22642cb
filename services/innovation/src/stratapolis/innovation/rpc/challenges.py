"""Challenges."""

from __future__ import annotations

from datetime import datetime

from city.innovation.v1 import challenge_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.innovation.codec import challenges as codec
from stratapolis.innovation.codec import words
from stratapolis.innovation.domain.challenge import close
from stratapolis.innovation.domain.errors import ServiceRetired
from stratapolis.innovation.store import challenges, services


class Challenges:
    """ChallengeService."""

    async def open_challenge(self, request: pb.OpenChallengeRequest, call: Call) -> pb.OpenChallengeResponse:
        """By hand."""
        opened = codec.asked(new_id(), request, call.at)
        if opened.service_id and await services.retired(call.tx, opened.service_id):
            raise ServiceRetired("service_id", opened.service_id)
        await challenges.add(call.tx, opened)
        await outbox.append(call.tx, codec.opened(opened))
        return pb.OpenChallengeResponse(challenge=codec.shown(opened))

    async def close_challenge(self, request: pb.CloseChallengeRequest, call: Call) -> pb.CloseChallengeResponse:
        """Take no more ideas."""
        closed = close(await challenges.for_update(call.tx, request.challenge_id), reason=request.reason, at=call.at)
        await challenges.put_closed(call.tx, closed)
        return pb.CloseChallengeResponse(challenge=codec.shown(closed))

    async def get_challenge(self, request: pb.GetChallengeRequest, call: Call) -> pb.GetChallengeResponse:
        """One."""
        return pb.GetChallengeResponse(challenge=codec.shown(await challenges.get(call.tx, request.challenge_id)))

    async def list_challenges(self, request: pb.ListChallengesRequest, call: Call) -> pb.ListChallengesResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        sources = words.words(request.sources, codec.SOURCE_OF)
        found = await challenges.listed(
            call.tx, open_only=request.open_only, sources=sources, service_id=request.service_id, after=page.after, limit=page.size + 1
        )  # fmt: skip
        shown, token = page.fit(found, codec.shown, lambda one: (one.opened_at, one.challenge_id))
        return pb.ListChallengesResponse(challenges=shown, next_page_token=token)
