"""The rule that says what may be imported, on small graphs made by hand; and the real rules, on bad examples."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph

from infra.build.import_rules import MayImport

RULES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def broken_by(importer: str, imported: str) -> set[str]:
    """The names of the rules in pyproject.toml that such an import breaks."""
    graph = ImportGraph()
    for module in (importer, imported):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported, line_number=3, line_contents="import it")
    broken = set()
    for rule in RULES:
        contract = MayImport(name=rule["name"], session_options={}, contract_options=rule)
        if not contract.check(graph, verbose=False).kept:
            broken.add(rule["name"].split(" ")[1])
    return broken


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("stratapolis.governance.domain.journey", "dataclasses"),
        ("stratapolis.governance.domain.journey", "stratapolis.chassis.errors"),
        ("stratapolis.governance.domain.journey", "stratapolis.governance.domain.money"),
        ("stratapolis.governance.rpc", "stratapolis.chassis.app"),
        ("stratapolis.governance.rpc", "stratapolis.governance.domain.journey"),
        ("stratapolis.governance.rpc", "city.governance.v1.journey_service_pb2_grpc"),
        ("stratapolis.chassis.consuming", "aiokafka"),
        ("stratapolis.cli.main", "stratapolis.chassis.clock"),
        ("stratapolis.examples.guide", "city.data.v1.events_pb2"),
    ],
)
def test_what_the_architecture_allows_is_allowed(importer: str, imported: str) -> None:
    assert broken_by(importer, imported) == set()


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("stratapolis.governance.domain.journey", "pydantic"),
        ("stratapolis.governance.domain.journey", "city.governance.v1.events_pb2"),
        ("stratapolis.governance.domain.journey", "stratapolis.chassis.app"),
        ("stratapolis.governance.domain.journey", "stratapolis.governance.store"),
        ("stratapolis.governance.domain.journey", "stratapolis.policy.domain.money"),
        ("stratapolis.governance.rpc", "stratapolis.policy.domain.money"),
        ("stratapolis.governance.rpc", "stratapolis.cli.main"),
        ("stratapolis.governance.rpc", "grpc"),
        ("stratapolis.governance.store", "asyncpg"),
        ("stratapolis.governance.handlers", "faststream"),
        ("stratapolis.governance.handlers", "aiokafka"),
        ("stratapolis.chassis.app", "stratapolis.governance.wiring"),
        ("stratapolis.cli.main", "stratapolis.governance.wiring"),
        ("stratapolis.examples.guide", "stratapolis.chassis.app"),
    ],
)
def test_what_the_architecture_forbids_is_found(importer: str, imported: str) -> None:
    assert broken_by(importer, imported) != set()


def test_a_name_that_only_begins_alike_is_another_module() -> None:
    assert broken_by("stratapolis.governance.domain.journey", "stratapolis.chassis.errors_of_others") != set()
