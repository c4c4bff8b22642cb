"""What the catalogue hears: its part in journeys, and what the other layers say of services."""

from __future__ import annotations

from datetime import datetime

from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked
from city.governance.v1.events_pb2 import IndicatorMeasured, JourneyEnded, ServiceResumed, ServiceRetired, ServiceSuspended, StageRequested
from city.infrastructure.v1.events_pb2 import DeploymentDegraded, DeploymentFailed, DeploymentReady, DeploymentRecovered, DeploymentRetired
from city.journey.v1 import journey_pb2
from city.value_catalog.v1.events_pb2 import ServiceWithdrawn
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.holds import Answer, Cleared, Version, Why, reason
from stratapolis.value_catalog.codec import entries as codec
from stratapolis.value_catalog.codec import measured
from stratapolis.value_catalog.codec import subscriptions as subscriptions_codec
from stratapolis.value_catalog.codec.times import time_of
from stratapolis.value_catalog.domain.entry import unlistable
from stratapolis.value_catalog.domain.subscription import end_with_service
from stratapolis.value_catalog.store import entries, projections, subscriptions

LAYER = "value_catalog"
RECORDS_USES = (LAYER, "uses:record")
"""Target and scope of the connection over which a service records its uses."""
THING = "thing:"
ENDED_AT_ONCE = 500
"""Subscriptions of a retiring service that one transaction ends."""


async def prepare(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
    """Listing: keep a hidden entry beside the shown one, or say all that keeps it out."""
    entry = codec.prepared(request)
    against = unlistable(await entries.shown_version(tx, entry.service_id), replaces=request.replaces.version if request.HasField("replaces") else None)
    if against:
        return tuple(reason(LAYER, one.code, one.message, hint=one.hint) for one in against)
    await entries.prepare(tx, entry, at)
    return Cleared(held=[journey_pb2.Held(kind="entry", reference=entry.service_id, amount=f"version {entry.version}, hidden")])


async def went_live(event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
    """Show the prepared entry, in place of the version that was shown, and say so. What is shown already stays, unsaid."""
    shown = await entries.publish(tx, event.service_id, event.version, event.journey_id, at)
    if shown is not None:
        await outbox.append(tx, codec.published(event, *shown))


async def let_go(version: Version, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of letting go
    """A hidden entry, or one that was replaced, is removed; the shown one of a service that retires is taken out of the catalogue."""
    await entries.drop(tx, version.journey_id)
    if version.why is Why.RETIRED and await entries.retire(tx, version.journey_id) is not None:
        await outbox.append(tx, ServiceWithdrawn(service_id=version.service_id, version=version.version))


async def retire(request: StageRequested, *, tx: Tx, at: datetime) -> Answer | None:
    """End the service's subscriptions, some at a time; asked again until none runs."""
    running = await subscriptions.running_of(tx, request.service_id, ENDED_AT_ONCE)
    ended = [end_with_service(one, at=at) for one in running]
    await subscriptions.put_all(tx, ended)
    await outbox.append(tx, *(subscriptions_codec.ended(one) for one in ended))
    return Cleared() if len(ended) < ENDED_AT_ONCE else None


async def on_service_suspended(event: ServiceSuspended, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Hide it for a while."""
    await entries.suspend(tx, event.service_id, event.reason)


async def on_service_resumed(event: ServiceResumed, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Show it again."""
    await entries.resume(tx, event.service_id)


async def on_service_retired(event: ServiceRetired, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """It is gone everywhere."""
    await entries.note_retired(tx, event.service_id)


async def on_indicator_measured(event: IndicatorMeasured, *, tx: Tx, at: datetime) -> None:
    """Keep the newest value of an indicator for the city or a service; what a single thing measures is no service's outcome."""
    if not event.scope.startswith(THING):
        await projections.put_measured(tx, measured.value_of(event, at))


async def on_data_contract_granted(event: DataContractGranted, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A service may use data."""
    end_at = time_of(event, "end_time")
    await projections.grant(tx, event.contract_id, service_id=event.service_id, product=event.product, purpose=event.purpose, end_at=end_at)


async def on_data_contract_revoked(event: DataContractRevoked, *, tx: Tx, at: datetime) -> None:
    """It may no more."""
    await projections.revoke(tx, event.contract_id, at)


async def on_deployment_ready(event: DeploymentReady, *, tx: Tx, at: datetime) -> None:
    """A service's software answers."""
    await projections.put_deployment(tx, event.service_id, event.version, "ready", endpoint=event.endpoint, at=at)


async def on_deployment_degraded(event: DeploymentDegraded, *, tx: Tx, at: datetime) -> None:
    """It has stopped to answer."""
    await projections.put_deployment(tx, event.service_id, event.version, "degraded", message=event.message, at=at)


async def on_deployment_recovered(event: DeploymentRecovered, *, tx: Tx, at: datetime) -> None:
    """It answers again, maybe elsewhere."""
    await projections.put_deployment(tx, event.service_id, event.version, "ready", endpoint=event.endpoint, at=at)


async def on_deployment_failed(event: DeploymentFailed, *, tx: Tx, at: datetime) -> None:
    """It was given up."""
    await projections.put_deployment(tx, event.service_id, event.version, "failed", message=event.message, at=at)


async def on_deployment_retired(event: DeploymentRetired, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """Nothing of it runs any more."""
    await projections.drop_deployment(tx, event.service_id, event.version)


async def on_connection_trusted(event: ConnectionTrusted, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A service may record its uses; other connections are no business of the catalogue's."""
    if (event.target, event.scope) == RECORDS_USES:
        await projections.trust(tx, event.connection_id, event.subject, time_of(event, "end_time"))


async def on_connection_severed(event: ConnectionSevered, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """It may no more."""
    if (event.target, event.scope) == RECORDS_USES:
        await projections.sever(tx, event.connection_id, event.subject)
