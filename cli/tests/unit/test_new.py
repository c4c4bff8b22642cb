"""`city new service`: what it writes is a valid manifest and a program; what is there already is never touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stratapolis.cli.main import app
from typer.testing import CliRunner, Result


def city(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_what_is_made_has_no_fault_and_says_what_comes_next(tmp_path: Path) -> None:
    made = city("new", "service", "bike-repair", "--into", str(tmp_path))
    assert made.exit_code == 0, made.output
    place = tmp_path / "bike-repair"
    assert sorted(str(path.relative_to(place)) for path in place.rglob("*.*")) == ["program/main.py", "service.yaml"]
    text = (place / "service.yaml").read_text()
    assert "name: bike-repair\n" in text and "title: Bike repair\n" in text and "$" not in text
    assert f"city validate {place / 'service.yaml'}" in made.stdout
    assert city("validate", str(place / "service.yaml")).exit_code == 0


def test_for_programs_it_answers_in_json(tmp_path: Path) -> None:
    made = json.loads(city("new", "service", "hello", "--into", str(tmp_path), "--json").stdout)
    assert made["manifest"] == str(tmp_path / "hello" / "service.yaml") and Path(made["program"]).exists()


@pytest.mark.parametrize("there", ["folder", "file", "link to nothing"])
def test_what_is_there_is_not_overwritten(there: str, tmp_path: Path) -> None:
    place = tmp_path / "hello"
    if there == "folder":
        place.mkdir()
        (place / "service.yaml").write_text("mine")
    elif there == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    refused = city("new", "service", "hello", "--into", str(tmp_path))
    assert refused.exit_code == 1 and f"there is a {place} already" in refused.stderr
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    assert there == "link to nothing" or "mine" in (place / "service.yaml" if there == "folder" else place).read_text()


@pytest.mark.parametrize("name", ["Hello", "a", "9lives", "../evil", "a/b", "a b", "a: {x: y}", "x" * 64, ""])
def test_a_name_that_no_service_may_have_is_refused_and_nothing_is_made(name: str, tmp_path: Path) -> None:
    refused = city("new", "service", name, "--into", str(tmp_path))
    assert refused.exit_code == 1 and "is no name of a service" in refused.stderr and "bike-repair" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused = city("new", "service", "hello", "--into", str(tmp_path / "none"))
    assert refused.exit_code == 1 and f"there is no folder {tmp_path / 'none'}" in refused.stderr
