"""What governance says of a service that is live already: made from the request that brought it there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp


def upgrade_of(live: StageRequested) -> StageRequested:
    """The same asked of the next version."""
    request = StageRequested()
    request.CopyFrom(live)
    request.journey_id, request.version, request.attempt, request.kind = new_id(), live.version + 1, 1, pb.JOURNEY_KIND_UPGRADE
    request.replaces.CopyFrom(pb.Replaced(version=live.version, journey_id=live.journey_id))
    return request


def retirement_of(live: StageRequested) -> StageRequested:
    """Every layer is asked to let go of the service."""
    return StageRequested(
        journey_id=new_id(),
        service_id=live.service_id,
        version=live.version,
        kind=pb.JOURNEY_KIND_RETIREMENT,
        stage=pb.STAGE_RETIRING,
        attempt=1,
        until_time=to_timestamp(datetime.now(UTC) + timedelta(days=1)),
        layers=live.layers,
        creator_id=live.creator_id,
        creator_name=live.creator_name,
        replaces=pb.Replaced(version=live.version, journey_id=live.journey_id),
    )


def end_of(request: StageRequested, state: pb.JourneyState.ValueType = pb.JOURNEY_STATE_LIVE, *, drain: timedelta = timedelta(0)) -> JourneyEnded:
    """The end of the journey that asked; what it replaced drains for a moment only, unless said otherwise."""
    now = datetime.now(UTC)
    ended = JourneyEnded(
        journey_id=request.journey_id,
        service_id=request.service_id,
        version=request.version,
        kind=request.kind,
        state=state,
        creator_id=request.creator_id,
        ended_time=to_timestamp(now),
    )
    if request.HasField("replaces"):
        ended.replaces.CopyFrom(request.replaces)
        if state == pb.JOURNEY_STATE_LIVE:
            ended.drain_until_time.CopyFrom(to_timestamp(now + drain))
    return ended
