"""Where a proposal comes from: the graduated idea that its manifest names."""

from collections.abc import Iterable, Sequence

from city.governance.v1.events_pb2 import StageRequested
from city.manifest.v1.manifest_pb2 import Manifest
from google.protobuf.message import Message
from stratapolis.chassis.db import Tx
from stratapolis.governance.domain.journey import GOVERNANCE
from stratapolis.governance.domain.step import Reason
from stratapolis.governance.store import origins


async def unknown_origin(tx: Tx, manifest: Manifest, creator_id: str) -> tuple[Reason, ...]:
    """A reason where the manifest names an idea that has not graduated, or that another leads."""
    idea = manifest.metadata.idea
    if not idea or await origins.find(tx, idea, creator_id) is not None:
        return ()
    message, hint = f"no graduated idea {idea} is led by this value creator", "see ListIdeas of innovation, or leave it out"
    return (Reason(layer=GOVERNANCE, code="ORIGIN_NOT_FOUND", field_path="metadata.idea", message=message, hint=hint),)


async def told(tx: Tx, events: Iterable[Message], manifest: Manifest | None, creator_id: str) -> Sequence[Message]:
    """The events, with the origin in those that ask layers."""
    idea = manifest.metadata.idea if manifest is not None else ""
    origin = await origins.find(tx, idea, creator_id) if idea else None
    said = list(events)
    for event in said:
        if isinstance(event, StageRequested) and origin is not None:
            event.origin.CopyFrom(origin)
    return said
