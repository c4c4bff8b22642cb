"""What a command shows: tables and colours in a terminal, plain aligned text in a pipe, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from stratapolis.chassis.money import round_minor

COLOURS = {"live": "green", "ready": "green", "held": "cyan", "active": "green", "rejected": "red", "refused": "red", "withdrawn": "yellow", "away": "red"}


def as_data(message: Message) -> dict[str, Any]:
    """A message as JSON data, with the contract's JSON names; what is not set stands as its default."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def clock(time: Timestamp) -> str:
    """Date and time in UTC, to the second; empty where it is not set."""
    return time.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S") if time.seconds else ""


def ago(time: Timestamp) -> str:
    """How long ago, in words."""
    seconds = (datetime.now(UTC) - time.ToDatetime(UTC)).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.1f} s"


def money(amount: Decimal, currency: str) -> str:
    """An amount with the digits of its currency, or all it has where it has more: `1.20 EUR`, `0.045 EUR`."""
    short = round_minor(amount, currency)
    return f"{short if short == amount else amount.normalize():f} {currency}"


def word(enum: Any, number: int) -> str:
    """An enum's value as a word: JOURNEY_STATE_LIVE as `live`."""
    names: list[str] = list(enum.keys())
    shared = names[0].removesuffix("UNSPECIFIED")
    return str(enum.Name(number)).removeprefix(shared).lower().replace("_", " ")


class Screen:
    """Standard output, or JSON on it."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it as it comes."""
        return self.console.is_terminal and not self.as_json

    def data(self, data: Any) -> None:
        """Data, where JSON is asked for; else nothing."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")

    def line(self, text: str = "", style: str = "") -> None:
        """A line for people; nothing where JSON is asked for."""
        if not self.as_json:
            self.console.print(escape(text), style=style or None)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = "none") -> None:
        """Rows for people; nothing where JSON is asked for."""
        rows = [list(map(str, row)) for row in rows]
        if self.as_json:
            return
        if not rows:
            self.line(empty)
        elif not self.console.is_terminal:
            self._plain(columns, rows)
        else:
            table = Table(*columns, box=None, header_style="bold", pad_edge=False)
            for row in rows:
                table.add_row(*(f"[{COLOURS[cell]}]{cell}" if cell in COLOURS else escape(cell) for cell in row))
            self.console.print(table)

    def _plain(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        widths = [max(len(row[n]) for row in [columns, *rows]) for n in range(len(columns))]
        for row in [columns, *rows]:
            sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")

    def facts(self, facts: Mapping[str, str]) -> None:
        """Named facts, a line each; empty ones are left out."""
        shown = {name: value for name, value in facts.items() if value}
        width = max(map(len, shown), default=0)
        for name, value in shown.items():
            self.line(f"{name.ljust(width)}  {value}")
