"""What the catalogue hears: its part in journeys, and what the other layers say of services."""

from __future__ import annotations

from datetime import datetime

from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked
from city.governance.v1.events_pb2 import IndicatorMeasured, JourneyEnded, StageRequested
from city.infrastructure.v1.events_pb2 import DeploymentDegraded, DeploymentFailed, DeploymentReady, DeploymentRecovered
from city.journey.v1 import journey_pb2
from city.value_catalog.v1.events_pb2 import ServicePublished
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.chassis.holds import Answer, Cleared, reason
from stratapolis.value_catalog.codec import entries as codec
from stratapolis.value_catalog.codec import measured
from stratapolis.value_catalog.codec.times import time_of
from stratapolis.value_catalog.domain.entry import unlistable
from stratapolis.value_catalog.store import entries, projections

LAYER = "value_catalog"
RECORDS_USES = (LAYER, "uses:record")
"""Target and scope of the connection over which a service records its uses."""
THING = "thing:"


async def prepare(request: StageRequested, *, tx: Tx, at: datetime) -> Answer:
    """Listing: keep a hidden entry, or say all that keeps it out."""
    entry = codec.prepared(request)
    against = unlistable(await entries.live_version(tx, entry.service_id))
    if against:
        return tuple(reason(LAYER, one.code, one.message, hint=one.hint) for one in against)
    await entries.prepare(tx, entry, at)
    return Cleared(held=[journey_pb2.Held(kind="entry", reference=entry.service_id, amount=f"version {entry.version}, hidden")])


async def on_journey_ended(event: JourneyEnded, *, tx: Tx, at: datetime) -> None:
    """Live: show the prepared entry and say so. Else: remove it. What is shown already stays, unsaid."""
    if event.state != journey_pb2.JOURNEY_STATE_LIVE:
        await entries.drop(tx, event.journey_id)
        return
    shown = await entries.publish(tx, event.service_id, event.version, event.journey_id, at)
    if shown is not None:
        await outbox.append(tx, ServicePublished(service_id=shown["service_id"], version=shown["version"], title=shown["title"]))


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


async def on_connection_trusted(event: ConnectionTrusted, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """A service may record its uses; other connections are no business of the catalogue's."""
    if (event.target, event.scope) == RECORDS_USES:
        await projections.trust(tx, event.connection_id, event.subject, time_of(event, "end_time"))


async def on_connection_severed(event: ConnectionSevered, *, tx: Tx, at: datetime) -> None:  # noqa: ARG001 - the shape of a handler
    """It may no more."""
    if (event.target, event.scope) == RECORDS_USES:
        await projections.sever(tx, event.connection_id, event.subject)
