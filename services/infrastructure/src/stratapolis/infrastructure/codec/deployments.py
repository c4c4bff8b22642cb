"""Deployments on the wire."""

from __future__ import annotations

from city.infrastructure.v1 import deployment_service_pb2 as pb
from city.infrastructure.v1 import events_pb2
from google.protobuf.message import Message
from stratapolis.chassis.times import to_timestamp
from stratapolis.infrastructure.codec import pools
from stratapolis.infrastructure.domain.deployment import Deployment, Fact, State

STATES = {state: pb.DeploymentState.Value(f"DEPLOYMENT_STATE_{state.name}") for state in State}
STATE_OF = {number: state for state, number in STATES.items()}


def shown(deployment: Deployment) -> pb.Deployment:
    """A deployment as its RPCs show it."""
    return pb.Deployment(
        service_id=deployment.service_id, version=deployment.version, owner=deployment.owner, state=STATES[deployment.state],
        generation=deployment.generation, artefact=deployment.artefact, sha256=deployment.sha256, pool=deployment.pool,
        held=pools.amount(deployment.need.total), endpoint=deployment.endpoint, message=deployment.message, restarts=deployment.deaths,
        create_time=to_timestamp(deployment.created_at), update_time=to_timestamp(deployment.updated_at),
    )  # fmt: skip


def said(deployment: Deployment, fact: Fact) -> Message:
    """What is published of it."""
    service_id, version = deployment.service_id, deployment.version
    match fact:
        case Fact.READY:
            return events_pb2.DeploymentReady(service_id=service_id, version=version, endpoint=deployment.endpoint)
        case Fact.FAILED:
            return events_pb2.DeploymentFailed(service_id=service_id, version=version, message=deployment.message)
        case Fact.DEGRADED:
            return events_pb2.DeploymentDegraded(service_id=service_id, version=version, message=deployment.message)
        case Fact.RECOVERED:
            return events_pb2.DeploymentRecovered(service_id=service_id, version=version, endpoint=deployment.endpoint)
        case Fact.RETIRED:
            return events_pb2.DeploymentRetired(service_id=service_id, version=version)
