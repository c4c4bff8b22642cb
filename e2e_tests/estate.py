"""One row of every kind that the city keeps for an owner, each made through the city's own faces, and what was sent to make it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
from city.connectivity.v1 import connection_service_pb2, credential_service_pb2, device_service_pb2
from city.connectivity.v1.connection_service_pb2_grpc import ConnectionServiceStub
from city.data.v1 import data_contracts_service_pb2, data_product_pb2, data_products_service_pb2, observations_service_pb2
from city.infrastructure.v1 import artefact_service_pb2
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.innovation.v1 import idea_service_pb2, pilot_pb2, pilot_service_pb2, programme_pb2, programme_service_pb2, training_service_pb2
from city.innovation.v1.idea_service_pb2_grpc import IdeaServiceStub
from city.innovation.v1.programme_service_pb2_grpc import ProgrammeServiceStub
from city.innovation.v1.training_service_pb2_grpc import TrainingServiceStub
from city.journey.v1 import journey_pb2
from city.policy.v1 import agreement_service_pb2
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import IndicatorKey, Place, Share
from city.value_catalog.v1 import feedback_service_pb2, request_service_pb2, subscription_service_pb2
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity, new_pem, public_pem

from e2e_tests.access import Outcome, Target, Wire
from e2e_tests.conftest import ROOT, Town
from e2e_tests.promising import promised, record

PURPOSE = "look after the lanterns"
SERVER = "import http.server as h, os; h.test(h.SimpleHTTPRequestHandler, port=int(os.environ['PORT']), bind='127.0.0.1')"
Sent = tuple[Target, Message, Outcome]


@dataclass(slots=True)
class Estate:
    """What one value creator has. `ids` are those of its rows, by what they are of; `sent` every write that made them, with its answer."""

    town: Town
    wire: Wire
    targets: dict[str, Target]
    tokens: dict[str, str]
    service_tokens: dict[str, str] = field(default_factory=dict)
    """Of the identity of its service."""
    ids: dict[str, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    async def ask(self, rpc: str, request: Message) -> Outcome:
        """What the owner gets."""
        target = self.targets[rpc]
        return await self.wire.call(target, request, self.tokens[target.layer])

    async def make(self, rpc: str, request: Message) -> Any:
        """A write of the owner's; remembered, and its answer."""
        target = self.targets[rpc]
        found = await self.ask(rpc, request)
        assert found.code == "OK", f"{rpc}: {found}"
        self.sent.append((target, request, found))
        answer: type[Message] = GetMessageClass(target.rpc.output_type)
        return answer.FromString(found.body)


async def built(town: Town, wire: Wire, targets: list[Target], tokens: dict[str, str]) -> Estate:
    """The estate of the town's own value creator."""
    estate = Estate(town, wire, {target.rpc.name: target for target in targets}, tokens, ids={"creator": town.creator.creator_id})
    thing = await town.city.enrol("Lantern sensor", kind="thing", creator=town.creator.creator_id)
    await _live_services(estate)
    await _things(estate, thing)
    await _data(estate)
    await _dealings(estate)
    await _missed(estate)
    await _on_the_board(estate)
    await _trained(estate)
    await _read_by_its_service(estate)
    await _refused_observation(estate, thing)
    return estate


async def _live_services(estate: Estate) -> None:
    """One without software, which takes requests and costs a fee, and one that runs."""
    town = estate.town
    argv = ["{python}", "-c", SERVER]
    artefact = artefact_service_pb2.RegisterArtefactRequest(request_id=new_id(), name="lantern", folder=str(ROOT / "examples" / "manifests"), argv=argv)
    await town.city.stub(ArtefactServiceStub, "infrastructure").RegisterArtefact(artefact)
    running = b"runtime: {process: {artefact: lantern, health: /, cpuMillis: 40, memoryMib: 256}}"
    paid = b"currency: EUR\n    plans: [{name: free, model: free}, {name: paid, model: subscription, fee: '3.00'}]"
    manifest = town.manifest().replace(b"plans: [{name: free, model: free}]", paid)
    journeys = await asyncio.gather(town.propose(manifest), town.propose(town.manifest().replace(b"runtime: {none: {}}", running)))
    ended = await town.ended([journey.journey_id for journey in journeys])
    assert {journey.state for journey in ended.values()} == {journey_pb2.JOURNEY_STATE_LIVE}, [list(j.reasons) for j in ended.values()]
    estate.ids |= {"journey": journeys[0].journey_id, "service": journeys[0].service_id, "running": journeys[1].service_id}


async def _things(estate: Estate, thing: Identity) -> None:
    estate.ids["thing"] = thing.subject
    properties, place = ["pm25"], Place(latitude=52.5, longitude=13.4)
    device = device_service_pb2.RegisterDeviceRequest(request_id=new_id(), thing=thing.subject, type="air-sensor", place=place, properties=properties)
    await estate.make("RegisterDevice", device)
    key = credential_service_pb2.IssueCredentialRequest(request_id=new_id(), subject=thing.subject, public_key_pem=public_pem(new_pem()))
    estate.ids["credential"] = (await estate.make("IssueCredential", key)).credential.credential_id
    other = await estate.town.city.enrol("Lantern counter", kind="thing", creator=estate.town.creator.creator_id)
    link = _connection(thing.subject, other.subject, "lantern:read")
    estate.ids["connection"] = (await estate.make("TrustConnection", link)).connection.connection_id


def _connection(subject: str, target: str, scope: str) -> connection_service_pb2.TrustConnectionRequest:
    end = to_timestamp(datetime.now(UTC) + timedelta(days=30))
    return connection_service_pb2.TrustConnectionRequest(request_id=new_id(), subject=subject, target=target, scope=scope, end_time=end)


async def _data(estate: Estate) -> None:
    """A draft, a shared product with an observation in it, and a contract for it."""
    for kind, prefix in (("draft", "draft-"), ("product", "lantern-")):
        name = f"{prefix}{new_id()[-12:]}"
        product = data_product_pb2.DataProduct(
            name=name, title=f"Lanterns {name}", classification=data_product_pb2.CLASSIFICATION_SHARED, zone="Europe/Berlin", thing_prefix=f"{name}.",
            properties=[data_product_pb2.ProductProperty(name="pm25", unit="ug/m3")],
        )  # fmt: skip
        await estate.make("RegisterDataProduct", data_products_service_pb2.RegisterDataProductRequest(request_id=new_id(), product=product))
        estate.ids[kind] = name
    await estate.make("PublishDataProduct", data_products_service_pb2.PublishDataProductRequest(request_id=new_id(), name=estate.ids["product"]))
    seen = observations_service_pb2.Reading(
        thing=f"{estate.ids['product']}.1", property="pm25", value="17", unit="ug/m3", observed_time=to_timestamp(datetime.now(UTC) - timedelta(hours=1))
    )
    await estate.make("PublishObservations", observations_service_pb2.PublishObservationsRequest(request_id=new_id(), readings=[seen]))
    until_day = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    asked = data_contracts_service_pb2.RequestContractRequest(
        request_id=new_id(), product=estate.ids["product"], service_id=estate.ids["service"], purpose=PURPOSE, end=until_day
    )
    made = await _settled(estate, "RequestContract", asked)
    estate.ids["contract"] = made.contract.contract_id


async def _settled(estate: Estate, rpc: str, request: Message) -> Any:
    """A write about a live service: the layer may still be about to hear that it is live."""

    async def known() -> bool:
        return (await estate.ask(rpc, request)).code != "NOT_FOUND"

    await until(known, f"{rpc} to know the service", within=30)
    return await estate.make(rpc, request)


async def _dealings(estate: Estate) -> None:
    creator, service = estate.town.creator.creator_id, estate.ids["service"]
    shares, end = [Share(party=creator, basis_points=10_000)], to_timestamp(datetime.now(UTC) + timedelta(days=300))
    agreement = agreement_service_pb2.CreateAgreementRequest(request_id=new_id(), title="Lanterns alone", shares=shares, currency="EUR", end_time=end)
    estate.ids["agreement"] = (await estate.make("CreateAgreement", agreement)).agreement.agreement_id
    subscribe = subscription_service_pb2.SubscribeRequest(request_id=new_id(), service_id=service, plan="paid")
    estate.ids["subscription"] = (await _settled(estate, "Subscribe", subscribe)).subscription.subscription_id
    opened = request_service_pb2.OpenRequestRequest(request_id=new_id(), service_id=service, description="A lantern is out.")
    estate.ids["case"] = (await estate.make("OpenRequest", opened)).case.case_id
    rated = feedback_service_pb2.GiveFeedbackRequest(request_id=new_id(), service_id=service, rating=4, comment="bright")
    estate.ids["feedback"] = (await estate.make("GiveFeedback", rated)).feedback.feedback_id


async def _missed(estate: Estate) -> None:
    """A promise that was missed."""
    indicator = IndicatorKey(framework="city", code=f"lanterns_late_{new_id()[-8:]}")
    asked = agreement_service_pb2.ListPerformanceFailuresRequest(agreement_id=await promised(estate.town, indicator))
    await record(estate.town, indicator, "6")
    stub = estate.town.city.stub(AgreementServiceStub, "policy")

    async def raised() -> bool:
        for failure in (await stub.ListPerformanceFailures(asked)).failures:
            estate.ids["failure"] = failure.failure_id
        return "failure" in estate.ids

    await until(raised, "the failure to be raised", within=30)


async def _opened(estate: Estate, kind: programme_pb2.ProgrammeKind.ValueType, **detail: Any) -> str:
    """A programme of innovation, which an officer opens; its id."""
    today = datetime.now(UTC).date()
    asked = programme_service_pb2.OpenProgrammeRequest(
        request_id=new_id(), kind=kind, title="Lanterns", description="For those who light lanterns.", start_date=str(today),
        end_date=str(today + timedelta(days=30)), **detail,
    )  # fmt: skip
    return str((await estate.town.city.stub(ProgrammeServiceStub, "innovation").OpenProgramme(asked)).programme.programme_id)


async def _on_the_board(estate: Estate) -> None:
    """An idea in a pilot that has a tester."""
    city, today = estate.town.city, datetime.now(UTC).date()
    submit = idea_service_pb2.SubmitIdeaRequest(request_id=new_id(), title="Lanterns that see", description="Bright where somebody walks.")
    estate.ids["idea"] = (await estate.make("SubmitIdea", submit)).idea.idea_id
    chosen = idea_service_pb2.ShortlistIdeaRequest(request_id=new_id(), idea_id=estate.ids["idea"])

    async def shortlisted() -> bool:
        try:
            return bool((await city.stub(IdeaServiceStub, "innovation").ShortlistIdea(chosen)).idea.lead)
        except grpc.aio.AioRpcError as error:
            if refusal(error).reason != "LEAD_MISSING":
                raise
        return False

    await until(shortlisted, "innovation to have heard of the value creator", within=30)
    zone = programme_pb2.Zone(place=Place(latitude=52.5, longitude=13.4), capacity=9)
    hypothesis = pilot_pb2.Hypothesis(
        statement="more uses at night", indicator=IndicatorKey(framework="city", code="uses"), scope="city", comparison=pilot_pb2.COMPARISON_AT_LEAST,
        expected="1",
    )  # fmt: skip
    booked = pilot_service_pb2.BookPilotRequest(
        request_id=new_id(), idea_id=estate.ids["idea"], zone_id=await _opened(estate, programme_pb2.PROGRAMME_KIND_INNOVATION_ZONE, zone=zone),
        start_date=str(today), end_date=str(today + timedelta(days=1)), places=9, hypothesis=hypothesis,
        consent_statement="We count who passes the lantern.",
    )  # fmt: skip
    pilot = (await estate.make("BookPilot", booked)).pilot
    agreed = pilot_service_pb2.ConsentToPilotRequest(request_id=new_id(), pilot_id=pilot.pilot_id, statement=pilot.consent_statement)
    estate.ids["consent"] = (await estate.make("ConsentToPilot", agreed)).consent.consent_id


async def _trained(estate: Estate) -> None:
    """A seat in a training, and an award of another."""
    competency = programme_pb2.Competency(code="lanterns", name="Lanterns", criteria="Has lit a lantern and put it out.")
    training = programme_pb2.Training(competency=competency, seats=5)
    seats = []
    for _ in range(2):
        programme = await _opened(estate, programme_pb2.PROGRAMME_KIND_TRAINING, training=training)
        asked = training_service_pb2.EnrolInTrainingRequest(request_id=new_id(), programme_id=programme)
        seats.append((await estate.make("EnrolInTraining", asked)).enrolment.enrolment_id)
    estate.ids["enrolment"] = seats[0]
    passed = training_service_pb2.CompleteTrainingRequest(request_id=new_id(), enrolment_id=seats[1], passed=True)
    estate.ids["award"] = (await estate.town.city.stub(TrainingServiceStub, "innovation").CompleteTraining(passed)).award.award_id


async def _read_by_its_service(estate: Estate) -> None:
    """A read under the contract, by the service's own identity: it leaves an account of what was disclosed."""
    subject, pem = f"system:{estate.ids['service']}", new_pem()
    await estate.make("IssueCredential", credential_service_pb2.IssueCredentialRequest(request_id=new_id(), subject=subject, public_key_pem=public_pem(pem)))
    estate.ids["system"] = subject
    await estate.town.city.stub(ConnectionServiceStub, "connectivity").TrustConnection(_connection(subject, "data", "data:read"))
    client = estate.town.city.client(Identity(name="service", subject=subject, private_pem=pem))
    estate.service_tokens = {layer: await client.token(layer) for layer in estate.town.city.at.layers}
    token, target = estate.service_tokens["data"], estate.targets["LatestObservations"]
    request = observations_service_pb2.LatestObservationsRequest(product=estate.ids["product"], purpose=PURPOSE)

    async def read() -> bool:
        return (await estate.wire.call(target, request, token)).code == "OK"

    await until(read, "the service to be let in", within=30)


async def _refused_observation(estate: Estate, thing: Identity) -> None:
    """Something that the ingress takes and data refuses."""
    http = f"http://{estate.town.city.at.http['connectivity'][0]}/ingress/observations"
    token = await estate.town.city.client(thing).token("connectivity")
    seen = {"property": "pm25", "value": "1", "unit": "kg", "observed_at": datetime.now(UTC).isoformat()}
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        answer = await client.post(http, json=[seen], headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == httpx.codes.OK and answer.json()["results"][0]["status"] == "accepted", answer.text
