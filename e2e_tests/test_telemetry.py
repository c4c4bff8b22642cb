"""One journey is one trace over calls, events and statements; the table says which app emits what, and who does something because of whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from city.infrastructure.v1.artefact_service_pb2 import RegisterArtefactRequest
from city.infrastructure.v1.artefact_service_pb2_grpc import ArtefactServiceStub
from city.journey.v1 import journey_pb2 as shared
from prometheus_client.parser import text_string_to_metric_families
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import City, until

from e2e_tests import signals
from e2e_tests.collector import Collected, Span, collecting, edges
from e2e_tests.conftest import BASE, LAYERS, ROOT, Creator, Town
from e2e_tests.estate import SERVER

PROPOSED = "city.governance.v1.JourneyService.ProposeService"


@dataclass(frozen=True, slots=True)
class Told:
    """A journey that went live in a city that tells a collector of it."""

    town: Town
    journey_id: str
    spans: list[Span]


@pytest.fixture(scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    """A city of its own: tracing costs, and the others measure nothing of it."""
    with collecting() as collected:
        settings = {"CITY_OTLP": f"http://127.0.0.1:{collected.port}", "CITY_GOVERNANCE_DRAIN_SECONDS": "4"}
        folder = ROOT / ".city" / f"e2e-{BASE + 500}"
        async with City(folder, BASE + 500, keep=False, settings=settings, artefacts=[ROOT / "examples"]) as city:
            founder = await city.enrol("Ada")
            town = Town(city, Creator(await city.creator("Lantern Works", founder), founder), tmp_path_factory.mktemp("crash"), folder)
            journey_id = await _launched(town)
            yield Told(town, journey_id, await _trace(collected))


async def _launched(town: Town) -> str:
    """A service with software, which infrastructure answers for later than it is asked."""
    argv = ["{python}", "-c", SERVER]
    artefact = RegisterArtefactRequest(request_id=new_id(), name="lantern", folder=str(ROOT / "examples" / "manifests"), argv=argv)
    await town.city.stub(ArtefactServiceStub, "infrastructure").RegisterArtefact(artefact)
    runs = b"runtime: {process: {artefact: lantern, health: /, cpuMillis: 40, memoryMib: 256}}"
    journey = await town.propose(town.manifest().replace(b"runtime: {none: {}}", runs))
    ended = (await town.ended([journey.journey_id]))[journey.journey_id]
    assert ended.state == shared.JOURNEY_STATE_LIVE, ended.reasons
    return str(journey.journey_id)


async def _trace(collected: Collected) -> list[Span]:
    """The journey's trace, as soon as all of the table has been told."""
    found: list[Span] = []

    async def whole() -> bool:
        found[:] = [span for root in collected.named("governance", PROPOSED) for span in collected.of(root.trace)]
        told, known = {(span.app, span.name) for span in found}, {span.span for span in found}
        is_told = all((app, name) in told for app, names in signals.SPANS.items() for name in names) and edges(found) >= signals.EDGES
        return is_told and sum(span.parent not in known for span in found) == 1

    await until(whole, "the journey to be told whole", within=30)
    return found


async def test_one_journey_is_one_trace_through_every_app_that_takes_part(told: Told) -> None:
    found: dict[str, set[str]] = {}
    for span in told.spans:
        if "db.system.name" not in span.attributes:
            found.setdefault(span.app, set()).add(span.name)
    assert found == signals.SPANS
    assert edges(told.spans) == signals.EDGES
    known = {span.span for span in told.spans}
    roots = [span for span in told.spans if span.parent not in known]
    assert [span.name for span in roots] == [PROPOSED], "all of it was done because of the proposal"


async def test_statements_are_told_without_their_values(told: Told) -> None:
    statements = [span for span in told.spans if span.attributes.get("db.system.name") == "postgresql"]
    assert {span.app for span in statements} == set(signals.SPANS)
    assert all(told.journey_id not in span.attributes["db.query.text"] for span in statements)


@pytest.mark.parametrize("app", LAYERS)
async def test_each_app_emits_the_metrics_of_the_table(told: Told, app: str) -> None:
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"http://{told.town.city.http_of(app)}/metrics")).text
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("city_")]
    emitted = {family.name for family in families if any(sample.labels.get("app") == app for sample in family.samples)}
    assert signals.METRICS[app] <= emitted


async def test_every_line_of_a_log_is_json_that_says_whose_it_is(told: Told) -> None:
    for app in LAYERS:
        lines = [json.loads(line) for line in (told.town.city.folder / "log" / f"{app}.log").read_text().splitlines()]
        assert lines and all({"app", "event", "level"} <= line.keys() and line["app"] == app for line in lines)
