"""Keeps what happened to a journey and says what of it is public, in one transaction: every change of a journey goes through here."""

from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.governance.codec.journeys import asks_layers, events
from stratapolis.governance.codec.tariffs import tariff_of
from stratapolis.governance.domain.journey import Journey, Moved
from stratapolis.governance.domain.step import State
from stratapolis.governance.store import journeys, services, tariffs


async def begin(tx: Tx, moved: Moved, manifest: Manifest, manifest_yaml: bytes) -> Journey:
    """Keep a journey that has just been proposed."""
    journey, steps = moved
    await journeys.begin(tx, journey, manifest, manifest_yaml)
    await journeys.note(tx, journey.journey_id, steps)
    await outbox.append(tx, *events(journey, steps, manifest))
    return journey


async def keep(tx: Tx, moved: Moved) -> Journey:
    """Keep a journey that moved, or did not. The commit of an end is the point of no return."""
    journey, steps = moved
    if not steps:
        return journey
    await journeys.put(tx, journey)
    await journeys.note(tx, journey.journey_id, steps)
    is_live = journey.state is State.LIVE
    manifest = await journeys.manifest(tx, journey.journey_id) if is_live or any(asks_layers(step) for step in steps) else None
    if is_live and manifest is not None:
        await services.go_live(tx, journey.service_id, journey.version)
        await tariffs.add(tx, tariff_of(journey, manifest, at=journey.updated_at))
    await outbox.append(tx, *events(journey, steps, manifest))
    return journey
