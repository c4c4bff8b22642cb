"""What the README says to type is there, and does what it says."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from stratapolis.cli.main import app
from stratapolis.cli.services import FindsOtherwise
from typer.testing import CliRunner

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
TYPED = re.findall(r"^\.venv/bin/city ([^#\n]+?)\s*(?:#.*)?$", README, re.MULTILINE)


def test_the_readme_names_commands_that_exist() -> None:
    assert len(TYPED) >= 4
    group: Any = typer.main.get_command(app)
    assert {line.split()[0] for line in TYPED} - {"--help"} <= set(group.commands)


def test_the_docs_name_commands_and_options_that_exist() -> None:
    typed = [
        shlex.split(line, comments=True)[1:] for page in (ROOT / "docs").rglob("*.md") for line in re.findall(r"^city .+$", page.read_text(), re.MULTILINE)
    ]
    assert len(typed) >= 16
    for words in typed:
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            is_searched = isinstance(command, FindsOtherwise) and (not words or words[0] not in command.commands)
            command = command.commands["find" if is_searched else words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, (command.name, words)


def test_commands_of_the_readme_that_need_no_city_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All the others are run in a whole city: e2e_tests/test_own_service.py."""
    monkeypatch.chdir(tmp_path)
    for line in TYPED:
        if line.split()[0] in ("new", "validate", "explain", "--help"):
            ran = CliRunner().invoke(app, [str(ROOT / word) if word.startswith("examples/") else word for word in line.split()])
            assert ran.exit_code == 0, (line, ran.output)


def test_targets_of_the_readme_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
    assert targets >= {"demo", "test", "up"}
    assert targets <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
