"""What subscribers make of services."""

from __future__ import annotations

from datetime import datetime

from city.value_catalog.v1 import feedback_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.value_catalog.codec import feedback as codec
from stratapolis.value_catalog.domain.feedback import Feedback, give
from stratapolis.value_catalog.store import entries, feedback, subscriptions


class FeedbackGivers:
    """FeedbackService."""

    async def give_feedback(self, request: pb.GiveFeedbackRequest, call: Call) -> pb.GiveFeedbackResponse:
        """Rate a service, or change one's mind."""
        tx, subscriber = call.tx, call.caller.owner
        live = await entries.live(tx, request.service_id, call.caller.owners)
        said = Feedback(
            feedback_id=new_id(), service_id=request.service_id, creator_id=live["creator_id"], subscriber=subscriber, rating=request.rating,
            comment=request.comment, given_at=call.at, updated_at=call.at,
        )  # fmt: skip
        before = await feedback.of_subscriber(tx, request.service_id, subscriber)
        is_subscriber = await subscriptions.has_subscribed(tx, request.service_id, subscriber)
        given, ratings, stars = give(said, before, is_subscriber=is_subscriber)
        await feedback.put(tx, given, ratings=ratings, stars=stars)
        await outbox.append(tx, codec.rated(given))
        return pb.GiveFeedbackResponse(feedback=codec.shown(given, is_mine=True))

    async def list_feedback(self, request: pb.ListFeedbackRequest, call: Call) -> pb.ListFeedbackResponse:
        """Newest first."""
        page = Page.of(request, datetime, str)
        after = (page.after[0], page.after[1]) if page.after else None
        found = await feedback.listed(call.tx, call.owners, service_id=request.service_id, after=after, limit=page.size + 1)
        mine = call.caller.owners
        fitting, token = page.fit(found, lambda one: codec.shown(one, is_mine=one.subscriber in mine), lambda one: (one.given_at, one.feedback_id))
        return pb.ListFeedbackResponse(feedback=fitting, next_page_token=token)
