"""Keeps what happened to a journey and says what of it is public, in one transaction: every change of a journey goes through here."""

from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.governance import origins
from stratapolis.governance.codec.journeys import asks_layers, events
from stratapolis.governance.codec.tariffs import tariff_of
from stratapolis.governance.domain.journey import Journey, Moved
from stratapolis.governance.domain.platform import PROPOSALS_LIVE_SHARE, TIME_TO_ONBOARD
from stratapolis.governance.domain.service import end_retiring, go_live
from stratapolis.governance.domain.step import Happened, Kind, State
from stratapolis.governance.store import journeys, marks, price_changes, services, tariffs


async def begin(tx: Tx, moved: Moved, manifest: Manifest, manifest_yaml: bytes) -> Journey:
    """Keep a journey that has just been proposed."""
    journey, steps = moved
    await journeys.begin(tx, journey)
    await journeys.keep_proposal(tx, journey, manifest, manifest_yaml)
    await journeys.note(tx, journey.journey_id, steps)
    await outbox.append(tx, *await origins.told(tx, events(journey, steps, manifest), manifest, journey.creator_id))
    return journey


async def begin_retirement(tx: Tx, moved: Moved) -> Journey:
    """Keep a retirement that has just begun; in a city whose layers take no part it has ended as well."""
    journey, steps = moved
    await journeys.begin(tx, journey)
    await journeys.note(tx, journey.journey_id, steps)
    await _note_end(tx, journey, None)
    await outbox.append(tx, *events(journey, steps, None))
    return journey


async def keep(tx: Tx, moved: Moved) -> Journey:
    """Keep a journey that moved, or did not. The commit of an end is the point of no return."""
    journey, steps = moved
    if not steps:
        return journey
    await journeys.move(tx, journey, steps)
    has_ended = any(step.kind is Happened.ENDED for step in steps)
    needs_manifest = journey.kind is not Kind.RETIREMENT and (has_ended or any(asks_layers(step) for step in steps))
    manifest = await journeys.manifest(tx, journey.journey_id) if needs_manifest else None
    if has_ended:
        await _note_end(tx, journey, manifest)
    await outbox.append(tx, *await origins.told(tx, events(journey, steps, manifest), manifest, journey.creator_id))
    return journey


async def _note_end(tx: Tx, journey: Journey, manifest: Manifest | None) -> None:
    """What an end makes of the service, of its prices, and of what onboarding is measured by; a withdrawal says nothing of it."""
    at = journey.updated_at
    if journey.state is State.LIVE and manifest is not None:
        await services.put(tx, go_live(await services.for_update(tx, journey.service_id), journey.version, journey.journey_id))
        await tariffs.add(tx, prices := tariff_of(journey, manifest, at=at))
        if journey.kind is Kind.UPGRADE:
            await price_changes.ask(tx, prices)
        if journey.kind is Kind.LAUNCH:
            await marks.put(tx, TIME_TO_ONBOARD, journey.service_id, at)
    if journey.state in (State.LIVE, State.REJECTED):
        await marks.put(tx, PROPOSALS_LIVE_SHARE, journey.service_id, at)
    elif journey.state is State.RETIRED:
        await services.put(tx, end_retiring(await services.for_update(tx, journey.service_id)))
