"""Pages for people: the events, the refusals, and a picture of who hears whom."""

from __future__ import annotations

import re
from collections.abc import Iterator

from city.options.v1 import options_pb2
from google.protobuf.descriptor import EnumDescriptor, MethodDescriptor
from stratapolis.chassis import contract
from stratapolis.chassis.app import App
from stratapolis.chassis.comments import comments
from stratapolis.chassis.contract import Topic

from infra.documents.wired import apps, edges, hearers

MADE = "<!-- Made by `make documents` from the contract and the wiring; changed there. -->\n\n"
UNSPECIFIED = 0


def events() -> str:
    """Every topic with its events: what keys them, who hears them, what they say."""
    return MADE + "# Events\n\n" + "\n".join(_topic(topic) for _, topic in sorted(contract.topics().items()))


def _topic(topic: Topic) -> str:
    keeps = "the newest of each key" if topic.compacted else f"{topic.retention_hours} hours" if topic.retention_hours else "everything"
    rows = [
        f"| `{_short(name)}` | `{contract.key_field(name)}` | {', '.join(hearers(topic.name, name)) or 'nobody yet'} | {_cell(comments()[name].removeprefix(_short(name)).strip())} |"
        for name in sorted(topic.types)
    ]
    head = f"## {topic.name}\n\nWritten by {topic.writer}; {topic.partitions} partition{'s' if topic.partitions > 1 else ''}; keeps {keeps}.\n\n| event | key | heard by | |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def refusals() -> str:
    """Every reason a layer refuses with, and an example of each."""
    enums = [enum for file in contract.files() for enum in file.enum_types_by_name.values() if enum.name == "ErrorReason"]
    return (
        MADE
        + "# Refusals\n\nThe `reason` in the `ErrorInfo` of a refused call, and the code of a layer's reason in a rejection.\n\n"
        + "\n".join(map(_reasons, enums))
    )


def _reasons(enum: EnumDescriptor) -> str:
    whose = enum.file.package.split(".")[1]
    rows = []
    for value in enum.values:
        if value.number != UNSPECIFIED:
            reason = value.name.removeprefix("ERROR_REASON_")
            meaning, _, example = comments()[f"{enum.full_name}.{value.name}"].removeprefix(f"{value.name}: ").partition(" Example: ")
            rows.append(f"| `{reason}` | {_cell(meaning)} | {_cell(example)} |")
    return f"## {'every layer' if whose == 'types' else whose}\n\n| reason | means | such as |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def topology() -> str:
    """Who hears whom, as the layers are wired."""
    lines = ["```mermaid", "flowchart LR"]
    pairs: dict[tuple[str, str], list[str]] = {}
    for edge in edges():
        topic = contract.topics()[edge.topic]
        if not edge.is_followed and topic.writer != edge.hearer:
            pairs.setdefault((topic.writer, edge.hearer), []).append(_short(edge.event))
    lines += [f"  {writer} -- {len(names)} --> {hearer}" for (writer, hearer), names in sorted(pairs.items())]
    lines.append("```")
    followed = sorted({(contract.topics()[edge.topic].writer, _short(edge.event), edge.topic) for edge in edges() if edge.is_followed})
    text = "# Topology\n\nEach arrow is labelled with how many kinds of events one layer hears of another.\n\n" + "\n".join(lines)
    text += "\n\n| says | hears | events |\n|---|---|---|\n" + "\n".join(
        f"| {w} | {h} | {', '.join(sorted(names))} |" for (w, h), names in sorted(pairs.items())
    )
    text += "\n\nFollowed to the end before a process is ready: " + "; ".join(f"`{event}` of {writer} (`{topic}`)" for writer, event, topic in followed) + ".\n"
    return MADE + text + "\n" + "\n".join(_faces(layer, app) for layer, app in sorted(apps().items()))


def _faces(layer: str, app: App) -> str:
    rows = [row for answers in app.answers for row in _rpcs(list(answers.service.methods))]
    return f"## {layer}\n\n| RPC | who may call | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _rpcs(methods: list[MethodDescriptor]) -> Iterator[str]:
    for method in methods:
        access = method.GetOptions().Extensions[options_pb2.access]
        ways = [options_pb2.Caller.Name(way).removeprefix("CALLER_").lower() for way in access.allow]
        who = ", ".join(f"{way} {' or '.join(access.roles)}" if way == "role" else way for way in ways)
        yield f"| `{method.containing_service.name}.{method.name}` | {who} | {_cell(comments()[method.full_name].removeprefix(method.name).strip())} |"


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _cell(text: str) -> str:
    return re.sub(r"\|", r"\\|", text)
