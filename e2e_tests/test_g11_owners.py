"""G11: another owner's row looks exactly like one that does not exist, in every RPC that owners may call; the table below covers them all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from city.connectivity.v1 import connection_service_pb2 as connections
from city.connectivity.v1 import credential_service_pb2 as credentials
from city.connectivity.v1 import device_service_pb2 as devices
from city.connectivity.v1 import identity_pb2
from city.connectivity.v1 import identity_service_pb2 as identities
from city.data.v1 import data_contracts_service_pb2 as contracts
from city.data.v1 import data_products_service_pb2 as products
from city.data.v1 import observations_service_pb2 as observations
from city.governance.v1 import journey_service_pb2 as journeys
from city.governance.v1 import ledger_service_pb2 as ledger
from city.governance.v1 import lifecycle_service_pb2 as lifecycle
from city.governance.v1 import value_creator_pb2
from city.governance.v1 import value_creator_service_pb2 as creators
from city.infrastructure.v1 import deployment_service_pb2 as deployments
from city.journey.v1 import holds_service_pb2 as holds
from city.options.v1 import options_pb2 as options
from city.policy.v1 import agreement_service_pb2 as agreements
from city.value_catalog.v1 import feedback_service_pb2 as feedback
from city.value_catalog.v1 import request_service_pb2 as requests
from city.value_catalog.v1 import subscription_service_pb2 as subscriptions
from city.value_catalog.v1 import use_service_pb2 as uses
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.local.city import until
from stratapolis.cli.people import new_pem, public_pem

from e2e_tests.access import Target, Wire
from e2e_tests.board_rows import INNOVATION, ON_THE_BOARD
from e2e_tests.conftest import Creator, Town
from e2e_tests.estate import PURPOSE, Estate, built
from e2e_tests.rows import EVERYBODYS, NEW, Free, Lists, Names

PEM = public_pem(new_pem())
FAR = Timestamp(seconds=1_900_000_000)
OWNED = {options.CALLER_OWNER, options.CALLER_AUTHENTICATED}
Entry = TypeVar("Entry", Names, Lists, Free)


def _a_use() -> uses.Use:
    return uses.Use(use_id=new_id(), subscription_id=new_id(), quantity=1, used_time=to_timestamp(datetime.now(UTC)))


STATEMENT = Free("a statement is there when a month has ended: services/governance/tests/integration/test_ledger.py holds whose it is")
PRICES = Free("prices change when a service is upgraded: services/governance/tests/integration/test_repricing.py holds who is told")
# In this order they are called by the owner at the end: what ends a row comes last.
TABLE: dict[str, Names | Lists | Free] = {
    # connectivity
    "GetIdentity": Names("thing", lambda i: identities.GetIdentityRequest(subject=i), "thing:"),
    "ListIdentities": Lists(("thing",), identities.ListIdentitiesRequest(page_size=500)),
    "EnrolIdentity": Names(
        "creator",
        lambda i: identities.EnrolIdentityRequest(
            request_id=new_id(), kind=identity_pb2.IDENTITY_KIND_THING, display_name="x", public_key_pem=public_pem(new_pem()), creator=i
        ),
    ),
    "GetDevice": Names("thing", lambda i: devices.GetDeviceRequest(thing=i), "thing:"),
    "ListDevices": Lists(("thing",), devices.ListDevicesRequest(page_size=500)),
    "RegisterDevice": Names("thing", lambda i: devices.RegisterDeviceRequest(request_id=new_id(), thing=i, type="air-sensor", properties=["pm25"]), "thing:"),
    "TrustConnection": Names(
        "thing", lambda i: connections.TrustConnectionRequest(request_id=new_id(), subject=i, target="data", scope="data:see", end_time=FAR), "thing:"
    ),
    "VerifyConnection": Names("system", lambda i: connections.VerifyConnectionRequest(subject=i, target="data", scope="data:read"), "system:"),
    "ListConnections": Lists(("connection", "thing"), connections.ListConnectionsRequest(page_size=500)),
    "SeverConnection": Names("connection", lambda i: connections.SeverConnectionRequest(request_id=new_id(), connection_id=i)),
    "IssueCredential": Names("thing", lambda i: credentials.IssueCredentialRequest(request_id=new_id(), subject=i, public_key_pem=PEM), "thing:"),
    "RevokeCredential": Names("credential", lambda i: credentials.RevokeCredentialRequest(request_id=new_id(), credential_id=i)),
    "SuspendIdentity": Names("thing", lambda i: identities.SuspendIdentityRequest(request_id=new_id(), subject=i), "thing:"),
    "ResumeIdentity": Names("thing", lambda i: identities.ResumeIdentityRequest(request_id=new_id(), subject=i), "thing:"),
    "RevokeIdentity": Names("thing", lambda i: identities.RevokeIdentityRequest(request_id=new_id(), subject=i), "thing:"),
    # data
    "GetDataProduct": Names("draft", lambda i: products.GetDataProductRequest(name=i), "d"),
    "SearchDataProducts": Lists(("draft",), products.SearchDataProductsRequest(page_size=500)),
    "RegisterDataProduct": Free("names of products are the city's, given once: that one is taken is told to everybody"),
    "QueryObservations": Names("draft", lambda i: observations.QueryObservationsRequest(product=i, purpose=PURPOSE), "d"),
    "LatestObservations": Names("draft", lambda i: observations.LatestObservationsRequest(product=i, purpose=PURPOSE), "d"),
    "StreamObservations": Names("draft", lambda i: observations.StreamObservationsRequest(product=i, purpose=PURPOSE), "d"),
    "Aggregate": Names(
        "draft",
        lambda i: observations.AggregateRequest(
            product=i, purpose=PURPOSE, property="pm25", window=observations.WINDOW_DAY, first_day="2026-01-01", last_day="2026-01-02"
        ),
        "d",
    ),
    "PublishObservations": Free("every observation is stamped with the caller's own owner; things of the same name are others"),
    "ListRefusedObservations": Lists(("thing",), observations.ListRefusedObservationsRequest(page_size=500)),
    "RequestContract": Names(
        "service", lambda i: contracts.RequestContractRequest(request_id=new_id(), product="no-such-product", service_id=i, purpose=PURPOSE, end="2026-12-31")
    ),
    "ListContracts": Lists(("contract",), contracts.ListContractsRequest(page_size=500)),
    "ListDisclosures": Lists(("contract",), contracts.ListDisclosuresRequest(page_size=500)),
    "RevokeContract": Names("contract", lambda i: contracts.RevokeContractRequest(request_id=new_id(), contract_id=i, reason="no longer needed")),
    "PublishDataProduct": Names("draft", lambda i: products.PublishDataProductRequest(request_id=new_id(), name=i), "d"),
    "ListIndicatorFeeds": EVERYBODYS,
    # governance
    "ProposeService": NEW,
    "RegisterValueCreator": NEW,
    "GetJourney": Names("journey", lambda i: journeys.GetJourneyRequest(journey_id=i)),
    "BatchGetJourneys": Names("journey", lambda i: journeys.BatchGetJourneysRequest(journey_ids=[i])),
    "ListJourneys": Lists(("journey", "creator"), journeys.ListJourneysRequest(page_size=500)),
    "WatchJourney": Names("journey", lambda i: journeys.WatchJourneyRequest(journey_id=i)),
    "WithdrawProposal": Names("journey", lambda i: journeys.WithdrawProposalRequest(request_id=new_id(), journey_id=i)),
    "GetValueCreator": Names("creator", lambda i: creators.GetValueCreatorRequest(creator_id=i)),
    "ListValueCreators": Lists(("creator",), creators.ListValueCreatorsRequest(page_size=500)),
    "AddMember": Names(
        "creator", lambda i: creators.AddMemberRequest(request_id=new_id(), creator_id=i, subject="person:x", roles=[value_creator_pb2.MEMBER_ROLE_MEMBER])
    ),
    "RemoveMember": Names("creator", lambda i: creators.RemoveMemberRequest(request_id=new_id(), creator_id=i, subject="person:x")),
    "ListEntries": Lists(("creator",), ledger.ListEntriesRequest(page_size=500)),
    "ListBalances": Lists(("creator",), ledger.ListBalancesRequest(page_size=500)),
    "ListStatements": STATEMENT,
    "GetStatement": STATEMENT,
    "ListPeriods": EVERYBODYS,
    "ListPriceChanges": PRICES,
    "GetServiceState": Names("running", lambda i: lifecycle.GetServiceStateRequest(service_id=i)),
    "ListIndicators": EVERYBODYS,
    "ListMeasurements": EVERYBODYS,
    "ListExcursions": EVERYBODYS,
    "GetScorecard": EVERYBODYS,
    # infrastructure
    "GetDeployment": Names("running", lambda i: deployments.GetDeploymentRequest(service_id=i, version=1)),
    "ListDeployments": Lists(("running",), deployments.ListDeploymentsRequest(page_size=500)),
    "WatchDeployments": Names("running", lambda i: deployments.WatchDeploymentsRequest(service_id=i)),
    "GetUtilisation": Lists(("running",), deployments.GetUtilisationRequest(page_size=500)),
    "GetPool": EVERYBODYS,
    "ListPools": EVERYBODYS,
    # every layer that holds
    "ListHolds": Lists(("running",), holds.ListHoldsRequest(page_size=500)),
    # policy
    "CreateAgreement": NEW,
    "GetAgreement": Names("agreement", lambda i: agreements.GetAgreementRequest(agreement_id=i)),
    "ListAgreements": Lists(("agreement",), agreements.ListAgreementsRequest(page_size=500)),
    "ListPerformanceFailures": Lists(("failure",), agreements.ListPerformanceFailuresRequest(page_size=500)),
    "SignAgreement": Names("agreement", lambda i: agreements.SignAgreementRequest(request_id=new_id(), agreement_id=i, party="somebody")),
    "AssessProposal": Free("the value creator named must be the caller's own, whether another is there or not"),
    "GetFunding": EVERYBODYS,
    "ListFundingSources": EVERYBODYS,
    "GetPolicy": EVERYBODYS,
    "ListPolicies": EVERYBODYS,
    "Authorize": EVERYBODYS,
    "ExplainDecision": EVERYBODYS,
    # value_catalog
    "SearchServices": EVERYBODYS,
    "ListServices": EVERYBODYS,
    "GetService": EVERYBODYS,
    "ListCategories": EVERYBODYS,
    "ListOutcomes": EVERYBODYS,
    "ListLifeEvents": EVERYBODYS,
    "WatchCatalog": EVERYBODYS,
    "GiveFeedback": NEW,
    "ListFeedback": Lists(("feedback",), feedback.ListFeedbackRequest(page_size=500)),
    "OpenRequest": NEW,
    "GetRequest": Names("case", lambda i: requests.GetRequestRequest(case_id=i)),
    "ListRequests": Lists(("case",), requests.ListRequestsRequest(page_size=500)),
    "UpdateRequest": Names("case", lambda i: requests.UpdateRequestRequest(request_id=new_id(), case_id=i, state=requests.CASE_STATE_ACKNOWLEDGED)),
    "Subscribe": NEW,
    "GetSubscription": Names("subscription", lambda i: subscriptions.GetSubscriptionRequest(subscription_id=i)),
    "ListSubscriptions": Lists(("subscription",), subscriptions.ListSubscriptionsRequest(page_size=500)),
    "CheckSubscription": Lists(("subscription",), lambda ids: subscriptions.CheckSubscriptionRequest(service_id=ids["service"], subscriber=ids["creator"])),
    "CancelSubscription": Names("subscription", lambda i: subscriptions.CancelSubscriptionRequest(request_id=new_id(), subscription_id=i)),
    "RecordUses": Names("service", lambda i: uses.RecordUsesRequest(request_id=new_id(), service_id=i, uses=[_a_use()]), by_service=True),
    # change of what is live
    "SuspendService": Names("running", lambda i: lifecycle.SuspendServiceRequest(request_id=new_id(), service_id=i, reason="the lanterns are out")),
    "ResumeService": Names("running", lambda i: lifecycle.ResumeServiceRequest(request_id=new_id(), service_id=i)),
    "RetireService": Names("running", lambda i: lifecycle.RetireServiceRequest(request_id=new_id(), service_id=i, reason="nobody comes any more")),
    **INNOVATION,
}


@pytest.fixture(scope="session")
async def estate(town: Town, wire: Wire, targets: list[Target]) -> Estate:
    """What the town's value creator owns."""
    client = town.city.client(town.creator.founder)
    return await built(town, wire, targets, {layer: await client.token(layer) for layer in town.city.at.layers})


@pytest.fixture(scope="session")
async def theirs(town: Town, stranger: Creator) -> dict[str, str]:
    """The other value creator's tokens."""
    client = town.city.client(stranger.founder)
    return {layer: await client.token(layer) for layer in town.city.at.layers}


def test_g11_the_table_says_of_every_rpc_that_owners_may_call_whose_rows_it_names(targets: list[Target]) -> None:
    reachable = {target.rpc.name for target in targets if OWNED & set(target.access.allow)}
    assert set(TABLE) == reachable, "an RPC for owners without a line in TABLE, or a line without one"
    for name, entry in TABLE.items():
        fields = {field.name for target in targets if target.rpc.name == name for field in target.rpc.input_type.fields}
        if isinstance(entry, Free) and name not in FREE_WITH_ID and entry is not ON_THE_BOARD:
            assert not [one for one in fields if one.endswith("_id") and one != "request_id"], f"{name} names a row: say whose"


FREE_WITH_ID = {"AssessProposal", "GetFunding", "GetService", "GetStatement", "GiveFeedback", "ListPriceChanges", "OpenRequest", "Subscribe"}
"""They name what is shown to everybody: a funding source, a live service; AssessProposal, GetStatement and ListPriceChanges say why themselves."""


async def test_g11_lists_show_an_owner_its_rows_and_nobody_else(wire: Wire, targets: list[Target], estate: Estate, theirs: dict[str, str]) -> None:
    told = []
    for target, lists in _of(targets, Lists):
        marks, request = [estate.ids[kind].encode() for kind in lists.kinds], lists.asked(estate.ids)

        async def listed(target: Target = target, request: Message = request, marks: Sequence[bytes] = marks) -> bool:
            body = (await wire.call(target, request, estate.tokens[target.layer])).body
            return all(mark in body for mark in marks)

        await until(listed, f"{target} to show its owner {lists.kinds}", within=20)
        found = await wire.call(target, request, theirs[target.layer])
        if found.code != "OK" or any(mark in found.body for mark in marks):
            told.append(f"{target}: {found}")
    assert told == []


async def test_g11_totals_count_the_callers_own_rows_alone(wire: Wire, targets: list[Target], estate: Estate, theirs: dict[str, str]) -> None:
    (target,) = (target for target in targets if target.rpc.name == "GetUtilisation")
    mine, others = [
        deployments.GetUtilisationResponse.FromString((await wire.call(target, deployments.GetUtilisationRequest(), tokens[target.layer])).body)
        for tokens in (estate.tokens, theirs)
    ]
    assert mine.held.cpu_millis > 0
    assert others == deployments.GetUtilisationResponse(held=others.held.__class__(), used=others.used.__class__())


async def test_g11_a_request_id_of_anothers_gets_no_answer_of_anothers(wire: Wire, estate: Estate, theirs: dict[str, str]) -> None:
    assert len({target.rpc.name for target, _, _ in estate.sent}) >= 10
    for target, request, answered in estate.sent:
        again = await wire.call(target, request, estate.tokens[target.layer])
        assert again == answered, f"{target}: its owner gets the answer of before"
        found = await wire.call(target, request, theirs[target.layer])
        given = [one for one in estate.ids.values() if one.encode() in answered.body and one.encode() not in request.SerializeToString()]
        assert not [one for one in given if one.encode() in found.body], f"{target}: {found}"
        if given:
            assert found != answered, target


async def test_g11_another_owners_row_looks_exactly_like_none(wire: Wire, targets: list[Target], estate: Estate, theirs: dict[str, str]) -> None:
    """The last, since the owner's own calls end its rows."""
    differing, nothing = [], {}
    for target, names in _of(targets, Names):
        real, none = estate.ids[names.kind], names.an_id()
        found = (await wire.call(target, names.request(real), theirs[target.layer])).without(real)
        nothing[target] = (await wire.call(target, names.request(none), theirs[target.layer])).without(none)
        if found != nothing[target]:
            differing.append(f"{target}: {found} is not {nothing[target]}")
    assert differing == []
    unseen = []
    for target, names in _of(targets, Names):
        real, tokens = estate.ids[names.kind], estate.service_tokens if names.by_service else estate.tokens
        if (await wire.call(target, names.request(real), tokens[target.layer])).without(real) == nothing[target]:
            unseen.append(str(target))
    assert unseen == [], "to its owner the row must not look like none, or nothing was compared"


def _of(targets: list[Target], kind: type[Entry]) -> list[tuple[Target, Entry]]:
    """Targets with their line of the table, in its order."""
    lines = [(target, entry) for name, entry in TABLE.items() for target in targets if target.rpc.name == name]
    return [(target, entry) for target, entry in lines if isinstance(entry, kind)]
