"""How indicators are named on the command line."""

import pytest
import typer
from city.types.v1.types_pb2 import IndicatorKey
from stratapolis.cli.indicators import key_of, named
from stratapolis.cli.main import app
from typer.testing import CliRunner


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("city/uses", IndicatorKey(framework="city", code="uses")),
        ("u4ssc/EN: EN: AQ: 1C/PM 2.5", IndicatorKey(framework="u4ssc", code="EN: EN: AQ: 1C", measure="PM 2.5")),
        (" iso37120 / 8.1 ", IndicatorKey(framework="iso37120", code="8.1")),
    ],
)
def test_a_key_is_read_as_it_is_shown(text: str, key: IndicatorKey) -> None:
    assert key_of(text) == key == key_of(named(key))


@pytest.mark.parametrize("text", ["", "uses", "city/", "/uses", "a/b/c/d", "a//c"])
def test_what_is_no_key_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="city/uses"):
        key_of(text)


@pytest.mark.parametrize(("option", "value"), [("--better", "faster"), ("--period", "week")])
def test_a_word_that_is_no_choice_is_named(option: str, value: str) -> None:
    words = ["indicators", "define", "city/trees", "--unit", "%", "--better", "higher", "--period", "day", "--source", "a plan", option, value]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2 and option in result.output and value in result.output
