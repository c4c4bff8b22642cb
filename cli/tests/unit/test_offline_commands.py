"""Commands that need no city, and what all commands do when there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from stratapolis.cli.main import app
from typer.testing import CliRunner, Result

GOOD = """\
apiVersion: city/v1
kind: Service
metadata: {name: library, title: Library, description: Lends books to everybody.}
spec:
  category: culture
  stakeholders: [resident]
  outcomes: [{name: more books read, indicator: {framework: city, code: books}}]
  price: {plans: [{name: all, model: free}]}
  runtime:
    none: {}
"""


def city(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def commands(group: Any, around: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*around, name))
        if not getattr(command, "no_args_is_help", False):
            yield (*around, name), command


EVERY = sorted(commands(typer.main.get_command(app)), key=lambda each: each[0])
IN_A_CITY = [
    ("status",),
    ("logs", "governance"),
    ("init",),
    ("login", "--as", "alice"),
    ("propose", "FILE"),
    ("journey", "j-1"),
    ("journeys",),
    ("decide", "j-1", "approve", "--reason", "it is good"),
    ("withdraw", "j-1"),
    ("services",),
    ("services", "clean", "air"),
    ("services", "find", "retire"),
    ("services", "--category", "mobility"),
    ("services", "clean", "air", "--for", "resident", "--cost", "free", "--indicator", "city/uses", "--box", "52.3", "13.1", "52.7", "13.8"),
    ("services", "suspend", "s-1", "--reason", "it leaks"),
    ("services", "resume", "s-1"),
    ("services", "retire", "s-1", "--reason", "nobody comes"),
    ("services", "state", "s-1"),
    ("services", "life-events"),
    ("service", "s-1"),
    ("pools",),
    ("pools", "register", "edge", "--cpu-millis", "1", "--memory-mib", "1"),
    ("artefacts", "list"),
    ("artefacts", "register", "guide", "/tmp", "run"),
    ("audit", "list", "--action", "deny"),
    ("audit", "verify"),
    ("creators", "register", "North"),
    ("creators", "accept", "c-1"),
    ("creators", "refuse", "c-1", "--reason", "no address"),
    ("creators", "list"),
    ("creators", "members", "c-1"),
    ("scorecard",),
    ("indicators", "list"),
    ("indicators", "history", "city/uses"),
    ("indicators", "excursions"),
    ("indicators", "define", "city/trees", "--unit", "{tree}", "--better", "higher", "--period", "month", "--source", "the parks department"),
    ("indicators", "set-target", "u4ssc/EN: EN: AQ: 1C/PM 2.5", "15", "--source", "WHO"),
    ("indicators", "record", "city/trees", "2026-01", "12", "--unit", "{tree}"),
    ("policy", "list"),
    ("policy", "show"),
    ("policy", "explain", "governance.ProposeService", "--role", "officer"),
    ("policy", "publish", "FILE", "--note", "stricter"),
    ("policy", "activate", "2"),
    ("agreements", "create", "a partnership", "--share", "acme=70", "--share", "city=30", "--until", "2030-01-01"),
    ("agreements", "sign", "a-1", "city"),
    ("agreements", "list"),
    ("agreements", "show", "a-1"),
    ("agreements", "failures", "--standing"),
    ("ledger", "price-changes"),
    ("ledger", "entries"),
    ("ledger", "balances"),
    ("ledger", "totals"),
    ("ledger", "periods"),
    ("ledger", "statements"),
    ("ledger", "statement", "s-1"),
    ("ledger", "settle", "2026-05"),
    ("ledger", "reverse", "c-1", "--reason", "counted twice"),
    ("ideas", "list"),
    ("ideas", "show", "i-1"),
    ("ideas", "submit", "Lamps that see", "Lamps that are bright where somebody walks."),
    ("ideas", "support", "i-1"),
    ("ideas", "withdraw", "i-1", "--reason", "a better one"),
    ("ideas", "shortlist", "i-1", "--lead", "c-1"),
    ("ideas", "graduate", "i-1"),
    ("ideas", "drop", "i-1", "--reason", "too dear"),
    ("ideas", "news"),
    ("ideas", "watch"),
    ("challenges", "list"),
    ("challenges", "open", "Dark paths", "Paths that people avoid at night."),
    ("challenges", "close", "c-1", "--reason", "they are lit"),
    ("programmes", "list"),
    ("programmes", "open", "lab", "A lab", "For those who build.", "--from", "2026-05-01", "--to", "2026-06-01"),
    ("pilots", "list"),
    (
        "pilots",
        "book",
        "i-1",
        "z-1",
        "city/dark_paths",
        "--from",
        "2026-05-01",
        "--to",
        "2026-05-07",
        "--places",
        "5",
        "--shows",
        "fewer dark paths",
        "--consent",
        "We count who passes.",
        "--at-most",
        "5",
    ),
    ("pilots", "result", "p-1", "People walk there again."),
    ("dead-letters", "list", "-l", "data"),
    ("dead-letters", "show", "1", "-l", "data"),
    ("dead-letters", "redrive", "1", "-l", "data"),
    ("dead-letters", "discard", "1", "-l", "data", "--reason", "noise"),
    ("dead-letters", "paused", "-l", "data"),
    ("dead-letters", "resume", "city.governance.v1", "-l", "data"),
]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "library.yaml"
    file.write_text(GOOD)
    return file


@pytest.mark.parametrize(("words", "command"), EVERY, ids=[" ".join(words) for words, _ in EVERY])
def test_every_command_explains_itself_and_answers_in_json(words: tuple[str, ...], command: Any) -> None:
    shown = city(*words, "--help")
    assert shown.exit_code == 0
    assert len((command.help or "").split()) >= 4, "a command says what it does"
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options or words == ("demo",)
    silent = [parameter.name for parameter in command.params if parameter.param_type_name == "option" and not parameter.help and "--help" not in parameter.opts]
    assert not silent, "an option says what it does"


def test_alone_it_prints_what_there_is_to_do() -> None:
    shown = city()
    assert "up" in shown.output and "propose" in shown.output


@pytest.mark.parametrize("words", IN_A_CITY, ids=" ".join)
def test_without_a_city_one_line_says_so(words: tuple[str, ...], tmp_path: Path, good: Path) -> None:
    told = city(*(str(good) if word == "FILE" else word for word in words), "--folder", str(tmp_path))
    assert told.exit_code == 1
    assert told.stderr == f"there is no city in {tmp_path}: start one with `city up`, or name its folder with --folder\n"
    assert told.stdout == ""


def test_all_commands_that_need_a_city_are_tried_without_one() -> None:
    offline = {("up",), ("reset",), ("validate",), ("explain",), ("demo",), ("new", "service")}
    tried = {words[:n] for words in IN_A_CITY for n in (1, 2)}
    assert {words for words, _ in EVERY if words not in tried} <= offline


@pytest.mark.parametrize(
    "words",
    [
        ("journey",),
        ("nonsense",),
        ("status", "--nonsense"),
        ("dead-letters", "show", "x", "-l", "data"),
        ("decide", "j", "maybe", "--reason", "x"),
        ("logs", "data", "--level", "loud"),
        ("logs", "data", "--lines", "-1"),
        ("agreements", "create", "x", "--share", "city", "--until", "2030-01-01"),
        ("agreements", "create", "x", "--share", "city=12.345", "--until", "2030-01-01"),
        ("agreements", "create", "x", "--share", "city=100", "--until", "soon"),
        ("policy", "explain", "ProposeService"),
        ("policy", "activate", "0"),
        ("demo", "--chapter", "14"),
        ("demo", "--chapter", "0"),
        ("services", "--for", "residents"),
        ("services", "--cost", "cheap"),
        ("services", "--indicator", "uses"),
        ("services", "--box", "52", "13"),
        ("new", "service"),
    ],
)
def test_wrong_usage_exits_with_2(words: tuple[str, ...]) -> None:
    assert city(*words).exit_code == 2


def test_an_error_is_json_where_json_is_asked_for(tmp_path: Path) -> None:
    told = city("status", "--json", "--folder", str(tmp_path))
    assert told.exit_code == 1
    assert json.loads(told.stderr)["error"]["message"].startswith("there is no city in")


def test_a_good_manifest_has_no_fault(good: Path) -> None:
    shown = city("validate", str(good))
    assert (shown.exit_code, shown.stdout) == (0, f"{good}: no fault\n")


def test_a_manifest_is_read_from_standard_input() -> None:
    assert city("validate", "-", stdin=GOOD.encode()).exit_code == 0


def test_every_fault_of_a_manifest_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(GOOD.replace("resident", "residents").replace("kind: Service", "kind: Thing"))
    shown = city("validate", str(file))
    assert shown.exit_code == 1
    assert [line.partition(":")[2].split(":")[0] for line in shown.stdout.splitlines()] == ["2", "6", ""]
    assert "did you mean `resident`?" in shown.stdout
    as_json = city("validate", str(file), "--json")
    assert as_json.exit_code == 1
    assert [fault["path"] for fault in json.loads(as_json.stdout)["faults"]] == ["kind", "spec.stakeholders[0]"]


@pytest.mark.parametrize(("path", "said"), [("nothing.yaml", "there is no file"), (".", "is a folder")])
def test_a_file_that_is_none_is_told(path: str, said: str, tmp_path: Path) -> None:
    told = city("validate", str(tmp_path / path))
    assert told.exit_code == 1 and said in told.stderr


def test_a_field_is_explained_by_the_contract() -> None:
    shown = city("explain", "spec.data[].purpose")
    assert shown.exit_code == 0 and "purpose of the use, for people." in shown.stdout


def test_a_field_that_does_not_exist_is_told_with_the_nearest_one() -> None:
    told = city("explain", "spec.prise")
    assert told.exit_code == 1 and "did you mean `price`?" in told.stderr


def test_a_reset_asks_first(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    assert city("reset", "--folder", str(tmp_path), stdin=b"n\n").exit_code == 1
    assert (tmp_path / "people").exists()
    assert city("reset", "--folder", str(tmp_path), "--yes").exit_code == 0
    assert not (tmp_path / "people").exists()


def test_a_reset_of_nothing_is_no_error(tmp_path: Path) -> None:
    assert city("reset", "--folder", str(tmp_path / "none")).exit_code == 0


@pytest.mark.parametrize("base", ["80", "40000", "32768"])
def test_a_port_base_that_does_not_work_is_told(base: str, tmp_path: Path) -> None:
    told = city("up", "--base", base, "--folder", str(tmp_path))
    assert told.exit_code == 1 and "choose one from 1024 to 32268" in told.stderr


def test_a_dsn_that_is_none_is_told_without_repeating_it(tmp_path: Path) -> None:
    told = city("up", "--postgres", "host=somewhere password=secret", "--folder", str(tmp_path))
    assert told.exit_code == 1
    assert "--postgres takes a DSN" in told.stderr and "secret@host" in told.stderr and "somewhere" not in told.stderr
