"""An entry is shown when, and only when, its journey has ended live."""

import asyncpg
import pytest
from city.governance.v1.events_pb2 import StageRequested
from city.journey.v1 import journey_pb2
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.types.v1.types_pb2 import Origin
from city.value_catalog.v1.catalog_service_pb2 import GetServiceRequest, ListServicesRequest
from city.value_catalog.v1.events_pb2 import ServicePublished
from stratapolis.chassis.errors import Permanent
from stratapolis.chassis.holds_rpc import Holds
from stratapolis.chassis.testing.journeys import end_of
from stratapolis.value_catalog.domain.errors import ServiceNotFound

from services.value_catalog.tests.builders import OFFICER, Layer, a_manifest, a_request

ENDS = [journey_pb2.JOURNEY_STATE_REJECTED, journey_pb2.JOURNEY_STATE_WITHDRAWN]


async def hold(layer: Layer, request: StageRequested) -> journey_pb2.Hold:
    answer = await layer.call(Holds("value_catalog").list_holds, ListHoldsRequest(service_id=request.service_id), OFFICER)
    (found,) = answer.holds
    return found  # type: ignore[no-any-return]


async def test_a_prepared_entry_is_held_and_shown_to_nobody(layer: Layer) -> None:
    request = a_request()
    await layer.under.deliver(request)
    (answer,) = await layer.under.published()
    assert answer.outcome == journey_pb2.OUTCOME_CLEARED and answer.stage == journey_pb2.STAGE_LISTING  # type: ignore[attr-defined]
    assert [(held.kind, held.reference) for held in answer.held] == [("entry", request.service_id)]  # type: ignore[attr-defined]
    with pytest.raises(ServiceNotFound):
        await layer.call(layer.catalog.get_service, GetServiceRequest(service_id=request.service_id))
    assert not (await layer.call(layer.catalog.list_services, ListServicesRequest())).entries
    assert await layer.count("entry") == 1


async def test_a_live_end_shows_the_entry_and_says_so_once(layer: Layer) -> None:
    request = a_request()
    await layer.under.deliver(request, end_of(request))
    _, published = await layer.under.published()
    assert published == ServicePublished(service_id=request.service_id, version=1, title="Air quality alert")
    assert (await hold(layer, request)).state == journey_pb2.HOLD_STATE_ACTIVE
    await layer.under.deliver(end_of(request))
    assert await layer.under.published() == []
    entry = (await layer.call(layer.catalog.get_service, GetServiceRequest(service_id=request.service_id))).entry
    assert (entry.provenance.journey_id, entry.provenance.creator_name, entry.provenance.version) == (request.journey_id, "Harbour Rowing Club", 1)
    assert entry.provenance.HasField("published_time")


async def test_an_entry_says_which_idea_it_comes_from_and_what_proved_it(layer: Layer) -> None:
    origin = Origin(idea_id="idea-7", idea_title="Boats for all", challenge_id="challenge-1", pilot_id="pilot-1", evidence="mean 9: confirmed")
    request, plain = a_request(), a_request()
    request.origin.CopyFrom(origin)
    await layer.under.deliver(request, plain, end_of(request), end_of(plain))
    found = [(await layer.call(layer.catalog.get_service, GetServiceRequest(service_id=one.service_id))).entry for one in (request, plain)]
    assert found[0].provenance.origin == origin
    assert not found[1].provenance.HasField("origin")


@pytest.mark.parametrize("end", ENDS)
async def test_another_end_leaves_nothing(layer: Layer, end: journey_pb2.JourneyState.ValueType) -> None:
    request = a_request()
    await layer.under.deliver(request, end_of(request, end))
    assert await layer.count("entry") == 0
    assert not any(isinstance(event, ServicePublished) for event in await layer.under.published())
    found = await hold(layer, request)
    assert found.state == journey_pb2.HOLD_STATE_RELEASED and not found.held


async def test_a_request_after_the_end_prepares_nothing(layer: Layer) -> None:
    request = a_request()
    await layer.under.deliver(end_of(request, journey_pb2.JOURNEY_STATE_WITHDRAWN), request)
    (answer,) = await layer.under.published()
    assert [reason.code for reason in answer.reasons] == ["JOURNEY_ENDED"]  # type: ignore[attr-defined]
    assert await layer.count("entry") == 0


async def test_a_later_attempt_replaces_what_the_first_prepared(layer: Layer) -> None:
    first = a_request()
    again = StageRequested()
    again.CopyFrom(first)
    again.attempt, again.endpoint = 2, "http://127.0.0.1:7302"
    await layer.under.deliver(first, again, end_of(first))
    entry = (await layer.call(layer.catalog.get_service, GetServiceRequest(service_id=first.service_id))).entry
    assert entry.endpoint == "http://127.0.0.1:7302"
    assert await layer.count("entry") == 1


async def test_a_service_without_an_outcome_breaks_the_contract(layer: Layer) -> None:
    with pytest.raises(Permanent, match="outcomes"):
        await layer.under.deliver(a_request(a_manifest(outcomes=())))
    assert await layer.count("entry") == 0


async def test_a_second_version_beside_a_live_one_is_refused(layer: Layer) -> None:
    (service_id,) = await layer.publish()
    request = a_request(service_id=service_id)
    request.version = 2
    await layer.under.deliver(request)
    (answer,) = await layer.under.published()
    assert [reason.code for reason in answer.reasons] == ["ENTRY_ALREADY_LIVE"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement",
    [
        "update entry set state = 'live'",
        "update entry set outcomes = '[]'",
        "update entry set published_at = now()",
    ],
)
async def test_the_schema_itself_keeps_hidden_entries_hidden_and_outcomes_there(layer: Layer, statement: str) -> None:
    await layer.under.deliver(a_request())
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with layer.db.transaction() as tx:
            await tx.execute(statement)


@pytest.mark.parametrize("statement", ["delete from entry", "update entry set state = 'hidden', published_at = null", "update entry set journey_id = 'other'"])
async def test_the_schema_itself_keeps_live_entries(layer: Layer, statement: str) -> None:
    await layer.publish()
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with layer.db.transaction() as tx:
            await tx.execute(statement)
