"""Repair of holds: past its deadline a holder asks governance, and releases what has ended; never on its own clock alone."""

from __future__ import annotations

from datetime import timedelta

from city.governance.v1 import journey_service_pb2, journey_service_pb2_grpc
from city.governance.v1.events_pb2 import JourneyEnded
from city.governance.v1.journey_pb2 import Journey
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis import metrics
from stratapolis.chassis.app import Tends
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Holder
from stratapolis.chassis.rpc.client import Peers

GRACE = timedelta(seconds=5)
"""How long past its deadline a hold waits before the holder asks governance."""
AT_MOST = 100
DUE = "select journey_id from hold where state = 'held' and until_at < now() - $1::interval order by until_at limit $2"
ENDED = frozenset({pb.JOURNEY_STATE_LIVE, pb.JOURNEY_STATE_REJECTED, pb.JOURNEY_STATE_WITHDRAWN})


def repairs(holder: Holder, peers: Peers, grace: timedelta = GRACE) -> tuple[Tends, ...]:
    """The job that asks governance about overdue holds, for the wiring."""

    async def repair_holds(db: Database) -> None:
        async with db.transaction(readonly=True) as tx:
            due = await tx.fetch(DUE, grace, AT_MOST)
        metrics.HOLDS_STALE.labels(holder.layer).set(len(due))
        if not due:
            return
        stub = peers.stub(journey_service_pb2_grpc.JourneyServiceStub, "governance")
        answer = await stub.BatchGetJourneys(journey_service_pb2.BatchGetJourneysRequest(journey_ids=[row["journey_id"] for row in due]))
        for journey in answer.journeys:
            if journey.state in ENDED:
                async with db.transaction() as tx:
                    await holder.on_journey_ended(_end_of(journey), tx=tx, at=tx.at)

    return (Tends(timedelta(seconds=5), repair_holds),)


def _end_of(journey: Journey) -> JourneyEnded:
    """The end as governance said it; an absent field stays absent."""
    ended = JourneyEnded(
        journey_id=journey.journey_id,
        service_id=journey.service_id,
        version=journey.version,
        kind=journey.kind,
        state=journey.state,
        creator_id=journey.creator_id,
        ended_time=journey.ended_time,
    )
    if journey.HasField("replaces"):
        ended.replaces.CopyFrom(journey.replaces)
        ended.drain_until_time.CopyFrom(journey.drain_until_time)
    return ended
