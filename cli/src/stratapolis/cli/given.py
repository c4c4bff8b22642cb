"""Messages of the contract that a person writes in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import typer
import yaml
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

Given = TypeVar("Given", bound=Message)


def listed(file: Path | None, kind: type[Given], *, option: str) -> list[Given]:
    """The messages of a YAML list, each as the contract's JSON writes it; none without a file. Raises BadParameter, which names what is wrong."""
    if file is None:
        return []
    try:
        given: Any = yaml.safe_load(file.read_text())
        if not isinstance(given, list):
            raise typer.BadParameter(f"{file} is no list", param_hint=option)
        return [ParseDict(each, kind()) for each in given]
    except (yaml.YAMLError, ParseError, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise typer.BadParameter(f"{file}: {error}", param_hint=option) from None
