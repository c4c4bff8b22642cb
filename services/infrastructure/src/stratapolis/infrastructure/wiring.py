"""Infrastructure, put together: the only module that names handlers, servicers and jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from city.infrastructure.v1 import artefact_service_pb2, deployment_service_pb2, pool_service_pb2
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis import holds_rpc
from stratapolis.chassis.app import Answers, App, Every, Tends
from stratapolis.chassis.db import Database
from stratapolis.chassis.holds import Holder, Stage
from stratapolis.chassis.holds_repair import repairs
from stratapolis.chassis.rpc.client import Peers
from stratapolis.infrastructure import handlers
from stratapolis.infrastructure.domain.deployment import Patience
from stratapolis.infrastructure.domain.pool import Share
from stratapolis.infrastructure.identities import Connectivity, Identities
from stratapolis.infrastructure.jobs import Tender
from stratapolis.infrastructure.providers.process import Limits, ProcessProvider
from stratapolis.infrastructure.providers.provider import Provider
from stratapolis.infrastructure.rpc.artefacts import Artefacts
from stratapolis.infrastructure.rpc.deployments import Deployments
from stratapolis.infrastructure.rpc.pools import Pools
from stratapolis.infrastructure.settings import Settings


def wire(settings: Settings, db: Database, peers: Peers) -> App:  # noqa: ARG001 - what every layer is wired with
    """The infrastructure layer of a running city."""
    limits = Limits(open_files=settings.open_files, processes=settings.processes, uid=settings.first_uid)
    provider = ProcessProvider(settings.work_folder, settings.ports, settings.told, limits)
    wired = app(
        provider=provider, identities=Connectivity(peers), patience=settings.patience, quota=settings.quota, default_pool=settings.default_pool,
        roots=settings.artefact_roots,
    )  # fmt: skip
    return replace(wired, every=(*wired.every, *repairs(holder(settings.quota, settings.default_pool), peers)))


def holder(quota: Share, default_pool: str) -> Holder:
    """Infrastructure's part in journeys."""
    stages: dict[pb.Stage.ValueType, Stage] = {
        pb.STAGE_CLEARING: partial(handlers.clear, default_pool=default_pool, quota=quota),
        pb.STAGE_DEPLOYING: handlers.deploy,
        pb.STAGE_RETIRING: handlers.retire,
    }
    return Holder("infrastructure", stages, handlers.let_go, handlers.went_live)


def app(*, provider: Provider, identities: Identities, patience: Patience, quota: Share, default_pool: str, roots: Sequence[Path]) -> App:
    """The infrastructure layer; tests call this too, with other leaves."""
    holding = holder(quota, default_pool)
    tender = Tender(provider, identities, holding, patience)
    every: tuple[Every | Tends, ...] = (*holding.every, Tends(timedelta(milliseconds=50), tender.keep_tending))
    return App(
        name="infrastructure",
        hears=holding.hears,
        answers=(
            Answers(pool_service_pb2.DESCRIPTOR.services_by_name["PoolService"], Pools(quota)),
            Answers(artefact_service_pb2.DESCRIPTOR.services_by_name["ArtefactService"], Artefacts(roots)),
            Answers(deployment_service_pb2.DESCRIPTOR.services_by_name["DeploymentService"], Deployments()),
            holds_rpc.answers("infrastructure"),
        ),
        every=every,
    )
