"""Keeps what happened to a journey and says what of it is public, in one transaction: every change of a journey goes through here."""

from datetime import datetime

from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.governance import origins
from stratapolis.governance.codec.journeys import asks_layers, events
from stratapolis.governance.codec.tariffs import tariff_of
from stratapolis.governance.domain.journey import Journey, Moved
from stratapolis.governance.domain.platform import PROPOSALS_LIVE_SHARE, TIME_TO_ONBOARD
from stratapolis.governance.domain.step import State
from stratapolis.governance.store import journeys, marks, services, tariffs


async def begin(tx: Tx, moved: Moved, manifest: Manifest, manifest_yaml: bytes) -> Journey:
    """Keep a journey that has just been proposed."""
    journey, steps = moved
    await journeys.begin(tx, journey, manifest, manifest_yaml)
    await journeys.note(tx, journey.journey_id, steps)
    await outbox.append(tx, *await origins.told(tx, events(journey, steps, manifest), manifest, journey.creator_id))
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
    if journey.ended_at is not None:
        await _measure(tx, journey, journey.ended_at)
    await outbox.append(tx, *await origins.told(tx, events(journey, steps, manifest), manifest, journey.creator_id))
    return journey


async def _measure(tx: Tx, journey: Journey, ended_at: datetime) -> None:
    """Ends are what onboarding is measured by; a withdrawal says nothing of it."""
    if journey.state is State.LIVE:
        await marks.put(tx, TIME_TO_ONBOARD, journey.service_id, ended_at)
    if journey.state is not State.WITHDRAWN:
        await marks.put(tx, PROPOSALS_LIVE_SHARE, journey.service_id, ended_at)
