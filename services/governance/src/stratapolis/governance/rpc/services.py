"""Change of what is live: suspend, resume, retire."""

from dataclasses import dataclass

from city.governance.v1 import lifecycle_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.governance import progress
from stratapolis.governance.codec import journeys as journeys_codec
from stratapolis.governance.codec import services as codec
from stratapolis.governance.domain import service as domain
from stratapolis.governance.domain.errors import LiveVersionChanged
from stratapolis.governance.domain.journey import Course, Journey, retire, withdraw
from stratapolis.governance.domain.service import Service
from stratapolis.governance.domain.step import Kind, Replaced
from stratapolis.governance.domain.value_creator import may_change_services
from stratapolis.governance.store import creators, journeys, services


@dataclass(frozen=True, slots=True)
class Lifecycles:
    """LifecycleService."""

    course: Course

    async def suspend_service(self, request: pb.SuspendServiceRequest, call: Call) -> pb.SuspendServiceResponse:
        """Stop a service for a while."""
        service = await services.for_update(call.tx, request.service_id, call.owners)
        by_city = await self._by_city(service, call)
        stopped = domain.suspend(service, request.reason, by_city=by_city, at=call.at)
        await services.put(call.tx, stopped)
        await outbox.append(call.tx, codec.suspended(stopped))
        return pb.SuspendServiceResponse(service=codec.shown(stopped))

    async def resume_service(self, request: pb.ResumeServiceRequest, call: Call) -> pb.ResumeServiceResponse:
        """Let it serve again."""
        service = await services.for_update(call.tx, request.service_id, call.owners)
        resumed = domain.resume(service, by_city=await self._by_city(service, call))
        await services.put(call.tx, resumed)
        await outbox.append(call.tx, codec.resumed(resumed))
        return pb.ResumeServiceResponse(service=codec.shown(resumed))

    async def retire_service(self, request: pb.RetireServiceRequest, call: Call) -> pb.RetireServiceResponse:
        """Withdraw an open upgrade, then ask every layer to let go, all in one transaction."""
        under_way = await self._under_way(request.service_id, call)
        service = await services.for_update(call.tx, request.service_id, call.owners)
        await self._by_city(service, call)
        leaving, live = domain.begin_retiring(service)
        if under_way is not None and not under_way.ended:
            await progress.keep(call.tx, withdraw(under_way, reason="the service is retired", actor=call.caller.subject, at=call.at))
        elif await services.open_journey(call.tx, service.service_id) is not None:
            raise LiveVersionChanged(service.service_id)
        await services.put(call.tx, leaving)
        launched = await journeys.get(call.tx, live.journey_id, None)
        moved = retire(_retirement(launched, call), self.course, reason=request.reason, actor=call.caller.subject, at=call.at)
        return pb.RetireServiceResponse(journey=journeys_codec.shown(await progress.begin_retirement(call.tx, moved)))

    async def get_service_state(self, request: pb.GetServiceStateRequest, call: Call) -> pb.GetServiceStateResponse:
        """Where one stands."""
        return pb.GetServiceStateResponse(service=codec.shown(await services.get(call.tx, request.service_id, call.owners)))

    async def _under_way(self, service_id: str, call: Call) -> Journey | None:
        """The service's open journey, locked before the service is: an answer that ends it takes the locks in this order too."""
        found = await services.open_journey(call.tx, service_id)
        return None if found is None else await journeys.for_update(call.tx, found)

    async def _by_city(self, service: Service, call: Call) -> bool:
        """Whether an officer calls; else it must be an admin of the service's value creator. Raises NotAnAdmin."""
        if call.owners is None:
            return True
        may_change_services(await creators.members(call.tx, service.creator_id), by=call.caller.subject)
        return False


def _retirement(live: Journey, call: Call) -> Journey:
    """The journey that takes a live version away; it has that version's number, and no tariff that would ever hold."""
    return Journey(
        journey_id=new_id(),
        service_id=live.service_id,
        version=live.version,
        kind=Kind.RETIREMENT,
        replaces=Replaced(version=live.version, journey_id=live.journey_id),
        creator_id=live.creator_id,
        creator_name=live.creator_name,
        name=live.name,
        tariff_id=new_id(),
        has_software=live.has_software,
        proposed_at=call.at,
        updated_at=call.at,
    )
