"""What data computes, and what happens to requests: the ground of indicators."""

from datetime import datetime

from city.data.v1.events_pb2 import IndicatorComputed
from city.value_catalog.v1.events_pb2 import RequestOpened, RequestOverdue, RequestUpdated
from stratapolis.chassis.db import Tx
from stratapolis.chassis.times import to_time
from stratapolis.governance import measuring
from stratapolis.governance.codec import indicators as codec
from stratapolis.governance.domain.platform import REQUESTS_CLOSED_ON_TIME
from stratapolis.governance.store import marks, requests

ENDED = frozenset({"closed", "refused"})
"""States of a request that are its last."""


async def on_indicator_computed(event: IndicatorComputed, *, tx: Tx, at: datetime) -> None:
    """Take in what data has computed; what the city has not defined waits as a dead letter until it has."""
    definition = await measuring.definition(tx, codec.key_of(event.indicator))
    await measuring.take(tx, [codec.figure_of(event, definition)], at=at)


async def on_request_opened(event: RequestOpened, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Note when its answer is due."""
    await requests.note(tx, event.case_id, event.service_id, due_at=to_time(event.due_time))


async def on_request_updated(event: RequestUpdated, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A last answer judges a request: in time when it came, else when it fell due."""
    due_at, updated_at = to_time(event.due_time), to_time(event.update_time)
    if event.state in ENDED:
        judged_at = await requests.end(tx, event.case_id, event.service_id, due_at=due_at, ended_at=updated_at)
        await marks.put(tx, REQUESTS_CLOSED_ON_TIME, event.service_id, judged_at)


async def on_request_overdue(event: RequestOverdue, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A due time that passes judges a request, whatever becomes of it later."""
    judged_at = await requests.lapse(tx, event.case_id, event.service_id, due_at=to_time(event.due_time))
    await marks.put(tx, REQUESTS_CLOSED_ON_TIME, event.service_id, judged_at)
