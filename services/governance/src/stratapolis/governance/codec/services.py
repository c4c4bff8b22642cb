"""Services on the wire."""

from city.governance.v1 import service_pb2 as pb
from city.governance.v1.events_pb2 import ServiceResumed, ServiceSuspended
from stratapolis.chassis.times import to_timestamp
from stratapolis.governance.domain.service import Service, ServiceState

STATES = {state: pb.ServiceState.Value(f"SERVICE_STATE_{state.name}") for state in ServiceState}


def shown(service: Service) -> pb.Service:
    """A service as its RPCs show it."""
    stop = service.suspension
    return pb.Service(
        service_id=service.service_id,
        creator_id=service.creator_id,
        name=service.name,
        state=STATES[service.state],
        live_version=_live(service),
        last_version=service.last_version,
        suspension=None if stop is None else pb.Suspension(reason=stop.reason, by_city=stop.by_city, suspend_time=to_timestamp(stop.suspended_at)),
    )


def suspended(service: Service) -> ServiceSuspended:
    """Said to who shows it and takes its uses."""
    stop = service.suspension
    return ServiceSuspended(service_id=service.service_id, version=_live(service), reason=stop.reason if stop else "", by_city=stop.by_city if stop else False)


def resumed(service: Service) -> ServiceResumed:
    """Said to the same."""
    return ServiceResumed(service_id=service.service_id, version=_live(service))


def _live(service: Service) -> int:
    return service.live.version if service.live is not None else 0
