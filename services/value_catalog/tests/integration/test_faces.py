"""value_catalog over real gRPC: tokens, access options, repeated requests and broken ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from city.policy.v1.policies_pb2 import PolicyActivated
from city.value_catalog.v1 import catalog_service_pb2 as catalog
from city.value_catalog.v1 import feedback_service_pb2 as feedback
from city.value_catalog.v1 import subscription_service_pb2 as subscriptions
from city.value_catalog.v1 import use_service_pb2 as uses
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from city.value_catalog.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from city.value_catalog.v1.use_service_pb2_grpc import UseServiceStub
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.server import Server
from stratapolis.chassis.times import to_timestamp
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint

from services.value_catalog.tests.builders import ADA, BEN, Layer, the_system

KEY = Ed25519PrivateKey.generate()
FOUNDING = Path(__file__).parents[4] / "services/policy/src/stratapolis/policy/founding.cedar"
"""The city's own founding policy: what is tested here is let in by it."""
THING = Caller(subject="thing-1", kind="thing", creator="creator-harbour")


class NothingRevoked:
    """A feed of revocations that says of nobody anything."""

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        return False

    def silent_for(self) -> timedelta:
        return timedelta()


class Faces:
    """The layer's gRPC face."""

    def __init__(self, layer: Layer, port: int) -> None:
        self.layer, self._port = layer, port

    @asynccontextmanager
    async def stub(self, kind: Any, caller: Caller | None) -> AsyncIterator[Any]:
        """A stub that calls as this caller; None: without a token."""
        now = datetime.now(UTC)
        metadata: tuple[tuple[str, str], ...] = ()
        if caller is not None:
            claims = Claims(caller=caller, audience="value_catalog", jti=new_id(), issued_at=now, expires_at=now + timedelta(minutes=15))
            metadata = (("authorization", f"Bearer {mint(claims, KEY, 'k1')}"),)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            yield _Bound(kind(channel), metadata)


class _Bound:
    def __init__(self, stub: Any, metadata: tuple[tuple[str, str], ...]) -> None:
        self._stub, self._metadata = stub, metadata

    def __getattr__(self, rpc: str) -> Any:
        async def call(request: Any) -> Any:
            return await getattr(self._stub, rpc)(request, metadata=self._metadata, timeout=5)

        return call


@pytest.fixture
async def faces(layer: Layer) -> AsyncIterator[Faces]:
    verifier = Verifier(FixedKeys({"k1": KEY.public_key()}), "value_catalog", NothingRevoked())
    active = PolicyActivated(name="city", version=1, cedar=FOUNDING.read_text())
    gate = Gate("value_catalog", verifier, Policies(lambda: active))
    async with Server("value_catalog", layer.under.app.answers, db=layer.db, gate=gate, port=0) as server:
        yield Faces(layer, server.port)


async def reason(call: Any) -> str:
    """Why a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refusal(refused.value).reason


async def test_from_search_to_a_recorded_use(faces: Faces) -> None:
    (service_id,) = await faces.layer.publish()
    await faces.layer.trust(service_id)
    async with faces.stub(CatalogServiceStub, ADA) as ada:
        found = (await ada.SearchServices(catalog.SearchServicesRequest(query="air"))).found
    assert [one.entry.service_id for one in found] == [service_id]
    async with faces.stub(SubscriptionServiceStub, ADA) as ada:
        started = (await ada.Subscribe(subscriptions.SubscribeRequest(request_id=new_id(), service_id=service_id, plan="basic"))).subscription
    async with faces.stub(SubscriptionServiceStub, the_system(service_id)) as service:
        checked = await service.CheckSubscription(subscriptions.CheckSubscriptionRequest(service_id=service_id, subscriber=ADA.subject))
    assert list(checked.subscriptions) == [started]
    use = uses.Use(use_id="ride-1", subscription_id=started.subscription_id, quantity=1, used_time=to_timestamp(datetime.now(UTC)))
    asked = uses.RecordUsesRequest(request_id=new_id(), service_id=service_id, uses=[use])
    async with faces.stub(UseServiceStub, the_system(service_id)) as service:
        assert (await service.RecordUses(asked)).results[0].outcome == uses.USE_OUTCOME_RECORDED
    async with faces.stub(UseServiceStub, ADA) as ada:
        assert await reason(ada.RecordUses(asked)) == "NOT_THE_SERVICE"


async def test_g8_a_repeated_request_has_one_effect_and_one_answer(faces: Faces) -> None:
    (service_id,) = await faces.layer.publish()
    asked = subscriptions.SubscribeRequest(request_id=new_id(), service_id=service_id, plan="basic")
    async with faces.stub(SubscriptionServiceStub, ADA) as ada:
        assert await ada.Subscribe(asked) == await ada.Subscribe(asked)
        asked.plan = "plus"
        assert await reason(ada.Subscribe(asked)) == "REQUEST_ID_REUSED"
    assert await faces.layer.count("subscription") == 1


async def test_g11_without_a_token_nothing_is_shown_and_things_have_no_business_here(faces: Faces) -> None:
    (service_id,) = await faces.layer.publish()
    async with faces.stub(CatalogServiceStub, None) as nobody:
        assert await reason(nobody.GetService(catalog.GetServiceRequest(service_id=service_id))) == "NO_TOKEN"
    async with faces.stub(SubscriptionServiceStub, THING) as thing:
        assert await reason(thing.Subscribe(subscriptions.SubscribeRequest(request_id=new_id(), service_id=service_id, plan="basic"))) == "DENIED_BY_POLICY"


@pytest.mark.parametrize("rating", [0, 6])
async def test_g12_a_rating_beyond_the_scale_is_the_clients_error(faces: Faces, rating: int) -> None:
    (service_id,) = await faces.layer.publish()
    async with faces.stub(FeedbackServiceStub, BEN) as ben:
        asked = feedback.GiveFeedbackRequest(request_id=new_id(), service_id=service_id, rating=rating)
        assert await reason(ben.GiveFeedback(asked)) == "INVALID_REQUEST"


@pytest.mark.parametrize("token", ["x", "e30", "eyJhIjoxfQ", "AAAAAAAAAABbMV0"])
async def test_g12_a_forged_page_token_is_the_clients_error(faces: Faces, token: str) -> None:
    async with faces.stub(CatalogServiceStub, BEN) as ben:
        for call in (
            ben.SearchServices(catalog.SearchServicesRequest(query="air", page_token=token)),
            ben.ListServices(catalog.ListServicesRequest(page_token=token)),
            ben.ListCategories(catalog.ListCategoriesRequest(page_token=token)),
            ben.ListOutcomes(catalog.ListOutcomesRequest(page_token=token)),
        ):
            assert await reason(call) == "INVALID_FIELD"
