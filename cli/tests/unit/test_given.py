"""Files with messages: read as the contract writes them, refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from city.policy.v1.policy_pb2 import Example
from stratapolis.cli.given import listed


def test_a_list_is_read_as_the_contract_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text("- {principal: {kind: person}, layer: data, rpc: ListContracts, allowed: true}\n")
    (found,) = listed(file, Example, option="--examples")
    assert (found.principal.kind, found.rpc, found.allowed) == ("person", "ListContracts", True)
    assert listed(None, Example, option="--examples") == []


@pytest.mark.parametrize("text", ["a: b", "- {layers: data}", "- 7", "- [", "- {allowed: perhaps}"])
def test_what_is_no_such_list_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(text)
    with pytest.raises(typer.BadParameter, match=r"examples\.yaml"):
        listed(file, Example, option="--examples")
