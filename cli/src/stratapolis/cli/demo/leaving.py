"""Chapter 13: a service is retired, and nothing of it is left."""

from __future__ import annotations

import httpx
from city.connectivity.v1.connection_pb2 import CONNECTION_STATE_ASKED, CONNECTION_STATE_TRUSTED
from city.connectivity.v1.connection_service_pb2 import ListConnectionsRequest
from city.connectivity.v1.connection_service_pb2_grpc import ConnectionServiceStub
from city.connectivity.v1.identity_pb2 import IDENTITY_STATE_REVOKED
from city.connectivity.v1.identity_service_pb2 import GetIdentityRequest
from city.connectivity.v1.identity_service_pb2_grpc import IdentityServiceStub
from city.data.v1.data_contracts_service_pb2 import DATA_CONTRACT_STATE_GRANTED, DATA_CONTRACT_STATE_HELD, ListContractsRequest
from city.data.v1.data_contracts_service_pb2_grpc import DataContractsServiceStub
from city.governance.v1.lifecycle_service_pb2 import RetireServiceRequest
from city.governance.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from city.infrastructure.v1.deployment_service_pb2 import DEPLOYMENT_STATE_RETIRED, ListDeploymentsRequest
from city.infrastructure.v1.deployment_service_pb2_grpc import DeploymentServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.entry_pb2 import SERVICE_STATUS_RETIRED
from city.value_catalog.v1.subscription_service_pb2 import ListSubscriptionsRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.demo import journeys
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import City, until

SERVICE = "traffic-guide"


async def leaving(story: Story) -> None:
    """The traffic guide's creator takes it away; what the layers had for it, before and after."""
    story.chapter(13, "A service goes, and leaves nothing behind")
    service, company = story.services[SERVICE], story.creators["company"]
    before = await _of(story, service)
    endpoint = await _endpoint(story, service)
    asked = RetireServiceRequest(request_id=new_id(), service_id=service, reason="the counters are being replaced; a new guide will come")
    journey = (await story.city.stub(LifecycleServiceStub, "governance", as_=company.founder).RetireService(asked)).journey
    found, _ = await journeys.drawn_to(story, journey, as_=company.founder)
    story.hold(found.state == shared.JOURNEY_STATE_RETIRED and not found.reasons, f"{SERVICE} is retired: {[r.message for r in found.reasons]}")

    async def gone() -> bool:
        return not any((await _of(story, service)).values()) and await _is_retired(story, service)

    await until(gone, "every layer to have let go", within=30)
    after = await _of(story, service)
    story.show(f"what the layers have for {SERVICE}", ("", "before", "after"), [(what, before[what], after[what]) for what in before])
    await _silent(story, endpoint)
    identity = (await story.city.stub(IdentityServiceStub, "connectivity").GetIdentity(GetIdentityRequest(subject=f"system:{service}"))).identity
    story.hold(identity.state == IDENTITY_STATE_REVOKED, "its identity is revoked")
    story.tell("its identity is revoked, nobody answers at its endpoint; what was charged stays in the ledger.")


async def left(city: City, service_id: str) -> dict[str, int]:
    """What the layers have and do for a service beside holds, by their own lists."""
    connected = ListConnectionsRequest(subject=f"system:{service_id}", states=[CONNECTION_STATE_ASKED, CONNECTION_STATE_TRUSTED])
    granted = ListContractsRequest(service_id=service_id, states=[DATA_CONTRACT_STATE_HELD, DATA_CONTRACT_STATE_GRANTED])
    subscribed = ListSubscriptionsRequest(service_id=service_id, running_only=True)
    runs = (await city.stub(DeploymentServiceStub, "infrastructure").ListDeployments(ListDeploymentsRequest(service_id=service_id))).deployments
    return {
        "deployments": len([each for each in runs if each.state != DEPLOYMENT_STATE_RETIRED]),
        "connections": len((await city.stub(ConnectionServiceStub, "connectivity").ListConnections(connected)).connections),
        "contracts": len((await city.stub(DataContractsServiceStub, "data").ListContracts(granted)).contracts),
        "subscriptions": len((await city.stub(SubscriptionServiceStub, "value_catalog").ListSubscriptions(subscribed)).subscriptions),
    }


async def _of(story: Story, service_id: str) -> dict[str, int]:
    holds = await journeys.holds(story, service_id=service_id)
    return {**await left(story.city, service_id), **{f"held by {layer}": len(rows) for layer, rows in holds.items()}}


async def _endpoint(story: Story, service_id: str) -> str:
    catalog = story.city.stub(CatalogServiceStub, "value_catalog")
    return str((await catalog.GetService(GetServiceRequest(service_id=service_id))).entry.endpoint)


async def _is_retired(story: Story, service_id: str) -> bool:
    catalog = story.city.stub(CatalogServiceStub, "value_catalog")
    return bool((await catalog.GetService(GetServiceRequest(service_id=service_id))).entry.status == SERVICE_STATUS_RETIRED)


async def _silent(story: Story, endpoint: str) -> None:
    """Nobody answers any more."""
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            await http.get(f"{endpoint}/health")
    except httpx.HTTPError:
        return
    story.hold(False, f"nobody answers at {endpoint}")
