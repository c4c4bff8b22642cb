"""Governance on a real database, asked as its callers ask: one transaction a call, rolled back when it is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from city.governance.v1 import journey_service_pb2 as journeys_pb
from city.governance.v1 import value_creator_service_pb2 as creators_pb
from city.governance.v1.events_pb2 import StageRequested
from city.governance.v1.journey_pb2 import Journey
from city.governance.v1.value_creator_pb2 import VALUE_CREATOR_KIND_COMPANY, ValueCreator
from city.journey.v1 import journey_pb2 as pb
from stratapolis.chassis.db import Tx
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.testing import AppUnderTest

OFFICER = Caller(subject="officer-1", kind="person", roles=frozenset({"officer"}))

MANIFEST = """
apiVersion: city/v1
kind: Service
metadata:
  name: {name}
  title: Rowing lessons
  description: Rowing lessons for anybody who can swim, every Saturday at the harbour.
spec:
  category: leisure
  stakeholders: [resident, visitor]
  outcomes:
    - name: More people move more
      indicator: {{framework: city, code: "{code}"}}
  price:
    plans:
      - name: free
        model: free
  accessibility:
    wcagLevel: AA
    languages: [en, de]
    offlineChannel: the boat house, every Saturday
  runtime:
    none: {{}}
"""


def a_manifest(name: str = "rowing-lessons", code: str = "uses") -> bytes:
    """A free service without software."""
    return MANIFEST.format(name=name, code=code).encode()


@dataclass(slots=True)
class Asking:
    """`await asking("get_journey", request, caller)`, and the calls that most tests begin with."""

    city: AppUnderTest

    async def __call__(self, method: str, request: Any, caller: Caller) -> Any:
        async with self.city.db.transaction() as tx:
            return await self.within(tx, method, request, caller)

    async def within(self, tx: Tx, method: str, request: Any, caller: Caller) -> Any:
        """The same in a transaction that is open already."""
        return await self._method(method)(request, Call(caller=caller, at=tx.at, owners=_owners(caller), tx=tx))

    def watch(self, method: str, request: Any, caller: Caller) -> AsyncIterator[Any]:
        """A server stream."""
        stream: AsyncIterator[Any] = self._method(method)(request, Call(caller=caller, at=datetime.now(UTC), owners=_owners(caller), db=self.city.db))
        return stream

    def _method(self, name: str) -> Any:
        (found,) = (getattr(answers.servicer, name) for answers in self.city.app.answers if hasattr(answers.servicer, name))
        return found

    async def a_registered_creator(self, name: str = "Harbour Rowing Club", subject: str = "founder-1") -> ValueCreator:
        request = creators_pb.RegisterValueCreatorRequest(request_id=new_id(), name=name, kind=VALUE_CREATOR_KIND_COMPANY)
        made: ValueCreator = (await self("register_value_creator", request, a_person(subject))).value_creator
        return made

    async def a_member(self, name: str = "Harbour Rowing Club", subject: str = "founder-1") -> Caller:
        """The founder of an accepted value creator."""
        creator = await self.a_registered_creator(name, subject)
        await self("accept_value_creator", creators_pb.AcceptValueCreatorRequest(request_id=new_id(), creator_id=creator.creator_id), OFFICER)
        return a_person(subject, creator.creator_id)

    async def propose(self, member: Caller, manifest: bytes | None = None) -> Journey:
        request = journeys_pb.ProposeServiceRequest(request_id=new_id(), manifest_yaml=manifest or a_manifest())
        journey: Journey = (await self("propose_service", request, member)).journey
        return journey

    async def journey(self, journey_id: str) -> Journey:
        found: Journey = (await self("get_journey", journeys_pb.GetJourneyRequest(journey_id=journey_id), OFFICER)).journey
        return found

    async def all_clear(self, requested: StageRequested, *obligations: pb.Obligation) -> None:
        """Every layer that is asked says yes."""
        for layer in requested.layers:
            await self.city.deliver(an_answer(requested, layer, obligations=obligations), writer=layer)

    async def go_live(self, journey_id: str) -> None:
        """Answer whatever is asked until the journey has ended."""
        while (await self.journey(journey_id)).awaited:
            for event in await self.city.published():
                if isinstance(event, StageRequested) and event.journey_id == journey_id:
                    await self.all_clear(event)


def a_person(subject: str, creator: str = "") -> Caller:
    """Somebody, perhaps a member of a value creator."""
    return Caller(subject=subject, kind="person", creator=creator)


def an_answer(requested: StageRequested, layer: str, *reasons: pb.Reason, **more: Any) -> pb.StageAnswered:
    """A layer's answer: yes without reasons, no with."""
    return pb.StageAnswered(
        journey_id=requested.journey_id,
        service_id=requested.service_id,
        version=requested.version,
        layer=layer,
        stage=requested.stage,
        attempt=requested.attempt,
        outcome=pb.OUTCOME_REFUSED if reasons else pb.OUTCOME_CLEARED,
        reasons=reasons,
        **more,
    )


def _owners(caller: Caller) -> tuple[str, ...] | None:
    return None if "officer" in caller.roles or caller.kind == "layer" else caller.owners
