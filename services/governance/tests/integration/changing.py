"""What is done to a live service, as its callers do it."""

from typing import Any

from city.governance.v1 import lifecycle_service_pb2 as pb
from city.governance.v1.events_pb2 import StageRequested
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.service_pb2 import (
    Service,
)
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id

from services.governance.tests.integration.asking import OFFICER, Asking


async def live(asking: Asking, member: Caller) -> Journey:
    """A service that just went live."""
    journey = await asking.propose(member)
    await asking.go_live(journey.journey_id)
    await asking.city.published()
    return journey


async def suspend(asking: Asking, service_id: str, caller: Caller) -> Service:
    asked = pb.SuspendServiceRequest(request_id=new_id(), service_id=service_id, reason="the boats leak")
    return (await asking("suspend_service", asked, caller)).service  # type: ignore[no-any-return]


async def resume(asking: Asking, service_id: str, caller: Caller) -> Service:
    return (await asking("resume_service", pb.ResumeServiceRequest(request_id=new_id(), service_id=service_id), caller)).service  # type: ignore[no-any-return]


async def retire(asking: Asking, service_id: str, caller: Caller) -> Journey:
    asked = pb.RetireServiceRequest(request_id=new_id(), service_id=service_id, reason="nobody rows any more")
    return (await asking("retire_service", asked, caller)).journey  # type: ignore[no-any-return]


async def state(asking: Asking, service_id: str) -> Service:
    return (await asking("get_service_state", pb.GetServiceStateRequest(service_id=service_id), OFFICER)).service  # type: ignore[no-any-return]


async def said(asking: Asking, *kinds: type) -> list[Any]:
    return [event for event in await asking.city.published() if isinstance(event, kinds)]


async def to_the_last_answer(asking: Asking, journey_id: str) -> None:
    """Answer all that is asked; what the last answer brought is left to be read."""
    while (await asking.journey(journey_id)).awaited:
        for event in await said(asking, StageRequested):
            await asking.all_clear(event)
