"""YAML text as nodes with places. No aliases, no tags, no double keys, one document, and limits on size and depth.

Built from the parser's events, not by its composer: that one recurses as deep as the text says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from stratapolis.chassis.manifest.faults import Fault, Found, Unreadable

LARGEST = 64 * 1024
DEEPEST = 20
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C where it is there: twenty times as fast, on the same events."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it is written; `plain` is one without quotes."""

    place: tuple[int, int]
    value: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A list."""

    place: tuple[int, int]
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Fields with their values."""

    place: tuple[int, int]
    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """A node whose fault has been told: an alias, or a tagged value."""

    place: tuple[int, int]


Node = Scalar | Listed | Mapped | Refused


def parse(text: bytes, found: Found) -> Node:
    """The one document of a text; raises Unreadable where there is none."""
    if len(text) > LARGEST:
        raise Unreadable(Fault(1, 1, "", f"the file has {len(text):,} bytes", f"a manifest has at most {LARGEST:,}"))
    events = _events(_decoded(text))
    try:
        node = _Tree(events, found).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable(Fault(line, column, "", f"this is not YAML: {error.problem or error.context}", _advice(text, line))) from error
    except yaml.YAMLError as error:
        raise Unreadable(Fault(1, 1, "", "this is not YAML: it holds a character that YAML does not allow", "remove control characters")) from error
    return node


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        column = error.start - text.rfind(b"\n", 0, error.start)
        raise Unreadable(Fault(line, column, "", "this is not UTF-8", "save the file as UTF-8")) from error


def _events(text: str) -> Iterator[yaml.Event]:
    return iter(yaml.parse(text, Loader=Loader))


def _advice(text: bytes, line: int) -> str:
    lines = text.split(b"\n")
    said = lines[line - 1] if line <= len(lines) else b""
    if b"\t" in said[: len(said) - len(said.lstrip())]:
        return "indent with spaces, not with tabs"
    return "look at the indentation and the colons of this line and the one before"


class _Tree:
    """Nodes from events; what is refused is told and stands as Refused."""

    def __init__(self, events: Iterator[yaml.Event], found: Found) -> None:
        self._events, self._found = events, found

    def document(self) -> Node:
        """The only document."""
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise Unreadable(Fault(1, 1, "", "the file is empty", "start with `apiVersion: city/v1`"))
        node = self._node(next(self._events), 1, "")
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            line, column = _place(after)
            raise Unreadable(Fault(line, column, "", "a second document begins here", "one manifest a file"))
        return node

    def _node(self, event: yaml.Event, depth: int, path: str) -> Node:
        place = _place(event)
        if depth > DEEPEST:
            raise Unreadable(Fault(*place, path, f"more than {DEEPEST} levels deep", "a manifest needs six"))
        if isinstance(event, yaml.AliasEvent):
            return self._refused(path, place, f"`*{event.anchor}` is an alias", "write the value out")
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = Scalar(place, event.value, plain=event.style in {None, ""})
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(place, depth, path)
        else:
            node = self._map(place, depth, path)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._found.tell(path, f"`&{event.anchor}` is an anchor", "leave it out: nothing may refer to it", at=place)
        tag = getattr(event, "tag", None)
        return node if tag is None else self._refused(path, place, f"`{tag}` is a tag", "leave it out: the field says what is expected")

    def _list(self, place: tuple[int, int], depth: int, path: str) -> Listed:
        listed = Listed(place)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            listed.items.append(self._node(event, depth + 1, f"{path}[{len(listed.items)}]"))
        return listed

    def _map(self, place: tuple[int, int], depth: int, path: str) -> Mapped:
        mapped, seen = Mapped(place), dict[str, int]()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1, path)
            below = below_of(path, key.value) if isinstance(key, Scalar) else path
            value = self._node(next(self._events), depth + 1, below)
            if not isinstance(key, Scalar):
                self._refused(path, key.place, "a field's name is a word", "write `name: value`")
            elif key.value in seen:
                self._refused(below, key.place, "the field stands here twice", f"it stands in line {seen[key.value]} already: keep one")
            else:
                seen[key.value] = key.place[0]
                mapped.pairs.append((key, value))
        return mapped

    def _refused(self, path: str, place: tuple[int, int], message: str, hint: str) -> Refused:
        self._found.add(path, message, hint, at=place)
        return Refused(place)


def below_of(path: str, name: str) -> str:
    """The path of a field of what stands at `path`; a name too long to be one is cut."""
    short = name if len(name) <= 60 else f"{name[:60]}…"
    return f"{path}.{short}" if path else short


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
