"""G11: every RPC that a process answers x who calls it. The rows are the contract's, as reflection shows them served; nothing is listed by hand."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest
from city.connectivity.v1.identity_service_pb2 import RevokeIdentityRequest
from city.connectivity.v1.identity_service_pb2_grpc import IdentityServiceStub
from city.data.v1 import data_products_service_pb2 as products
from city.data.v1 import observations_service_pb2 as observations
from city.data.v1.data_product_pb2 import CLASSIFICATION_OPEN, DataProduct, ProductProperty
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.governance.v1 import journey_service_pb2 as journeys
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.infrastructure.v1 import deployment_service_pb2 as deployments
from city.operations.v1.operations_service_pb2 import ListDeadLettersRequest
from city.options.v1 import options_pb2 as options
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.own_token import Tokens
from stratapolis.chassis.rpc.client import refusal
from stratapolis.chassis.rpc.server import OPEN
from stratapolis.cli.local.city import until
from stratapolis.cli.people import Identity, new_pem, private_key

from e2e_tests import shapes
from e2e_tests.access import Outcome, Signer, Target, Wire, claims_of, lets_in
from e2e_tests.conftest import Town

DENIED = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
FELT_WITHIN = 3.0
ROLES = ("officer", "operator", "policy_admin")
FINER = {"RecordUses": "NOT_THE_SERVICE"}
"""RPCs whose right caller is one identity alone, named by the reason that the rest gets (test_g11_owners.py calls as that identity)."""
TokensByLayer = dict[str, str]


@pytest.fixture(scope="session")
async def officer(town: Town) -> TokensByLayer:
    return await tokens_of(town, town.city.officer)


async def tokens_of(town: Town, who: Identity) -> TokensByLayer:
    client = town.city.client(who)
    return {layer: await client.token(layer) for layer in town.city.at.layers}


async def layer_tokens(town: Town, layer: str) -> TokensByLayer:
    """Tokens of a layer's own identity, by the key that the city was started with."""
    key = private_key((town.city.folder / "keys" / f"{layer}.pem").read_text())
    async with Tokens(town.city.at.token_url, f"layer:{layer}", key) as source:
        return {audience: await source.token(audience) for audience in town.city.at.layers}


def unlike(found: dict[Target, Outcome], code: str, reason: str) -> dict[str, str]:
    """What did not end so."""
    return {str(target): f"{one.code} {one.reason}" for target, one in found.items() if (one.code, one.reason) != (code, reason)}


async def test_g11_whatever_a_process_answers_has_an_access_value(wire: Wire, targets: list[Target]) -> None:
    ours = {rpc.containing_service.full_name for rpc in shapes.rpcs()}
    for layer in wire.city.at.layers:
        assert await wire.services(layer) - ours == set(OPEN), layer
    assert {target.rpc.full_name for target in targets} == {rpc.full_name for rpc in shapes.rpcs()}, "an RPC of the contract that nobody answers"
    assert all(target.access.allow and options.CALLER_UNSPECIFIED not in target.access.allow for target in targets)
    assert len(targets) > len(shapes.rpcs()) + 20, "shared services are answered by every layer"


async def test_g11_no_rpc_takes_a_call_without_a_token_or_with_one_that_is_not_the_citys(
    wire: Wire, targets: list[Target], officer: TokensByLayer, town: Town
) -> None:
    forger = Signer((await Signer.of(town.city)).kid, new_pem())
    assert unlike(await wire.matrix(targets, {}), "UNAUTHENTICATED", "NO_TOKEN") == {}
    assert unlike(await wire.matrix(targets, dict.fromkeys(officer, "not.a.token")), "UNAUTHENTICATED", "TOKEN_INVALID") == {}
    forged = {layer: forger.again(token) for layer, token in officer.items()}
    assert unlike(await wire.matrix(targets, forged), "UNAUTHENTICATED", "TOKEN_INVALID") == {}


async def test_g11_no_rpc_takes_an_expired_token_or_one_for_another_layer(wire: Wire, targets: list[Target], officer: TokensByLayer, town: Town) -> None:
    signer = await Signer.of(town.city)
    same = await wire.matrix(targets, {layer: signer.again(token) for layer, token in officer.items()})
    assert not any(one.code == "UNAUTHENTICATED" for one in same.values()), "signed again without a change, it counts: what follows is the change's doing"
    expired = await wire.matrix(targets, {layer: signer.expired(token) for layer, token in officer.items()})
    assert unlike(expired, "UNAUTHENTICATED", "TOKEN_EXPIRED") == {}
    layers = list(officer)
    elsewhere = {layer: officer[layers[number - 1]] for number, layer in enumerate(layers)}
    assert unlike(await wire.matrix(targets, elsewhere), "UNAUTHENTICATED", "TOKEN_INVALID") == {}


async def test_g11_nobody_but_a_layer_calls_on_behalf_of_another(wire: Wire, targets: list[Target], officer: TokensByLayer, town: Town) -> None:
    mine = await tokens_of(town, await town.city.enrol("Carla"))
    found = await asyncio.gather(*(wire.call(target, token=mine[target.layer], for_user=officer[target.layer]) for target in targets))
    assert unlike(dict(zip(targets, found, strict=True)), "PERMISSION_DENIED", "NOT_ON_BEHALF") == {}


async def test_g11_a_user_whom_a_layer_speaks_for_may_do_no_more_than_himself(wire: Wire, targets: list[Target], town: Town) -> None:
    person = await tokens_of(town, await town.city.enrol("Cem"))
    layer = await layer_tokens(town, "data")
    for target in (t for t in targets if set(t.access.allow) == {options.CALLER_ROLE}):
        found = await wire.call(target, token=layer[target.layer], for_user=person[target.layer])
        assert (found.code, found.reason) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED"), target
    signer = await Signer.of(town.city)
    expired = [await wire.call(t, token=layer[t.layer], for_user=signer.expired(person[t.layer])) for t in targets]
    assert {(one.code, one.reason) for one in expired} == {("UNAUTHENTICATED", "TOKEN_EXPIRED")}


async def test_g11_each_rpc_lets_in_whom_the_contract_names_and_nobody_else(wire: Wire, targets: list[Target], officer: TokensByLayer, town: Town) -> None:
    creator = town.creator.creator_id
    callers = {
        "officer": officer,
        "operator": await tokens_of(town, await town.city.enrol("Olga", roles=["operator"])),
        "person": await tokens_of(town, await town.city.enrol("Carlo")),
        "member": await tokens_of(town, town.creator.founder),
        "system": await tokens_of(town, await town.city.enrol("Signs", kind="system", creator=creator)),
        "thing": await tokens_of(town, await town.city.enrol("Sensor", kind="thing", creator=creator)),
        "layer": await layer_tokens(town, "infrastructure"),
    }
    wrong: list[str] = []
    kept_out = dict.fromkeys(callers, 0)
    for name, tokens in callers.items():
        for target, found in (await wire.matrix(targets, tokens)).items():
            expected = lets_in(target.access, claims_of(tokens[target.layer]))
            kept_out[name] += not expected
            if expected is (found.reason == "CALLER_NOT_ALLOWED") or found.code == "UNAUTHENTICATED":
                wrong.append(f"{target} called by {name}: {found.code} {found.reason}")
            if expected and name == "thing" and not target.access.unpoliced and found.reason != "DENIED_BY_POLICY":
                wrong.append(f"{target} called by a thing: {found.code} {found.reason}")
            if name == _right(target) and found.code in DENIED and FINER.get(target.rpc.name) != found.reason:
                wrong.append(f"{target} called by its right caller, {name}: {found.code} {found.reason}")
    assert wrong == []
    assert min(kept_out.values()) > 0, kept_out


def _right(target: Target) -> str:
    """Of the callers, one for whom the RPC is there; none for the founding, which is over: its right caller made the city of this test."""
    ways = set(target.access.allow)
    if options.CALLER_ROLE in ways:
        return "officer" if set(target.access.roles) & set(ROLES) else ""
    return "member" if ways & {options.CALLER_OWNER, options.CALLER_AUTHENTICATED} else "layer"


async def test_g11_the_founder_gets_no_token_once_the_city_is_founded(town: Town) -> None:
    key = private_key((town.city.folder / "keys" / "founder.pem").read_text())
    async with Tokens(town.city.at.token_url, "founder", key) as source:
        with pytest.raises(Exception, match="gives none"):
            await source.token("connectivity")


async def test_g11_a_revocation_is_felt_by_every_process_and_every_rpc_within_seconds(wire: Wire, targets: list[Target], town: Town) -> None:
    who = await town.city.enrol("Rosa", roles=ROLES)
    tokens = await tokens_of(town, who)
    listing = {target.layer: target for target in targets if target.rpc.name == "ListDeadLetters"}
    assert set(listing) == set(town.city.at.layers)
    assert {(await wire.call(target, ListDeadLettersRequest(), tokens[layer])).code for layer, target in listing.items()} == {"OK"}
    identities = town.city.stub(IdentityServiceStub, "connectivity")
    await identities.RevokeIdentity(RevokeIdentityRequest(request_id=new_id(), subject=who.subject))
    began = time.monotonic()

    async def felt(layer: str) -> float:
        async def refused() -> bool:
            return (await wire.call(listing[layer], ListDeadLettersRequest(), tokens[layer])).reason == "TOKEN_REVOKED"

        await until(refused, f"{layer} to refuse", within=30)
        return time.monotonic() - began

    took = dict(zip(listing, await asyncio.gather(*map(felt, listing)), strict=True))
    print(f"\na revocation is felt after {max(took.values()):.2f} s at the latest: { {layer: round(one, 2) for layer, one in took.items()} }")
    assert max(took.values()) < FELT_WITHIN, took
    assert unlike(await wire.matrix(targets, tokens), "UNAUTHENTICATED", "TOKEN_REVOKED") == {}


async def test_g11_open_streams_are_cut_by_a_revocation_within_seconds(wire: Wire, town: Town) -> None:
    approved = town.manifest().replace(b"runtime: {none: {}}", b"privacy: {personalData: true, impactAssessment: PIA-7}\n  runtime: {none: {}}")
    journey, product = await town.propose(approved), await _open_product(town)
    who = await town.city.enrol("Rita", roles=ROLES)
    tokens = await tokens_of(town, who)
    watched = {
        "governance": journeys.WatchJourneyRequest(journey_id=journey.journey_id),
        "infrastructure": deployments.WatchDeploymentsRequest(),
        "data": observations.StreamObservationsRequest(product=product),
    }
    streams = {layer: wire.stream(layer, request, tokens[layer]) for layer, request in watched.items()}
    for layer in ("governance", "data"):
        await asyncio.wait_for(streams[layer].read(), 20)
    ends = {layer: asyncio.create_task(_end_of(stream)) for layer, stream in streams.items()}
    await town.city.stub(IdentityServiceStub, "connectivity").RevokeIdentity(RevokeIdentityRequest(request_id=new_id(), subject=who.subject))
    began = time.monotonic()
    assert {layer: await asyncio.wait_for(end, 30) for layer, end in ends.items()} == dict.fromkeys(streams, "TOKEN_REVOKED")
    assert time.monotonic() - began < FELT_WITHIN
    withdraw = journeys.WithdrawProposalRequest(request_id=new_id(), journey_id=journey.journey_id)
    await town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder).WithdrawProposal(withdraw)


async def _open_product(town: Town) -> str:
    """A product that anybody may read."""
    stub, name = town.city.stub(DataProductsServiceStub, "data", as_=town.creator.founder), f"open-{new_id()[-12:]}"
    product = DataProduct(
        name=name, title=name, classification=CLASSIFICATION_OPEN, zone="Europe/Berlin", thing_prefix=f"{name}.",
        properties=[ProductProperty(name="pm25", unit="ug/m3")],
    )  # fmt: skip
    await stub.RegisterDataProduct(products.RegisterDataProductRequest(request_id=new_id(), product=product))
    await stub.PublishDataProduct(products.PublishDataProductRequest(request_id=new_id(), name=name))
    return name


async def _end_of(stream: Any) -> str:
    """The reason that a stream ends with."""
    try:
        while await stream.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return refusal(error).reason
    return "OK"
