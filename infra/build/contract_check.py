"""What every contract must say, beyond what buf knows: access, idempotency, paging, topics, events, personal data.

Default is deny: what has no option fails here, before any code can rely on it. Comments and names are buf's (protos/buf.yaml).
"""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from city.options.v1 import options_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
LAYERS = ("value_catalog", "innovation", "governance", "policy", "data", "connectivity", "infrastructure")
EVERYBODY = "*"
OUR_PACKAGE = "city."
AUDITOR, DENIAL = "connectivity", "city.audit.v1.AccessDenied"
TEXT = FieldDescriptor.TYPE_STRING


def compiled(folder: Path) -> list[FileDescriptor]:
    """The files of a folder's `city` tree, linked; raises CalledProcessError, its reason printed, if they do not compile."""
    with tempfile.TemporaryDirectory() as scratch:
        image, well_known = Path(scratch, "image"), files("grpc_tools") / "_proto"
        names = sorted(path.relative_to(folder).as_posix() for path in (folder / "city").rglob("*.proto"))
        includes = [f"-I{path}" for path in (folder, PROTOS, PROTOS / "vendor", well_known)]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *includes, "--include_imports", f"-o{image}", *names], check=True)
        described = FileDescriptorSet.FromString(image.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.AddSerializedFile(file.SerializeToString())
    return [pool.FindFileByName(name) for name in names]


def messages(file: FileDescriptor) -> Iterator[Descriptor]:
    """All messages of a file, nested ones too, without the entries of maps."""
    pending = list(file.message_types_by_name.values())
    while pending:
        message = pending.pop()
        pending += message.nested_types
        if not message.GetOptions().map_entry:
            yield message


def reached(message: Descriptor) -> set[Descriptor]:
    """The message and all that its fields lead to."""
    seen: set[Descriptor] = set()
    pending = [message]
    while pending:
        if (at := pending.pop()) not in seen:
            seen.add(at)
            pending += [field.message_type for field in at.fields if field.message_type is not None]
    return seen


def event(message: Descriptor) -> options_pb2.Event | None:
    """The event option of a message, if it has one."""
    options = message.GetOptions()
    return options.Extensions[options_pb2.event] if options.HasExtension(options_pb2.event) else None


def topic(file: FileDescriptor) -> options_pb2.Topic | None:
    """The topic option of a file, if it has one."""
    options = file.GetOptions()
    return options.Extensions[options_pb2.topic] if options.HasExtension(options_pb2.topic) else None


def events(file: FileDescriptor) -> list[Descriptor]:
    """The published facts of a file."""
    return [message for message in messages(file) if event(message) is not None]


def check_access(method: MethodDescriptor) -> Iterator[str]:
    """Who may call is said, fully: default is deny."""
    access: options_pb2.Access = method.GetOptions().Extensions[options_pb2.access]
    if not access.allow:
        yield f"{method.full_name}: no access option says who may call it"
    if options_pb2.CALLER_UNSPECIFIED in access.allow:
        yield f"{method.full_name}: access allows CALLER_UNSPECIFIED"
    if (options_pb2.CALLER_ROLE in access.allow) != bool(access.roles):
        yield f"{method.full_name}: CALLER_ROLE and roles belong together"
    if options_pb2.CALLER_PUBLIC in access.allow and len(access.allow) > 1:
        yield f"{method.full_name}: CALLER_PUBLIC lets everybody in; the other ways in say nothing"


def has(message: Descriptor, name: str, kind: int, *, repeated: bool = False) -> bool:
    """Does the message have this field, of this type?"""
    field = message.fields_by_name.get(name)
    return field is not None and field.type == kind and field.is_repeated == repeated


def check_shape(method: MethodDescriptor) -> Iterator[str]:
    """Safe to repeat, and paged where it lists."""
    reads = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    asked, answered = method.input_type, method.output_type
    has_request_id = has(asked, "request_id", TEXT)
    if not reads and not has_request_id:
        yield f"{method.full_name}: neither idempotency_level = NO_SIDE_EFFECTS nor a string request_id in {asked.name}"
    if reads and has_request_id:
        yield f"{method.full_name}: NO_SIDE_EFFECTS needs no request_id"
    if method.client_streaming:
        yield f"{method.full_name}: no client streaming; take a batch and answer with a result per item"
    if method.server_streaming and not ("cursor" in asked.fields_by_name and "cursor" in answered.fields_by_name):
        yield f"{method.full_name}: a stream that is cut is resumed: {asked.name} and {answered.name} need a cursor"
    if method.name.startswith("List"):
        if not has(asked, "page_size", FieldDescriptor.TYPE_INT32) or not has(asked, "page_token", TEXT):
            yield f"{method.full_name}: {asked.name} needs int32 page_size and string page_token"
        if not has(answered, "next_page_token", TEXT):
            yield f"{method.full_name}: {answered.name} needs string next_page_token"


def check_topic(file: FileDescriptor, stated: options_pb2.Topic, known_events: set[str]) -> Iterator[str]:
    """A topic can be made, and its access decided, from the option alone."""
    layer = file.package.split(".")[1]
    missing = [name for name in ("name", "writer", "readers", "partitions", "cleanup", "max_message_bytes") if not getattr(stated, name)]
    if missing:
        yield f"{file.name}: the topic says nothing of {', '.join(missing)}"
    if stated.name and not (stated.name.startswith(f"city.{layer}.") and stated.name.endswith(".v1")):
        yield f"{file.name}: topic {stated.name} must read city.{layer}[.<what>].v1"
    if stated.writer and stated.writer != layer:
        yield f"{file.name}: {stated.writer} may not write a topic of {layer}"
    yield from (f"{file.name}: {reader} is no layer that could read" for reader in stated.readers if reader not in (*LAYERS, EVERYBODY))
    if EVERYBODY in stated.readers and len(stated.readers) > 1:
        yield f"{file.name}: `*` is every layer; name no other reader"
    yield from (f"{file.name}: the topic also lists {name}, which is no event" for name in stated.also if name not in known_events)
    if stated.partitions < 0 or stated.retention_hours < 0 or stated.max_message_bytes < 0:
        yield f"{file.name}: the topic has a negative number"


def check_audited(files: list[FileDescriptor]) -> Iterator[str]:
    """What a layer's RPCs deny is told to the audit trail, which connectivity keeps and writes itself."""
    told = {found.writer for file in files if (found := topic(file)) is not None and DENIAL in found.also and AUDITOR in found.readers}
    answering = {file.package.split(".")[1] for file in files if file.services_by_name}
    for layer in sorted(answering & set(LAYERS) - told - {AUDITOR}):
        yield f"city.{layer}.v1: nobody hears what its RPCs deny: say a topic with {DENIAL} that {AUDITOR} reads, as governance's denials.proto does"


def check_events(file: FileDescriptor) -> Iterator[str]:
    """Each event has a key that is there, and carries nothing about a person."""
    for message in events(file):
        stated = event(message)
        if stated is not None and not has(message, stated.key, TEXT):
            yield f"{message.full_name}: its key `{stated.key}` is no string field of it"
        for carried in reached(message):
            for field in carried.fields:
                if field.GetOptions().Extensions[options_pb2.personal]:
                    yield f"{message.full_name}: an event may not carry personal {field.full_name}"


def check_homes(files: list[FileDescriptor]) -> Iterator[str]:
    """Each topic has one file, each event a topic, and a topic's file nothing but its events and what they are made of."""
    stated = [(file, found) for file in files if (found := topic(file)) is not None]
    names = Counter(found.name for _, found in stated)
    yield from (f"topic {name} is said by {count} files" for name, count in names.items() if count > 1)
    carried = {name for _, found in stated for name in found.also}
    for file in files:
        published = events(file)
        if topic(file) is None:
            if Path(file.name).name == "events.proto":
                yield f"{file.name}: no topic option"
            yield from (f"{message.full_name}: an event on no topic" for message in published if message.full_name not in carried)
        else:
            used = {part for message in published for part in reached(message)}
            strays = [message for message in file.message_types_by_name.values() if message not in used]
            yield from (f"{message.full_name}: neither an event nor used by one of this file" for message in strays)


def faults(files: list[FileDescriptor]) -> list[str]:
    """All that is wrong, a line each."""
    ours = [file for file in files if file.package.startswith(OUR_PACKAGE)]
    known_events = {message.full_name for file in ours for message in events(file)}
    found = [*check_homes(ours), *check_audited(ours)]
    for file in ours:
        for service in file.services_by_name.values():
            for method in service.methods:
                found += [*check_access(method), *check_shape(method)]
        if (stated := topic(file)) is not None:
            found += check_topic(file, stated, known_events)
        found += check_events(file)
    return sorted(found)


def main() -> int:
    found = faults(compiled(PROTOS))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
