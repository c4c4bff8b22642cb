"""Services: which version is live, and whether it serves."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from stratapolis.governance.domain.errors import ServiceNotInState, SuspendedByCity
from stratapolis.governance.domain.step import Replaced


class ServiceState(StrEnum):
    """Where a service stands."""

    PROPOSED = "proposed"
    LIVE = "live"
    SUSPENDED = "suspended"
    RETIRING = "retiring"
    RETIRED = "retired"


SERVING = frozenset({ServiceState.LIVE, ServiceState.SUSPENDED})
"""A version is live; it can be upgraded and retired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """A stop for a while; `by_city`: an officer did it."""

    reason: str
    by_city: bool
    suspended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service in all its versions; `live` is the version that is live, suspended or retiring."""

    service_id: str
    creator_id: str
    name: str
    last_version: int = 0
    state: ServiceState = ServiceState.PROPOSED
    live: Replaced | None = None
    suspension: Suspension | None = None


def next_version(service: Service) -> Service:
    """The service with one more version proposed."""
    return replace(service, last_version=service.last_version + 1)


def go_live(service: Service, version: int, journey_id: str) -> Service:
    """A version went live, in place of another or as the first one. What is suspended stays so: the new version is not yet what lifts it."""
    state = ServiceState.SUSPENDED if service.state is ServiceState.SUSPENDED else ServiceState.LIVE
    return replace(service, state=state, live=Replaced(version=version, journey_id=journey_id))


def suspend(service: Service, reason: str, *, by_city: bool, at: datetime) -> Service:
    """Stop what serves. What its value creator has stopped, the city may hold; never the other way round."""
    holds_harder = service.suspension is not None and by_city and not service.suspension.by_city
    if service.state is not ServiceState.LIVE and not holds_harder:
        raise ServiceNotInState(service.service_id, service.state, ServiceState.LIVE)
    return replace(service, state=ServiceState.SUSPENDED, suspension=Suspension(reason=reason, by_city=by_city, suspended_at=at))


def resume(service: Service, *, by_city: bool) -> Service:
    """Let it serve again."""
    if service.suspension is None:
        raise ServiceNotInState(service.service_id, service.state, ServiceState.SUSPENDED)
    if service.suspension.by_city and not by_city:
        raise SuspendedByCity(service.service_id)
    return replace(service, state=ServiceState.LIVE, suspension=None)


def begin_retiring(service: Service) -> tuple[Service, Replaced]:
    """The service, on its way out, and the version that goes."""
    if service.state not in SERVING or service.live is None:
        raise ServiceNotInState(service.service_id, service.state, "live or suspended")
    return replace(service, state=ServiceState.RETIRING, suspension=None), service.live


def end_retiring(service: Service) -> Service:
    """Nothing of it is left."""
    return replace(service, state=ServiceState.RETIRED, live=None)
