"""What entries, calls and events are made of in tests; what does not matter has a default."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from city.connectivity.v1.events_pb2 import ConnectionTrusted
from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2
from city.manifest.v1 import manifest_pb2
from city.types.v1.types_pb2 import IndicatorKey, Place, Share
from google.protobuf.message import Message
from stratapolis.chassis.db import Database
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.testing.journeys import end_of, upgrade_of
from stratapolis.chassis.validation import broken_rules
from stratapolis.value_catalog.rpc.cases import Requests
from stratapolis.value_catalog.rpc.catalog import Catalog
from stratapolis.value_catalog.rpc.feedback import FeedbackGivers
from stratapolis.value_catalog.rpc.subscriptions import Subscriptions, Uses
from stratapolis.value_catalog.wiring import app

AIR = IndicatorKey(framework="u4ssc", code="EN: EN: AQ: 1C", measure="PM 2.5")
ON_TIME = IndicatorKey(framework="city", code="requests closed on time")
HARBOUR = "creator-harbour"
ADA = Caller(subject="person-ada", kind="person")
BEN = Caller(subject="person-ben", kind="person")
MEMBER = Caller(subject="person-mia", kind="person", creator=HARBOUR)
STRANGER = Caller(subject="person-sam", kind="person", creator="creator-other")
OFFICER = Caller(subject="person-olga", kind="person", roles=frozenset({"officer"}))


def the_system(service_id: str, creator: str = HARBOUR) -> Caller:
    """A service's own software."""
    return Caller(subject=f"system:{service_id}", kind="system", creator=creator)


def a_manifest(
    *,
    name: str = "air-alert",
    title: str = "Air quality alert",
    description: str = "Warns residents when the air is bad.",
    category: str = "environment",
    stakeholders: Sequence[manifest_pb2.Stakeholder.ValueType] = (manifest_pb2.STAKEHOLDER_RESIDENT,),
    outcomes: Sequence[manifest_pb2.Outcome] = (manifest_pb2.Outcome(name="cleaner lungs", indicator=AIR, target="15"),),
    model: manifest_pb2.Model.ValueType = manifest_pb2.MODEL_FREE,
    place: Place | None = None,
    data: Sequence[manifest_pb2.DataUse] = (),
    answer_within_hours: int | None = None,
    life_events: Sequence[str] = (),
) -> manifest_pb2.Manifest:
    """A manifest with the plans `basic` and `plus`, both of the model."""
    plans = [manifest_pb2.Plan(name=plan, model=model) for plan in ("basic", "plus")]
    return manifest_pb2.Manifest(
        api_version="city/v1",
        kind="Service",
        metadata=manifest_pb2.Metadata(name=name, title=title, description=description),
        spec=manifest_pb2.Spec(
            category=category,
            stakeholders=stakeholders,
            outcomes=outcomes,
            price=manifest_pb2.Price(currency="" if model == manifest_pb2.MODEL_FREE else "EUR", plans=plans),
            data=data,
            accessibility=manifest_pb2.Accessibility(wcag_level=manifest_pb2.WCAG_LEVEL_AA, languages=["de", "en"]),
            runtime=manifest_pb2.Runtime(none=manifest_pb2.NoSoftware()),
            place=place,
            requests=manifest_pb2.Requests(answer_within_hours=answer_within_hours) if answer_within_hours else None,
            life_events=life_events,
        ),
    )


def a_request(manifest: manifest_pb2.Manifest | None = None, *, service_id: str = "", creator_id: str = HARBOUR, attempt: int = 1) -> StageRequested:
    """Governance asks for a listing."""
    return StageRequested(
        journey_id=new_id(),
        service_id=service_id or new_id(),
        version=1,
        kind=journey_pb2.JOURNEY_KIND_LAUNCH,
        stage=journey_pb2.STAGE_LISTING,
        attempt=attempt,
        layers=["value_catalog"],
        creator_id=creator_id,
        creator_name="Harbour Rowing Club",
        manifest=manifest or a_manifest(),
        endpoint="http://127.0.0.1:7301",
        shares=[Share(party=creator_id, basis_points=10_000)],
    )


def an_upgrade(of: StageRequested, manifest: manifest_pb2.Manifest | None = None) -> StageRequested:
    """A listing of the version after the one that an earlier listing brought live."""
    request = upgrade_of(of)
    request.manifest.CopyFrom(manifest or of.manifest)
    request.endpoint = f"http://127.0.0.1:{7301 + of.version}"
    return request


WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@dataclass
class Layer:
    """The layer on a real database: events are delivered, RPCs called each in a transaction of its own."""

    db: Database
    under: AppUnderTest = field(init=False)
    catalog: Catalog = field(default_factory=Catalog)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    uses: Uses = field(default_factory=Uses)
    feedback: FeedbackGivers = field(default_factory=FeedbackGivers)
    requests: Requests = field(default_factory=Requests)

    def __post_init__(self) -> None:
        self.under = AppUnderTest(app(), self.db)

    async def call(self, method: Callable[[Any, Call], Awaitable[Any]], request: Message, caller: Caller = ADA) -> Any:
        """What the chassis does with a call it has let in."""
        assert broken_rules(request) == ()
        async with self.db.transaction() as tx:
            owners = None if "officer" in caller.roles else caller.owners
            return await method(request, Call(caller=caller, at=tx.at, owners=owners, tx=tx))

    async def publish(self, *manifests: manifest_pb2.Manifest, creator_id: str = HARBOUR) -> list[str]:
        """Bring services live the way journeys do; returns their ids."""
        asked = [a_request(manifest, creator_id=creator_id) for manifest in manifests or (a_manifest(),)]
        await self.under.deliver(*asked)
        await self.under.deliver(*(end_of(request) for request in asked))
        await self.under.published()
        return [request.service_id for request in asked]

    async def listed(self, manifest: manifest_pb2.Manifest | None = None) -> StageRequested:
        """Bring one service live; returns the listing that did."""
        request = a_request(manifest)
        await self.under.deliver(request, end_of(request))
        await self.under.published()
        return request

    async def watch(self, method: Callable[[Any, Call], AsyncIterator[Any]], request: Message, caller: Caller, *, items: int) -> list[Any]:
        """The first items of a stream."""
        owners = None if "officer" in caller.roles else caller.owners
        stream = method(request, Call(caller=caller, at=datetime.now(UTC), owners=owners, db=self.db))
        async with asyncio.timeout(10):
            return [await anext(stream) for _ in range(items)]

    async def trust(self, service_id: str, connection_id: str = "") -> str:
        """Connectivity trusts a service to record its uses."""
        connection = connection_id or new_id()
        await self.under.deliver(ConnectionTrusted(connection_id=connection, subject=f"system:{service_id}", target="value_catalog", scope="uses:record"))
        return connection

    async def at_once(self, row: str, *works: Awaitable[Any]) -> list[Any]:
        """Let works meet at a row, selected by `row`, that is locked until all of them wait for it; returns what came of each."""
        async with self.db.transaction() as tx, asyncio.timeout(10):
            await tx.execute(f"{row} for update")
            tasks = [asyncio.ensure_future(work) for work in works]
            while await tx.value(WAITING) < len(tasks):
                await asyncio.wait(tasks, timeout=0.01)
                await tx.execute("select pg_stat_clear_snapshot()")
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def count(self, table: str) -> int:
        """Rows of a table."""
        async with self.db.transaction() as tx:
            return int(await tx.value(f"select count(*) from {table}"))  # noqa: S608 - the test's own word
