"""What is wrong with a manifest, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

MOST = 100
"""Faults of one file that are told; nobody reads more, and a hostile file must not make us write a book."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong; lines and columns count from 1, `path` is empty for the file as a whole."""

    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}: {self.path}: " if self.path else f"line {self.line}: "
        return f"{where}{self.message}{f' ({self.hint})' if self.hint else ''}"


class Unreadable(Exception):
    """The text is no YAML that can be walked: one fault, and nothing more can be said."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(slots=True)
class Found:
    """Faults as they are found, and where each field stands in the text."""

    faults: list[Fault] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)

    @property
    def full(self) -> bool:
        """Enough has been found: looking further helps nobody."""
        return len(self.faults) >= MOST

    def add(self, path: str, message: str, hint: str = "", *, at: tuple[int, int] | None = None) -> None:
        """A fault of a field's value, which is not looked at any further."""
        self.spoilt.add(path)
        self.tell(path, message, hint, at=at)

    def tell(self, path: str, message: str, hint: str = "", *, at: tuple[int, int] | None = None) -> None:
        """A fault beside the value; it stands where the field stands, or the nearest field around it."""
        if not self.full:
            line, column = at or self.place(path)
            self.faults.append(Fault(line, column, path, message, hint))

    def place(self, path: str) -> tuple[int, int]:
        """Line and column of a field, or of the nearest field around it that is there."""
        while path and path not in self.places:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, (1, 1))

    def is_spoilt(self, path: str) -> bool:
        """The field, something in it, or something around it is at fault already: what follows from that is not told again."""
        return any(path == other or is_in(other, path) or is_in(path, other) for other in self.spoilt)

    def told(self) -> tuple[Fault, ...]:
        """All faults in the order of the text."""
        return tuple(sorted(self.faults))


def is_in(inner: str, outer: str) -> bool:
    """Is one path below another?"""
    return not outer or (inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in {".", "["})


def one_of(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *others, last = list(names) or ["nothing"]
    return f"{', '.join(others)} or {last}" if others else last
