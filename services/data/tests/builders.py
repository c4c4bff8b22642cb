"""What tests of data are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from city.connectivity.v1.events_pb2 import ConnectionTrusted
from city.connectivity.v1.observations_pb2 import ThingObserved
from city.data.v1 import data_product_pb2 as products_pb
from city.data.v1 import data_products_service_pb2, indicator_feeds_service_pb2
from city.data.v1 import observations_service_pb2 as pb
from city.governance.v1.events_pb2 import JourneyEnded, StageRequested
from city.journey.v1 import journey_pb2
from city.manifest.v1 import manifest_pb2 as manifests
from city.types.v1.types_pb2 import IndicatorKey, Place
from google.protobuf.message import Message
from pydantic import SecretStr
from stratapolis.chassis.db import Database
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.rpc.client import Peers
from stratapolis.chassis.rpc.method import Method, methods
from stratapolis.chassis.testing import AppUnderTest
from stratapolis.chassis.times import to_timestamp
from stratapolis.data.domain.contract import Contract, ContractState
from stratapolis.data.domain.product import Classification, Product, ProductState
from stratapolis.data.settings import Settings
from stratapolis.data.wiring import wire

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PM25 = IndicatorKey(framework="u4ssc", code="EN: EN: AQ: 1C", measure="PM 2.5")
_NUMBERS = count(1)


def a_caller(subject: str, *, creator: str = "", roles: tuple[str, ...] = (), kind: str = "person") -> Caller:
    return Caller(subject=subject, kind=kind, creator=creator, roles=frozenset(roles))  # type: ignore[arg-type]


MIA = a_caller("mia", creator="meteo")
ADA = a_caller("ada", creator="acme")
RESIDENT = a_caller("rosa")
OLGA = a_caller("olga", roles=("officer",))
OPERATOR = a_caller("otto", roles=("operator",))


def a_product(**changes: Any) -> Product:
    """Meteo's shared air, published."""
    given: dict[str, Any] = {
        "name": "air", "owner": "meteo", "title": "Air", "description": "", "classification": Classification.SHARED, "properties": {"pm25": "ug/m3"},
        "things": (), "thing_prefix": "air.", "zone": "Europe/Berlin", "earliest": None, "retention_days": 0, "consumers": (),
        "state": ProductState.PUBLISHED, "created_at": NOW,
    }  # fmt: skip
    return Product(**(given | changes))


def a_contract(**changes: Any) -> Contract:
    """Acme's granted contract for meteo's air, from yesterday to tomorrow."""
    given: dict[str, Any] = {
        "contract_id": "contract-1", "product": "air", "product_owner": "meteo", "service_id": "service-1", "version": 1, "owner": "acme",
        "purpose": "warn of bad air", "start_at": NOW - DAY, "end_at": NOW + DAY, "state": ContractState.GRANTED, "reason": "", "journey_id": "journey-1",
        "created_at": NOW - DAY,
    }  # fmt: skip
    return Contract(**(given | changes))


def a_use(product: str = "air", **changes: Any) -> manifests.DataUse:
    return manifests.DataUse(**({"product": product, "purpose": "warn of bad air", "start": "", "end": "2099-01-01"} | changes))


def a_manifest(*uses: manifests.DataUse) -> manifests.Manifest:
    """The manifest of a free service without software, with these data uses."""
    spec = manifests.Spec(
        category="mobility", stakeholders=[manifests.STAKEHOLDER_RESIDENT], runtime=manifests.Runtime(none=manifests.NoSoftware()), data=uses,
        price=manifests.Price(plans=[manifests.Plan(name="free", model=manifests.MODEL_FREE)]),
        outcomes=[manifests.Outcome(name="better air", indicator=PM25)],
    )  # fmt: skip
    about = manifests.Metadata(name="guide", title="A guide", description="Shows the way through the city.")
    return manifests.Manifest(api_version="city/v1", kind="Service", metadata=about, spec=spec)


def a_request(*uses: manifests.DataUse, stage: Any = journey_pb2.STAGE_CLEARING, creator: str = "acme") -> StageRequested:
    """A stage of a new journey of a service with these data uses."""
    number = next(_NUMBERS)
    return StageRequested(
        journey_id=f"journey-{number}", service_id=f"service-{number}", version=1, kind=journey_pb2.JOURNEY_KIND_LAUNCH, stage=stage, attempt=1,
        layers=["policy", "data"], creator_id=creator, creator_name=creator.title(), until_time=to_timestamp(datetime.now(UTC) + DAY),
        manifest=a_manifest(*uses),
    )  # fmt: skip


def again(request: StageRequested, *, stage: Any, attempt: int = 1) -> StageRequested:
    """Another stage, or attempt, of the same journey."""
    asked = StageRequested()
    asked.CopyFrom(request)
    asked.stage, asked.attempt = stage, attempt
    return asked


def an_end(request: StageRequested, state: Any) -> JourneyEnded:
    return JourneyEnded(journey_id=request.journey_id, service_id=request.service_id, version=request.version, creator_id=request.creator_id, state=state)


def observed(thing: str, at: datetime, value: str | int | Decimal = "12.5", **changes: Any) -> ThingObserved:
    """An observation of meteo's pm25."""
    given: dict[str, Any] = {
        "thing": thing, "owner": "meteo", "property": "pm25", "value": str(value), "unit": "ug/m3", "observed_time": to_timestamp(at),
    }  # fmt: skip
    return ThingObserved(**(given | changes))


def reading(thing: str, at: datetime, value: str = "12.5", **changes: Any) -> pb.Reading:
    given: dict[str, Any] = {"thing": thing, "property": "pm25", "value": value, "unit": "ug/m3", "observed_time": to_timestamp(at)}
    return pb.Reading(**(given | changes))


def a_place(latitude: float, longitude: float) -> Place:
    return Place(latitude=latitude, longitude=longitude)


@dataclass(slots=True)
class Layer:
    """Data on a real database, called through the very methods that the server calls."""

    db: Database
    under: AppUnderTest = field(init=False)
    _methods: dict[str, Method] = field(init=False)

    def __post_init__(self) -> None:
        app = wire(_settings(), self.db, Peers({}, None))  # type: ignore[arg-type]
        self.under = AppUnderTest(app, self.db)
        self._methods = {method.request.DESCRIPTOR.name: method for answers in app.answers for method in methods(answers)}

    async def ask(self, request: Message, caller: Caller = MIA) -> Any:
        """Call an RPC as the server does: in one transaction, which a read may not write in."""
        method = self._methods[request.DESCRIPTOR.name]
        async with self.db.transaction(readonly=method.reads and not method.leaves_account) as tx:
            return await method.work(request, Call(caller=caller, at=tx.at, owners=None if caller.roles else caller.owners, tx=tx))

    @asynccontextmanager
    async def streamed(self, request: Message, caller: Caller = MIA) -> AsyncIterator[AsyncIterator[Any]]:
        """Call a stream; it is closed at the end of the block."""
        items = self._methods[request.DESCRIPTOR.name].work(request, Call(caller=caller, at=datetime.now(UTC), owners=caller.owners, db=self.db))
        try:
            yield items
        finally:
            await items.aclose()

    async def product(self, name: str = "air", *, publish: bool = True, caller: Caller = MIA, **changes: Any) -> products_pb.DataProduct:
        """Register a product of pm25 and publish it."""
        given: dict[str, Any] = {
            "name": name, "title": "Air", "classification": products_pb.CLASSIFICATION_SHARED, "properties": [products_pb.ProductProperty(name="pm25")],
            "thing_prefix": f"{name}.", "zone": "Europe/Berlin",
        }  # fmt: skip
        asked = data_products_service_pb2.RegisterDataProductRequest(request_id=new_id(), product=products_pb.DataProduct(**(given | changes)))
        made = await self.ask(asked, caller)
        if publish:
            made = await self.ask(data_products_service_pb2.PublishDataProductRequest(request_id=new_id(), name=name), caller)
        shown: products_pb.DataProduct = made.product
        return shown

    async def feed(self, product: str = "air") -> str:
        """Bind pm25 of a product to its indicator."""
        asked = indicator_feeds_service_pb2.RegisterIndicatorFeedRequest(request_id=new_id(), product=product, property="pm25", indicator=PM25)
        return str((await self.ask(asked, OLGA)).feed.feed_id)

    async def publish(self, *readings: pb.Reading, caller: Caller = MIA) -> list[str]:
        """Hand in readings; returns their outcomes, or reasons of refusal."""
        answer = await self.ask(pb.PublishObservationsRequest(request_id=new_id(), readings=readings), caller)
        return [result.reason or pb.IntakeOutcome.Name(result.outcome).removeprefix("INTAKE_OUTCOME_") for result in answer.results]

    async def live_service(self, *uses: manifests.DataUse, connect: bool = True) -> tuple[StageRequested, Caller]:
        """A service of acme that has gone its way to live, and its own identity."""
        request = a_request(*uses)
        await self.under.deliver(request)
        await self.under.deliver(again(request, stage=journey_pb2.STAGE_CONNECTING))
        await self.under.deliver(an_end(request, journey_pb2.JOURNEY_STATE_LIVE))
        system = a_caller(f"system:{request.service_id}", creator="acme", kind="system")
        if connect:
            trusted = ConnectionTrusted(connection_id=new_id(), subject=system.subject, target="data", scope="data:read")
            await self.under.deliver(trusted)
        return request, system

    async def said(self, kind: type[Message]) -> list[Any]:
        """What was said of a kind since the last time."""
        return [event for event in await self.under.published() if isinstance(event, kind)]

    async def rows(self, sql: str, *args: object) -> Sequence[Any]:
        async with self.db.transaction(readonly=True) as tx:
            return await tx.fetch(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        async with self.db.transaction(readonly=True) as tx:
            return await tx.value(sql, *args)


def _settings() -> Settings:
    return Settings(
        kafka="127.0.0.1:1", connectivity_url="http://127.0.0.1:1", database=SecretStr("postgresql://127.0.0.1:1/data"), grpc_port=1, http_port=1,
        key_file=Path(__file__), feed_quiet_seconds=0, stream_poll_seconds=0.02,
    )  # fmt: skip
