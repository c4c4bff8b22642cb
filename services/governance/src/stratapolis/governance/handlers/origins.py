"""Ideas that have graduated."""

from datetime import datetime

from city.innovation.v1.events_pb2 import IdeaGraduated
from stratapolis.chassis.db import Tx
from stratapolis.governance.store import origins


async def on_idea_graduated(event: IdeaGraduated, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A proposal may come from it from now on."""
    await origins.put(tx, event)
