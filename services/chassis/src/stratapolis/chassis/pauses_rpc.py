"""Paused topics, answered alike by every app."""

from __future__ import annotations

from city.operations.v1 import pause_service_pb2 as pb
from stratapolis.chassis import pausing
from stratapolis.chassis.app import Answers
from stratapolis.chassis.db import Row
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_timestamp

LIST = "select * from pause where paused_at is not null and topic > $1 order by topic limit $2"


class TopicNotPaused(Refused):
    """The app hears the topic, or knows none of the name."""

    reason = "TOPIC_NOT_PAUSED"


class Pauses:
    """PauseService of one app."""

    async def list_paused_topics(self, request: pb.ListPausedTopicsRequest, call: Call) -> pb.ListPausedTopicsResponse:
        """What is not heard now."""
        page = Page.of(request, str)
        rows = await call.tx.fetch(LIST, page.after[0] if page.after else "", page.size + 1)
        fitting, token = page.fit(rows, _shown, lambda row: (row["topic"],))
        return pb.ListPausedTopicsResponse(topics=fitting, next_page_token=token)

    async def resume_topic(self, request: pb.ResumeTopicRequest, call: Call) -> pb.ResumeTopicResponse:
        """Hear it again."""
        if not await pausing.resume(call.tx, request.topic, request.dead_letters):
            raise TopicNotPaused(f"{request.topic} is not paused in this app")
        return pb.ResumeTopicResponse()


def _shown(row: Row) -> pb.PausedTopic:
    return pb.PausedTopic(topic=row["topic"], pause_time=to_timestamp(row["paused_at"]), error=row["error"], probe_time=to_timestamp(row["probe_at"]))


def answers() -> Answers:
    """PauseService, for what every app answers."""
    return Answers(pb.DESCRIPTOR.services_by_name["PauseService"], Pauses())
