"""`city logs`: a layer's log as plain text, by level, from the end, and on with what is appended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stratapolis.cli.local import endpoints
from stratapolis.cli.local.endpoints import Endpoints
from stratapolis.cli.main import app
from typer.testing import CliRunner, Result

AT = "2026-05-04T12:00:00.123456Z"
GOVERNANCE: list[dict[str, Any]] = [
    {"grpc": 7103, "http": 7203, "event": "serving", "app": "governance", "instance": "governance", "level": "info", "timestamp": AT},
    {"app": "governance", "level": "warning", "logger": "aiokafka", "event": "Heartbeat failed"},
    {"event": "job_failed", "app": "governance", "level": "error", "timestamp": AT, "exception": "Traceback:\n  ValueError: no"},
    {"event": "asked", "app": "governance", "level": "debug", "timestamp": AT},
]
KAFKA = ["2026-05-04T12:00:01,306 WARN [Controller id=1] is new", "java.lang.Error: on purpose", "\tat Kafka.main", "2026-05-04T12:00:02,000 INFO started"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a city that does not run."""
    endpoints.write(tmp_path, Endpoints(base=7000, kafka="k", token_url="t", grpc={}, http={}))
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "governance.log").write_text("".join(json.dumps(line) + "\n" for line in GOVERNANCE))
    (tmp_path / "log" / "kafka.log").write_text("".join(line + "\n" for line in KAFKA))
    return tmp_path


def city(*words: str, folder: Path) -> Result:
    return CliRunner().invoke(app, ["logs", *words, "--folder", str(folder)])


def test_what_a_layer_said_is_plain_text(folder: Path) -> None:
    said = city("governance", folder=folder)
    assert said.exit_code == 0
    assert said.stdout.splitlines() == [
        "2026-05-04 12:00:00.123  info      serving  grpc=7103 http=7203",
        "warning   Heartbeat failed  logger=aiokafka",
        "2026-05-04 12:00:00.123  error     job_failed",
        "Traceback:",
        "  ValueError: no",
        "2026-05-04 12:00:00.123  debug     asked",
    ]


@pytest.mark.parametrize(("level", "events"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1), ("critical", 0)])
def test_a_level_keeps_what_is_as_bad_or_worse(level: str, events: int, folder: Path) -> None:
    said = city("governance", "--level", level, "--json", folder=folder)
    assert [json.loads(line) for line in said.stdout.splitlines()] == [one for one in GOVERNANCE if one["level"] in LEVELS[LEVELS.index(level) :]]
    assert len(said.stdout.splitlines()) == events


LEVELS = ["debug", "info", "warning", "error", "critical"]


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_the_last_lines_are_shown(lines: int, folder: Path) -> None:
    said = city("governance", "--lines", str(lines), "--json", folder=folder)
    assert [json.loads(line) for line in said.stdout.splitlines()] == GOVERNANCE[len(GOVERNANCE) - lines :]
    worst = city("governance", "--lines", "1", "--level", "warning", "--json", folder=folder)
    assert json.loads(worst.stdout)["event"] == "job_failed"


def test_lines_without_a_level_go_with_the_one_before(folder: Path) -> None:
    assert city("kafka", "--level", "warning", folder=folder).stdout.splitlines() == KAFKA[:3]
    assert city("kafka", folder=folder).stdout.splitlines() == KAFKA


def test_a_layer_that_is_none_is_told_with_those_there_are(folder: Path) -> None:
    told = city("governence", folder=folder)
    assert told.exit_code == 1 and told.stdout == ""
    assert told.stderr == f"no process of the city in {folder} is called governence; did you mean governance? there are governance, kafka\n"


@pytest.mark.parametrize("layer", ["../people/officer", "log/governance", ""])
def test_nothing_but_a_log_is_shown(layer: str, folder: Path) -> None:
    assert city(layer, folder=folder).exit_code == 1


def test_a_line_that_is_still_written_is_not_shown(folder: Path) -> None:
    with (folder / "log" / "kafka.log").open("a") as log:
        log.write("half a li")
    assert city("kafka", folder=folder).stdout.splitlines() == KAFKA


def test_a_city_that_stands_still_is_not_followed(folder: Path) -> None:
    told = city("governance", "--follow", folder=folder)
    assert told.exit_code == 1 and f"the city in {folder} does not run" in told.stderr
