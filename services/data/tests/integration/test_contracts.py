"""Contracts through a journey and by hand, and who is let in to read."""

from datetime import UTC, datetime, timedelta

import pytest
from city.connectivity.v1.events_pb2 import ConnectionSevered
from city.data.v1 import data_contracts_service_pb2 as pb
from city.data.v1 import data_product_pb2 as products_pb
from city.data.v1 import data_products_service_pb2 as catalogue
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked, DataProductPublished
from city.data.v1.observations_service_pb2 import WINDOW_DAY, AggregateRequest, LatestObservationsRequest, QueryObservationsRequest
from city.journey.v1 import journey_pb2
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.ids import new_id

from services.data.tests.builders import ADA, MIA, OLGA, RESIDENT, Layer, a_caller, a_request, a_use, again, an_end, reading

NOW = datetime.now(UTC)
PURPOSE = "warn of bad air"


async def refused(layer: Layer, request: object, caller: object) -> str:
    with pytest.raises(Refused) as caught:
        await layer.ask(request, caller)  # type: ignore[arg-type]
    return caught.value.reason


async def states(layer: Layer) -> list[str]:
    return [row["state"] for row in await layer.rows("select state from contract order by created_at, contract_id")]


async def test_a_use_is_held_at_clearing_granted_at_connecting_and_said(layer: Layer) -> None:
    await layer.product()
    request = a_request(a_use())
    await layer.under.deliver(request)
    (answered,) = await layer.said(journey_pb2.StageAnswered)
    assert answered.outcome == journey_pb2.OUTCOME_CLEARED
    assert [(held.kind, held.reference) for held in answered.held] == [("contract", "air")]
    assert await states(layer) == ["held"]
    await layer.under.deliver(again(request, stage=journey_pb2.STAGE_CONNECTING))
    granted, answered = await layer.under.published()
    assert isinstance(granted, DataContractGranted) and (granted.product, granted.purpose, granted.service_id) == ("air", PURPOSE, request.service_id)
    assert isinstance(answered, journey_pb2.StageAnswered)
    assert (answered.outcome, len(answered.held)) == (journey_pb2.OUTCOME_CLEARED, 1)
    assert await states(layer) == ["granted"]


async def test_all_reasons_are_given_and_nothing_is_held(layer: Layer) -> None:
    await layer.product("mine", consumers=["other"])
    await layer.product("draft", publish=False)
    await layer.product("air")
    uses = (
        a_use("air"), a_use("air"), a_use("nowhere"), a_use("draft"), a_use("mine"), a_use("air", purpose="     "),
        a_use("air", purpose="something else", start="2098-01-01", end="2097-01-01"), a_use("air", purpose="yet another", end="2001-01-01"),
        a_use("air", purpose="a fourth one", end="2098-02-30"),
    )  # fmt: skip
    await layer.under.published()
    await layer.under.deliver(a_request(*uses))
    (answered,) = await layer.said(journey_pb2.StageAnswered)
    assert answered.outcome == journey_pb2.OUTCOME_REFUSED
    assert [(reason.code, reason.field_path) for reason in answered.reasons] == [
        ("USE_DOUBLED", "spec.data[1].product"),
        ("UNKNOWN_PRODUCT", "spec.data[2].product"),
        ("UNKNOWN_PRODUCT", "spec.data[3].product"),
        ("CONTRACT_REFUSED", "spec.data[4].product"),
        ("PURPOSE_MISSING", "spec.data[5].purpose"),
        ("END_BEFORE_START", "spec.data[6].end"),
        ("END_PASSED", "spec.data[7].end"),
        ("NO_SUCH_DATE", "spec.data[8].end"),
    ]
    assert await states(layer) == []
    assert await layer.value("select state from hold") == "refused"


async def test_a_rejected_journey_releases_what_was_held_and_revokes_what_was_granted(layer: Layer) -> None:
    await layer.product()
    held, granted = a_request(a_use()), a_request(a_use())
    await layer.under.deliver(held, granted, again(granted, stage=journey_pb2.STAGE_CONNECTING))
    await layer.under.published()
    await layer.under.deliver(an_end(held, journey_pb2.JOURNEY_STATE_REJECTED), an_end(granted, journey_pb2.JOURNEY_STATE_WITHDRAWN))
    assert [(event.service_id, event.product) for event in await layer.said(DataContractRevoked)] == [(granted.service_id, "air")]
    assert sorted(await states(layer)) == ["released", "revoked"]
    assert {row["state"] for row in await layer.rows("select state from hold")} == {"released"}


async def test_a_clearance_asked_for_again_holds_once(layer: Layer) -> None:
    await layer.product()
    request = a_request(a_use())
    await layer.under.deliver(request, again(request, stage=journey_pb2.STAGE_CLEARING, attempt=2))
    assert sorted(await states(layer)) == ["held", "released"]


async def test_a_service_reads_only_when_connected_under_contract_and_for_its_purpose(layer: Layer) -> None:
    await layer.product()
    await layer.publish(reading("air.1", NOW))
    request = a_request(a_use())
    system = a_caller(f"system:{request.service_id}", creator="acme", kind="system")
    query = QueryObservationsRequest(product="air", purpose=PURPOSE)
    await layer.under.deliver(request)
    assert await refused(layer, query, system) == "CONNECTION_NOT_TRUSTED"
    async with layer.db.transaction() as tx:
        await tx.execute("insert into connection (connection_id, subject, end_at, severed) values ('c1', $1, null, false)", system.subject)
    assert await refused(layer, query, system) == "CONTRACT_NOT_GRANTED"
    await layer.under.deliver(again(request, stage=journey_pb2.STAGE_CONNECTING))
    assert len((await layer.ask(query, system)).observations) == 1
    assert await refused(layer, QueryObservationsRequest(product="air"), system) == "PURPOSE_MISSING"
    assert await refused(layer, QueryObservationsRequest(product="air", purpose="advertising"), system) == "PURPOSE_NOT_GRANTED"
    await layer.under.deliver(ConnectionSevered(connection_id="c1"))
    assert await refused(layer, query, system) == "CONNECTION_NOT_TRUSTED"


@pytest.mark.parametrize(
    "request_",
    [
        QueryObservationsRequest(product="air"),
        LatestObservationsRequest(product="air"),
        AggregateRequest(product="air", property="pm25", window=WINDOW_DAY, first_day="2026-01-01", last_day="2026-01-01"),
    ],
    ids=lambda request: str(request.DESCRIPTOR.name),
)
async def test_a_shared_product_is_shown_to_its_owner_and_to_nobody_without_contract(layer: Layer, request_: object) -> None:
    await layer.product()
    await layer.ask(request_, MIA)  # type: ignore[arg-type]
    for other in (ADA, RESIDENT, OLGA):
        assert await refused(layer, request_, other) == "CONTRACT_MISSING"


async def test_an_open_product_is_shown_to_everybody_and_a_draft_to_nobody_else(layer: Layer) -> None:
    await layer.product(classification=products_pb.CLASSIFICATION_OPEN)
    await layer.publish(reading("air.1", NOW))
    assert len((await layer.ask(QueryObservationsRequest(product="air"), RESIDENT)).observations) == 1
    await layer.product("draft", publish=False, classification=products_pb.CLASSIFICATION_OPEN)
    hidden = await refused(layer, QueryObservationsRequest(product="draft"), RESIDENT)
    assert hidden == await refused(layer, QueryObservationsRequest(product="none"), RESIDENT) == "PRODUCT_NOT_FOUND"


async def test_reads_under_contract_are_accounted_for_to_both_sides_and_nobody_else(layer: Layer) -> None:
    await layer.product()
    await layer.publish(*(reading("air.1", NOW - timedelta(hours=n)) for n in range(3)))
    _, system = await layer.live_service(a_use())
    await layer.ask(QueryObservationsRequest(product="air", purpose=PURPOSE), system)
    await layer.ask(QueryObservationsRequest(product="air"), MIA)
    for side in (MIA, ADA):
        (one,) = (await layer.ask(pb.ListDisclosuresRequest(), side)).disclosures
        assert (one.product, one.subject, one.rpc, one.observations, one.purpose) == ("air", system.subject, "QueryObservations", 3, PURPOSE)
    assert not (await layer.ask(pb.ListDisclosuresRequest(), RESIDENT)).disclosures


async def test_a_live_service_asks_by_hand_and_either_side_revokes(layer: Layer) -> None:
    await layer.product()
    request, _ = await layer.live_service()
    asked = pb.RequestContractRequest(request_id=new_id(), product="air", service_id=request.service_id, purpose=PURPOSE, end="2099-01-01")
    contract = (await layer.ask(asked, ADA)).contract
    assert contract.state == pb.DATA_CONTRACT_STATE_GRANTED
    assert await refused(layer, asked, ADA) == "CONTRACT_EXISTS"
    revoke = pb.RevokeContractRequest(request_id=new_id(), contract_id=contract.contract_id, reason="not needed")
    assert await refused(layer, revoke, RESIDENT) == "CONTRACT_NOT_FOUND"
    assert (await layer.ask(revoke, MIA)).contract.state == pb.DATA_CONTRACT_STATE_REVOKED
    assert [type(event) for event in await layer.under.published()][-2:] == [DataContractGranted, DataContractRevoked]
    assert (await layer.ask(revoke, ADA)).contract.reason == "not needed"
    assert await layer.said(DataContractRevoked) == []


async def test_requests_by_hand_are_held_to_the_rules(layer: Layer) -> None:
    await layer.product()
    await layer.product("draft", publish=False, caller=ADA)
    request, _ = await layer.live_service()

    async def reason(caller: object = ADA, **changes: str) -> str:
        given = {"product": "air", "service_id": request.service_id, "purpose": PURPOSE, "end": "2099-01-01"} | changes
        return await refused(layer, pb.RequestContractRequest(request_id=new_id(), **given), caller)

    assert await reason(MIA) == "SERVICE_NOT_FOUND"
    assert await reason(service_id="none") == "SERVICE_NOT_FOUND"
    assert await reason(product="none") == "PRODUCT_NOT_FOUND"
    assert await reason(product="draft") == "PRODUCT_NOT_PUBLISHED"
    assert await reason(purpose=" ") == "PURPOSE_MISSING"
    assert await reason(start="2099-02-01") == "END_BEFORE_START"


async def test_a_contract_ends_at_its_end(layer: Layer) -> None:
    await layer.product()
    _, system = await layer.live_service(a_use())
    async with layer.db.transaction() as tx:
        await tx.execute("update contract set start_at = now() - interval '2 days', end_at = now()")
    assert await refused(layer, QueryObservationsRequest(product="air", purpose=PURPOSE), system) == "CONTRACT_ENDED"
    await layer.under.published()
    await layer.under.run("end_contracts")
    assert [event.reason for event in await layer.said(DataContractRevoked)] == ["its time is over"]
    await layer.under.run("end_contracts")
    assert await layer.said(DataContractRevoked) == []


async def test_contracts_are_listed_to_their_sides_in_pages_that_neither_skip_nor_repeat(layer: Layer) -> None:
    await layer.product()
    await layer.live_service(*(a_use(purpose=f"purpose {n}") for n in range(5)))
    seen: list[str] = []
    token = ""
    while True:
        page = await layer.ask(pb.ListContractsRequest(product="air", page_size=2, page_token=token), MIA)
        seen += [contract.contract_id for contract in page.contracts]
        if not (token := page.next_page_token):
            break
    assert len(seen) == len(set(seen)) == 5
    assert not (await layer.ask(pb.ListContractsRequest(), RESIDENT)).contracts


async def test_products_are_registered_published_found_and_refused(layer: Layer) -> None:
    made = await layer.product()
    assert made.state == products_pb.DATA_PRODUCT_STATE_PUBLISHED and made.owner == "meteo"
    assert [(prop.name, prop.unit) for prop in made.properties] == [("pm25", "ug/m3")]
    (said,) = await layer.said(DataProductPublished)
    assert (said.product, said.classification) == ("air", "shared")
    await layer.ask(catalogue.PublishDataProductRequest(request_id=new_id(), name="air"), MIA)
    assert await layer.said(DataProductPublished) == []
    await layer.product("noise", publish=False, properties=[products_pb.ProductProperty(name="noise_level", unit="dB")])
    found = await layer.ask(catalogue.SearchDataProductsRequest(text="AIR", property="pm25"), RESIDENT)
    assert [product.name for product in found.products] == ["air"]
    assert [product.name for product in (await layer.ask(catalogue.SearchDataProductsRequest(), MIA)).products] == ["air", "noise"]
    assert (await layer.ask(catalogue.GetDataProductRequest(name="air"), RESIDENT)).product.title == "Air"
    assert await refused(layer, catalogue.GetDataProductRequest(name="noise"), RESIDENT) == "PRODUCT_NOT_FOUND"
    assert await refused(layer, catalogue.PublishDataProductRequest(request_id=new_id(), name="noise"), ADA) == "PRODUCT_NOT_FOUND"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"classification": products_pb.CLASSIFICATION_PERSONAL}, "CONSENT_NOT_AVAILABLE"),
        ({"zone": "Europe/Berlim"}, "UNKNOWN_ZONE"),
        ({"zone": "Europe"}, "UNKNOWN_ZONE"),
        ({"name": "air"}, "PRODUCT_EXISTS"),
        ({"properties": [products_pb.ProductProperty(name="pm_25")]}, "UNKNOWN_PROPERTY"),
        ({"properties": [products_pb.ProductProperty(name="pm25", unit="mg/m3")]}, "PROPERTY_HAS_ANOTHER_UNIT"),
        ({"properties": [products_pb.ProductProperty(name="smell", unit="sniff")]}, "UNKNOWN_UNIT"),
        ({"properties": [products_pb.ProductProperty(name="noise_level", unit="lx")]}, "PROPERTY_HAS_ANOTHER_UNIT"),
    ],
)
async def test_a_product_that_cannot_be_is_refused(layer: Layer, changes: dict[str, object], reason: str) -> None:
    await layer.product()
    await layer.product("noise", properties=[products_pb.ProductProperty(name="noise_level", unit="dB")], caller=ADA)
    with pytest.raises(Refused) as caught:
        await layer.product(**({"name": "new"} | changes))  # type: ignore[arg-type]
    assert caught.value.reason == reason
