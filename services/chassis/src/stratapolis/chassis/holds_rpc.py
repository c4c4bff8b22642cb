"""ListHolds, answered alike by every layer that holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from city.journey.v1 import holds_service_pb2 as pb
from city.journey.v1 import journey_pb2
from stratapolis.chassis.app import Answers
from stratapolis.chassis.db import Row
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_timestamp

LIST = """
    select * from hold
    where ($1 = '' or journey_id = $1) and ($2 = '' or service_id = $2) and ($3::text[] is null or state = any($3)) and ($4::text[] is null or owner = any($4))
      and ($5::timestamptz is null or (updated_at, service_id, journey_id) < ($5, $6, $7))
    order by updated_at desc, service_id desc, journey_id desc limit $8"""


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds service of one layer."""

    layer: str

    async def list_holds(self, request: pb.ListHoldsRequest, call: Call) -> pb.ListHoldsResponse:
        """Holds, newest first."""
        page = Page.of(request, datetime, str, str)
        at, service, journey = page.after or (None, "", "")
        states = [_STATES[s] for s in request.states] or None
        rows = await call.tx.fetch(LIST, request.journey_id, request.service_id, states, call.owners, at, service, journey, page.size + 1)
        fitting, token = page.fit(rows, self._shown, lambda row: (row["updated_at"], row["service_id"], row["journey_id"]))
        return pb.ListHoldsResponse(holds=fitting, next_page_token=token)

    def _shown(self, row: Row) -> journey_pb2.Hold:
        return journey_pb2.Hold(
            service_id=row["service_id"], version=row["version"], journey_id=row["journey_id"], layer=self.layer, state=_NAMES[row["state"]],
            held=[journey_pb2.Held(**h) for h in row["held"]], until_time=to_timestamp(row["until_at"]), update_time=to_timestamp(row["updated_at"]),
            owner=row["owner"],
        )  # fmt: skip


_NAMES: dict[str, Any] = {
    "held": journey_pb2.HOLD_STATE_HELD,
    "active": journey_pb2.HOLD_STATE_ACTIVE,
    "draining": journey_pb2.HOLD_STATE_DRAINING,
    "released": journey_pb2.HOLD_STATE_RELEASED,
    "refused": journey_pb2.HOLD_STATE_REFUSED,
}
_STATES = {number: name for name, number in _NAMES.items()}


def answers(layer: str) -> Answers:
    """HoldsService of a layer, for its wiring."""
    return Answers(pb.DESCRIPTOR.services_by_name["HoldsService"], Holds(layer))
