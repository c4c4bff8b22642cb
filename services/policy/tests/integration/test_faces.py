"""Policy over real gRPC: tokens, access options, the founding set and idempotency together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from city.policy.v1 import agreement_service_pb2, agreement_service_pb2_grpc, funding_service_pb2, funding_service_pb2_grpc, policy_service_pb2
from city.policy.v1.funding_pb2 import FUNDING_KIND_GRANT
from city.policy.v1.policies_pb2 import PolicyActivated
from city.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from city.types.v1.types_pb2 import Money, Share
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis.identity import Caller
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.policies import Policies
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.gate import Gate
from stratapolis.chassis.rpc.server import Server
from stratapolis.chassis.times import to_timestamp
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint

from services.policy.tests.builders import ADA, BEA, OLGA, Layer, a_caller

KEY = Ed25519PrivateKey.generate()
FOUNDER = a_caller("fay", roles=("founder",))
PIA = a_caller("pia", roles=("policy_admin",))


class NothingRevoked:
    """A feed of revocations that says of nobody anything."""

    def refused(self, subject: str, jti: str, issued_at: datetime) -> bool:
        return False

    def silent_for(self) -> timedelta:
        return timedelta()


class City:
    """A running policy layer that follows what it says itself, as every layer would."""

    def __init__(self, layer: Layer) -> None:
        self.layer, self.active, self.port = layer, list[PolicyActivated](), 0

    @asynccontextmanager
    async def stub(self, kind: Any, caller: Caller) -> AsyncIterator[Any]:
        """A stub that calls as this caller."""
        now = datetime.now(UTC)
        token = mint(Claims(caller=caller, audience="policy", jti=new_id(), issued_at=now, expires_at=now + timedelta(minutes=15)), KEY, "k1")
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            yield _Bound(kind(channel), (("authorization", f"Bearer {token}"),))

    async def follow(self) -> None:
        self.active += [event for event in await self.layer.under.published() if isinstance(event, PolicyActivated)]


class _Bound:
    def __init__(self, stub: Any, metadata: tuple[tuple[str, str], ...]) -> None:
        self._stub, self._metadata = stub, metadata

    def __getattr__(self, rpc: str) -> Any:
        async def call(request: Any) -> Any:
            return await getattr(self._stub, rpc)(request, metadata=self._metadata, timeout=5)

        return call


@pytest.fixture
async def city(layer: Layer) -> AsyncIterator[City]:
    city = City(layer)
    verifier = Verifier(FixedKeys({"k1": KEY.public_key()}), "policy", NothingRevoked())
    gate = Gate("policy", verifier, Policies(lambda: city.active[-1] if city.active else None))
    async with Server("policy", layer.under.app.answers, db=layer.db, gate=gate, port=0) as server:
        city.port = server.port
        yield city


async def reason(call: Any) -> str:
    """Why a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refusal(refused.value).reason


def a_source() -> funding_service_pb2.RegisterFundingSourceRequest:
    return funding_service_pb2.RegisterFundingSourceRequest(
        request_id=new_id(), title="a grant", kind=FUNDING_KIND_GRANT, amount=Money(currency_code="EUR", units=100), end_time=_ahead()
    )


def _ahead() -> Any:
    return to_timestamp(datetime.now(UTC) + timedelta(days=9))


async def test_before_founding_nothing_is_permitted_but_to_found(city: City) -> None:
    async with city.stub(funding_service_pb2_grpc.FundingServiceStub, OLGA) as funding, city.stub(PolicyServiceStub, FOUNDER) as policy:
        assert await reason(funding.RegisterFundingSource(a_source())) == "NO_POLICY"
        asked = policy_service_pb2.FoundPolicyRequest(request_id=new_id())
        founded = await policy.FoundPolicy(asked)
        assert await policy.FoundPolicy(asked) == founded
        assert await reason(policy.FoundPolicy(policy_service_pb2.FoundPolicyRequest(request_id=new_id()))) == "ALREADY_FOUNDED"
        await city.follow()
        assert (await funding.RegisterFundingSource(a_source())).source.available.units == 100


async def test_only_a_founder_founds_and_only_policy_admins_publish(city: City) -> None:
    async with city.stub(PolicyServiceStub, OLGA) as policy:
        assert await reason(policy.FoundPolicy(policy_service_pb2.FoundPolicyRequest(request_id=new_id()))) == "CALLER_NOT_ALLOWED"
        published = policy_service_pb2.PublishPolicyRequest(request_id=new_id(), cedar="permit(principal,action,resource);", note="open")
        assert await reason(policy.PublishPolicy(published)) == "CALLER_NOT_ALLOWED"


async def test_nobody_is_locked_out_by_a_policy(city: City) -> None:
    deny = '@id("closed") forbid (principal, action, resource);'
    city.active.append(PolicyActivated(name="city", version=1, cedar=deny))
    async with city.stub(PolicyServiceStub, PIA) as policy:
        published = await policy.PublishPolicy(policy_service_pb2.PublishPolicyRequest(request_id=new_id(), cedar=deny, note="closed"))
        assert published.policy.version == 1
        assert (await policy.GetPolicy(policy_service_pb2.GetPolicyRequest(version=1))).policy.cedar == deny


async def test_one_request_makes_one_source_and_another_body_is_refused(city: City) -> None:
    await city.layer.found()
    await city.follow()
    async with city.stub(funding_service_pb2_grpc.FundingServiceStub, OLGA) as funding:
        asked = a_source()
        first, second = await funding.RegisterFundingSource(asked), await funding.RegisterFundingSource(asked)
        assert first == second
        asked.title = "another grant"
        assert await reason(funding.RegisterFundingSource(asked)) == "REQUEST_ID_REUSED"
        listed = await funding.ListFundingSources(funding_service_pb2.ListFundingSourcesRequest())
        assert [source.source_id for source in listed.sources] == [first.source.source_id]
    async with city.stub(funding_service_pb2_grpc.FundingServiceStub, ADA) as funding:
        assert await reason(funding.RegisterFundingSource(a_source())) == "CALLER_NOT_ALLOWED"
        assert len((await funding.ListFundingSources(funding_service_pb2.ListFundingSourcesRequest())).sources) == 1


async def test_each_party_signs_by_its_own_token_and_others_see_nothing(city: City) -> None:
    await city.layer.found()
    await city.follow()
    kind = agreement_service_pb2_grpc.AgreementServiceStub
    shares = [Share(party="acme", basis_points=7_000), Share(party="city", basis_points=3_000)]
    async with city.stub(kind, ADA) as ada, city.stub(kind, OLGA) as olga, city.stub(kind, BEA) as bea:
        asked = agreement_service_pb2.CreateAgreementRequest(request_id=new_id(), title="a partnership", shares=shares, currency="EUR", end_time=_ahead())
        made = (await ada.CreateAgreement(asked)).agreement.agreement_id
        get = agreement_service_pb2.GetAgreementRequest(agreement_id=made)
        assert await reason(bea.GetAgreement(get)) == "AGREEMENT_NOT_FOUND"
        assert await reason(ada.SignAgreement(_signing(made, "city"))) == "SIGNATURE_NOT_YOURS"
        await ada.SignAgreement(_signing(made, "acme"))
        await olga.SignAgreement(_signing(made, "city"))
        assert [signature.subject for signature in (await ada.GetAgreement(get)).agreement.signatures] == ["ada", "olga"]


def _signing(agreement_id: str, party: str) -> agreement_service_pb2.SignAgreementRequest:
    return agreement_service_pb2.SignAgreementRequest(request_id=new_id(), agreement_id=agreement_id, party=party)
