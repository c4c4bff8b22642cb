"""The documents made from the contract, read by parsers that are not ours: AsyncAPI's own JSON Schema, and jsonschema."""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from pathlib import Path
from string import Template
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stratapolis.chassis import contract
from stratapolis.chassis.manifest import read

from infra.documents.__main__ import ROOT, documents
from infra.documents.wired import apps, edges
from services.chassis.tests.unit.manifest.good import GOOD

ASYNCAPI = ROOT / "infra" / "vendor" / "asyncapi" / "3.0.0.json"
MANIFESTS = sorted((ROOT / "examples" / "manifests").glob("*.yaml"))


class _Yaml12(yaml.SafeLoader):
    """As editors read a manifest: dates and words such as `no` are texts."""


_Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(documents()["asyncapi.yaml"])
    return found


@pytest.fixture(scope="module")
def manifests() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(documents()["manifest.schema.json"]))


def data(text: str) -> Any:
    return yaml.load(text, Loader=_Yaml12)  # noqa: S506 - it is a SafeLoader


def test_the_events_are_valid_asyncapi(asyncapi: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(ASYNCAPI.read_text())).validate(asyncapi)


def test_asyncapis_schema_refuses_what_is_none(asyncapi: dict[str, Any]) -> None:
    broken = copy.deepcopy(asyncapi)
    next(iter(broken["operations"].values()))["action"] = "shout"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json.loads(ASYNCAPI.read_text())).validate(broken)


def test_every_reference_leads_somewhere(asyncapi: dict[str, Any]) -> None:
    def look(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                at: Any = asyncapi
                for step in node["$ref"].removeprefix("#/").split("/"):
                    at = at[step]
            for below in node.values():
                look(below)
        elif isinstance(node, list):
            for below in node:
                look(below)

    look(asyncapi)


def test_every_topic_event_and_hearer_is_in_the_document(asyncapi: dict[str, Any]) -> None:
    assert set(asyncapi["channels"]) == set(contract.topics())
    for topic in contract.topics().values():
        assert set(asyncapi["channels"][topic.name]["messages"]) == {name.rpartition(".")[2] for name in topic.types}
    for edge in edges():
        heard = asyncapi["operations"][f"{edge.hearer} hears {edge.topic}"]["messages"]
        assert f"#/channels/{edge.topic}/messages/{edge.event.rpartition('.')[2]}" in {message["$ref"] for message in heard}


def test_the_payload_schemas_are_json_schemas(asyncapi: dict[str, Any]) -> None:
    for schema in asyncapi["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_examples_fit_the_manifests_schema(path: Path, manifests: jsonschema.Draft202012Validator) -> None:
    filled = Template(path.read_text()).substitute(defaultdict(lambda: "an-id", until="2099-01-01"))
    manifests.validate(data(filled))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("apiVersion: city/v1", "apiVersion: city/v2"),
        ("stakeholders: [resident, visitor]", "stakeholders: [residents]"),
        ("stakeholders: [resident, visitor]", "stakeholders: []"),
        ("model: pay-per-use", "model: payPerUsage"),
        ("wcagLevel: AA", "wcagLevels: AA"),
        ("latitude: 52.5", "latitude: 152.5"),
        ("start: 2026-01-31", "start: tomorrow"),
        ("none: {}", "none: {}\n    process: {artefact: a-b, health: /, cpuMillis: 10, memoryMib: 16}"),
        ("category: mobility", "tags: mobility"),
    ],
)
def test_what_is_wrong_breaks_the_manifests_schema(right: str, wrong: str, manifests: jsonschema.Draft202012Validator) -> None:
    assert manifests.is_valid(data(GOOD))
    changed = GOOD.replace(right, wrong)
    assert changed != GOOD
    assert not manifests.is_valid(data(changed))
    assert read(changed.encode())[0] is None


_VALUES = st.one_of(
    st.sampled_from(["free", "FREE", "pay-per-use", "AA", "aaa", "resident", "2026-01-31", "{}", "[]", "x", "de", "0.5"]), st.integers(-5, 10**6)
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(line=st.integers(0, GOOD.count("\n") - 1), value=_VALUES)
def test_the_schema_is_never_stricter_than_the_reader(line: int, value: object, manifests: jsonschema.Draft202012Validator) -> None:
    lines = GOOD.splitlines()
    head, colon, _ = lines[line].partition(": ")
    lines[line] = f"{head}{colon}{value}" if colon else lines[line]
    text = "\n".join(lines)
    if read(text.encode())[0] is not None:
        manifests.validate(data(text))


def test_every_layer_is_wired_as_it_runs() -> None:
    assert set(contract.layers()) == set(apps())
    assert all(app.name == layer for layer, app in apps().items())


def test_the_documents_in_the_repository_are_in_step() -> None:
    for name, text in documents().items():
        assert (ROOT / "docs" / "contract" / name).read_text() == text, f"make documents: {name}"
