"""The contract at run time: topics, keys, readers and access, derived from the options in the protos."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import city
from city.options.v1 import options_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic and who may do what on it."""

    name: str
    writer: str
    readers: frozenset[str]
    partitions: int
    compacted: bool
    retention_hours: int
    max_bytes: int
    package: str
    types: Mapping[str, type[Message]] = field(repr=False)

    def may_read(self, app: str) -> bool:
        """Whether the contract names the app as a reader."""
        return "*" in self.readers or app in self.readers


class NotInContract(Exception):
    """An event, a topic or a reader that the contract does not name."""


@cache
def files() -> tuple[FileDescriptor, ...]:
    """Every file of the contract, loaded."""
    roots = [Path(root) for root in city.__path__]
    names = {".".join(("city", *file.relative_to(root).with_suffix("").parts)) for root in roots for file in root.rglob("*_pb2.py")}
    return tuple(importlib.import_module(name).DESCRIPTOR for name in sorted(names))


@cache
def topics() -> Mapping[str, Topic]:
    """Every topic of the contract, by name."""
    messages = {m.full_name: m for f in files() for m in f.message_types_by_name.values()}
    found = {}
    for file in files():
        option = file.GetOptions().Extensions[options_pb2.topic]
        if not option.name:
            continue
        events = [m for m in file.message_types_by_name.values() if _key(m)] + [messages[name] for name in option.also]
        found[option.name] = Topic(
            name=option.name,
            writer=option.writer,
            readers=frozenset(option.readers),
            partitions=option.partitions,
            compacted=option.cleanup == options_pb2.CLEANUP_COMPACT,
            retention_hours=option.retention_hours,
            max_bytes=option.max_message_bytes,
            package=file.package,
            types={m.full_name: message_factory.GetMessageClass(m) for m in events},
        )
    return found


def topics_of(event: type[Message], *, reader: str) -> tuple[Topic, ...]:
    """The topics that carry an event and that `reader` may read; none is an error."""
    name = event.DESCRIPTOR.full_name
    carrying = [t for t in topics().values() if name in t.types and t.writer != reader]
    if not carrying:
        raise NotInContract(f"no topic carries {name}")
    allowed = tuple(t for t in carrying if t.may_read(reader))
    if not allowed:
        raise NotInContract(f"{reader} is not a reader of {', '.join(t.name for t in carrying)}: name it in the topic option")
    return allowed


@cache
def topic_said(event_name: str, writer: str) -> Topic:
    """The one topic on which `writer` says an event."""
    for topic in topics().values():
        if topic.writer == writer and event_name in topic.types:
            return topic
    raise NotInContract(f"{writer} may not say {event_name}")


def key_of(event: Message) -> str:
    """The key of an event's record: the value of the field that its option names."""
    value = str(getattr(event, _key(event.DESCRIPTOR)))
    if not value:
        raise NotInContract(f"{event.DESCRIPTOR.full_name} has an empty key")
    return value


@cache
def key_field(event_name: str) -> str:
    """The field whose value keys an event's records; raises NotInContract for what is no event."""
    for topic in topics().values():
        if event_name in topic.types:
            return _key(topic.types[event_name].DESCRIPTOR)
    raise NotInContract(f"no topic carries {event_name}")


@cache
def layers() -> tuple[str, ...]:
    """Every layer that writes a topic."""
    return tuple(sorted({t.writer for t in topics().values()}))


def _key(message: Any) -> str:
    options = message.GetOptions()
    return str(options.Extensions[options_pb2.event].key) if options.HasExtension(options_pb2.event) else ""


def names(events: Iterable[type[Message]]) -> list[str]:
    """Full names of events."""
    return [e.DESCRIPTOR.full_name for e in events]
