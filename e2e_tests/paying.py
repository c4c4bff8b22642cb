"""A service that costs something, its own identity to report uses with, and what is left in the stores of what was used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import grpc
from city.governance.v1.journey_service_pb2 import DECISION_APPROVE, DecideProposalRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.infrastructure.v1.artefact_service_pb2 import ListArtefactsRequest, RegisterArtefactRequest
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.journey.v1 import journey_pb2 as shared
from city.policy.v1.agreement_service_pb2 import CreateAgreementRequest, SignAgreementRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import Share
from city.value_catalog.v1.subscription_service_pb2 import SubscribeRequest
from city.value_catalog.v1.subscription_service_pb2_grpc import SubscriptionServiceStub
from city.value_catalog.v1.use_service_pb2 import USE_OUTCOME_RECORDED, RecordUsesRequest, Use
from city.value_catalog.v1.use_service_pb2_grpc import UseServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity

from e2e_tests.conftest import ROOT, Town, patiently

ARTEFACT = "traffic-guide"
CITYS = 3_333
"""Basis points of the revenue that are the city's; the rest is the value creator's."""
MANIFEST = """
apiVersion: city/v1
kind: Service
metadata: {{name: {name}, title: Locks for bicycles, description: Locks a bicycle at any of the city's stands and opens it again.}}
spec:
  category: mobility
  stakeholders: [resident]
  outcomes: [{{name: Bicycles are not stolen, indicator: {{framework: city, code: uses}}}}]
  price:
    currency: EUR
    plans:
      - {{name: per-lock, model: payPerUse, tiers: [{{upTo: 10, unitPrice: "0.11"}}, {{unitPrice: "0.05"}}]}}
      - {{name: capped, model: payPerUse, tiers: [{{unitPrice: "0.30"}}], cap: "6.00"}}
      - {{name: monthly, model: subscription, fee: "9.90"}}
  partnership: {{agreement: {agreement}}}
  accessibility: {{wcagLevel: AA, languages: [de, en], offlineChannel: a key at the stand}}
  runtime:
    process: {{artefact: {artefact}, health: /health, cpuMillis: 40, memoryMib: 128}}
"""


@dataclass(frozen=True, slots=True)
class Paid:
    """A live paid service and the identity by which it reports its uses."""

    service_id: str
    system: Identity


async def a_paid_service(town: Town) -> Paid:
    """Proposed, cleared with an agreement, approved by the officer, deployed, and let in by the catalogue."""
    stub, city = town.city.stub(ArtefactServiceStub, "infrastructure"), town.city
    if ARTEFACT not in {a.name for a in (await stub.ListArtefacts(ListArtefactsRequest(page_size=500))).artefacts}:
        folder, argv = ROOT / "examples" / "src" / "stratapolis" / "examples", ["{python}", "-m", "stratapolis.examples.traffic_guide"]
        await stub.RegisterArtefact(RegisterArtefactRequest(request_id=new_id(), name=ARTEFACT, folder=str(folder), argv=argv))
    text = MANIFEST.format(name=f"s{new_id()[-12:]}", agreement=await _agreed(town), artefact=ARTEFACT)
    journey = await town.propose(text.encode())

    async def asks_the_officer() -> bool:
        (found,) = await town.journeys([journey.journey_id])
        return found.state == shared.JOURNEY_STATE_DECIDING

    await until(asks_the_officer, "the officer to be asked", within=30)
    decided = DecideProposalRequest(request_id=new_id(), journey_id=journey.journey_id, decision=DECISION_APPROVE, reason="good")
    await city.stub(JourneyServiceStub, "governance").DecideProposal(decided)
    ended = (await town.ended([journey.journey_id]))[journey.journey_id]
    assert ended.state == shared.JOURNEY_STATE_LIVE, ended.reasons
    key = city.folder / "services" / journey.journey_id / "key.pem"
    return Paid(journey.service_id, Identity(name="locks", subject=f"system:{journey.service_id}", private_pem=key.read_text()))


async def _agreed(town: Town) -> str:
    """An agreement between the value creator and the city, signed by both."""
    shares = [Share(party=town.creator.creator_id, basis_points=10_000 - CITYS), Share(party="city", basis_points=CITYS)]
    asked = CreateAgreementRequest(
        request_id=new_id(), title=f"Locks {new_id()[-6:]}", shares=shares, currency="EUR", end_time=to_timestamp(datetime.now(UTC) + timedelta(days=700))
    )  # fmt: skip
    agreement = (await town.city.stub(AgreementServiceStub, "policy").CreateAgreement(asked)).agreement
    for party, signer in ((town.creator.creator_id, town.creator.founder), ("city", town.city.officer)):
        stub = town.city.stub(AgreementServiceStub, "policy", as_=signer)
        await stub.SignAgreement(SignAgreementRequest(request_id=new_id(), agreement_id=agreement.agreement_id, party=party))
    return str(agreement.agreement_id)


async def subscribed(town: Town, paid: Paid, who: Identity, plan: str) -> str:
    """A running subscription, as soon as the catalogue shows the service."""
    stub = town.city.stub(SubscriptionServiceStub, "value_catalog", as_=who)
    asked = SubscribeRequest(request_id=new_id(), service_id=paid.service_id, plan=plan)
    found: list[str] = []

    async def takes() -> bool:
        try:
            found.append((await stub.Subscribe(asked)).subscription.subscription_id)
        except grpc.aio.AioRpcError as error:
            if refusal(error).reason != "SERVICE_NOT_FOUND":  # the entry is shown a moment after the journey's end
                raise
        return bool(found)

    await until(takes, f"{plan} to be subscribed to", within=20)
    return found[0]


async def report(town: Town, paid: Paid, subscription: str, quantities: Sequence[int], *, within: float = 60) -> list[str]:
    """The service reports uses of now, all new; every one must be recorded. Returns their ids."""
    uses = [Use(use_id=new_id(), subscription_id=subscription, quantity=q, used_time=to_timestamp(datetime.now(UTC))) for q in quantities]
    stub = town.city.stub(UseServiceStub, "value_catalog", as_=paid.system)
    asked = RecordUsesRequest(request_id=new_id(), service_id=paid.service_id, uses=uses)
    answer = await patiently(lambda: stub.RecordUses(asked), within=within)
    assert {result.outcome for result in answer.results} == {USE_OUTCOME_RECORDED}
    return [use.use_id for use in uses]


async def rows(town: Town, layer: str, sql: str, *args: object) -> list[asyncpg.Record]:
    """A query straight on a layer's database."""
    connection = await asyncpg.connect(town.city.stores.postgres.dsn(layer))
    try:
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()
