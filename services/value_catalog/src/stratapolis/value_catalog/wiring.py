"""value_catalog, put together: the only module that names handlers, servicers and jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from city.connectivity.v1.events_pb2 import ConnectionSevered, ConnectionTrusted
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked
from city.governance.v1.events_pb2 import IndicatorMeasured, ServiceResumed, ServiceRetired, ServiceSuspended
from city.infrastructure.v1.events_pb2 import DeploymentDegraded, DeploymentFailed, DeploymentReady, DeploymentRecovered, DeploymentRetired
from city.journey.v1.journey_pb2 import STAGE_LISTING, STAGE_RETIRING
from city.value_catalog.v1 import catalog_service_pb2, feedback_service_pb2, request_service_pb2, subscription_service_pb2, use_service_pb2
from stratapolis.chassis import holds_rpc
from stratapolis.chassis.app import Answers, App, Every, On
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Holder
from stratapolis.chassis.holds_repair import repairs
from stratapolis.chassis.rpc.client import Peers
from stratapolis.value_catalog import handlers, jobs
from stratapolis.value_catalog.rpc.cases import Requests
from stratapolis.value_catalog.rpc.catalog import Catalog
from stratapolis.value_catalog.rpc.feedback import FeedbackGivers
from stratapolis.value_catalog.rpc.subscriptions import Subscriptions, Uses
from stratapolis.value_catalog.settings import Settings

LAYER = handlers.LAYER
HOLDER = Holder(LAYER, {STAGE_LISTING: handlers.prepare, STAGE_RETIRING: handlers.retire}, handlers.let_go, handlers.went_live)
"""The catalogue's part in journeys: it holds the entry."""


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The value_catalog layer of a running city."""
    wired = app(overdue_every=timedelta(seconds=settings.overdue_seconds))
    return replace(wired, every=(*wired.every, *repairs(HOLDER, peers)))


def app(*, overdue_every: timedelta = timedelta(seconds=1)) -> App:
    """The value_catalog layer; tests call this too."""
    return App(
        name=LAYER,
        hears=(
            *HOLDER.hears,
            On(IndicatorMeasured, handlers.on_indicator_measured),
            On(DataContractGranted, handlers.on_data_contract_granted),
            On(DataContractRevoked, handlers.on_data_contract_revoked),
            On(DeploymentReady, handlers.on_deployment_ready),
            On(DeploymentDegraded, handlers.on_deployment_degraded),
            On(DeploymentRecovered, handlers.on_deployment_recovered),
            On(DeploymentFailed, handlers.on_deployment_failed),
            On(DeploymentRetired, handlers.on_deployment_retired),
            On(ServiceSuspended, handlers.on_service_suspended),
            On(ServiceResumed, handlers.on_service_resumed),
            On(ServiceRetired, handlers.on_service_retired),
            On(ConnectionTrusted, handlers.on_connection_trusted),
            On(ConnectionSevered, handlers.on_connection_severed),
        ),
        answers=(
            Answers(catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"], Catalog()),
            Answers(subscription_service_pb2.DESCRIPTOR.services_by_name["SubscriptionService"], Subscriptions()),
            Answers(use_service_pb2.DESCRIPTOR.services_by_name["UseService"], Uses()),
            Answers(feedback_service_pb2.DESCRIPTOR.services_by_name["FeedbackService"], FeedbackGivers()),
            Answers(request_service_pb2.DESCRIPTOR.services_by_name["RequestService"], Requests()),
            holds_rpc.answers(LAYER),
        ),
        every=(*HOLDER.every, Every(overdue_every, jobs.note_overdue)),
    )
