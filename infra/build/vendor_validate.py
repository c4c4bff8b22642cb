"""Write protos/vendor/buf/validate/validate.proto from the descriptor inside the installed protovalidate.

No wheel has the file itself, and rules must be written against exactly the version that checks them. Run it after an
upgrade of protovalidate: `.venv/bin/python infra/build/vendor_validate.py`. A descriptor has no comments: those of the
original are worth reading where it is published.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, message_factory, text_format, timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FieldOptions, FileDescriptorProto
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parents[2]
VENDORED = ROOT / "protos" / "vendor" / "buf" / "validate" / "validate.proto"
HEADER = """\
// Copyright 2023-2026 Buf Technologies, Inc.
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//      http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// Changed: written by infra/build/vendor_validate.py from the descriptor in protovalidate {version}, without the comments
// and without the package options of other languages.
"""
LABELS = {FieldDescriptorProto.LABEL_OPTIONAL: "optional ", FieldDescriptorProto.LABEL_REQUIRED: "required ", FieldDescriptorProto.LABEL_REPEATED: "repeated "}
PREDEFINED = 1160
LAST = 536870911


def shipped() -> FileDescriptorProto:
    """The descriptor that protovalidate checks by, in the terms of google.protobuf."""
    return FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())


def predefined_rules(file: FileDescriptorProto, options: FieldOptions) -> Iterator[str]:
    """The file extends FieldOptions and uses its own extension: read the options by a pool that knows it."""
    pool = descriptor_pool.DescriptorPool()
    for imported in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        pool.AddSerializedFile(imported.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    classes = message_factory.GetMessageClassesForFiles([file.name, *file.dependency], pool)
    read = classes["google.protobuf.FieldOptions"].FromString(options.SerializeToString())
    for extension, value in read.ListFields():
        if extension.number == PREDEFINED:
            for rule in value.cel:
                yield f"({extension.name}).cel = {{ {text_format.MessageToString(rule, as_one_line=True)} }}"


def written_options(file: FileDescriptorProto, field: FieldDescriptorProto) -> str:
    written = list(predefined_rules(file, field.options)) if field.HasField("options") else []
    if field.options.HasField("deprecated"):
        written.insert(0, "deprecated = true")
    if field.options.HasField("packed"):
        written.insert(0, f"packed = {str(field.options.packed).lower()}")
    return f" [{', '.join(written)}]" if written else ""


def type_name(file: FileDescriptorProto, field: FieldDescriptorProto) -> str:
    if field.type_name:
        return field.type_name.removeprefix(f".{file.package}.")
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def map_entry(message: DescriptorProto, field: FieldDescriptorProto) -> DescriptorProto | None:
    return next((e for e in message.nested_type if e.options.map_entry and field.type_name.endswith(f".{message.name}.{e.name}")), None)


def written_field(file: FileDescriptorProto, field: FieldDescriptorProto, *, labelled: bool) -> str:
    label = LABELS[field.label] if labelled else ""
    return f"{label}{type_name(file, field)} {field.name} = {field.number}{written_options(file, field)};"


def written_ranges(ranges: Iterable[DescriptorProto.ExtensionRange | DescriptorProto.ReservedRange]) -> str:
    """Ends are exclusive in a descriptor, inclusive in text."""
    spans = [(r.start, r.end - 1) for r in ranges]
    return ", ".join(f"{first}" if first == last else f"{first} to {'max' if last == LAST else last}" for first, last in spans)


def written_message(file: FileDescriptorProto, message: DescriptorProto) -> Iterator[str]:
    yield f"message {message.name} {{"
    for index, oneof in [(None, None), *enumerate(message.oneof_decl)]:
        fields = [f for f in message.field if (f.oneof_index if f.HasField("oneof_index") else None) == index]
        if oneof is not None:
            yield f"oneof {oneof.name} {{"
        for field in fields:
            if entry := map_entry(message, field):
                yield f"map<{type_name(file, entry.field[0])}, {type_name(file, entry.field[1])}> {field.name} = {field.number};"
            else:
                yield written_field(file, field, labelled=oneof is None)
        if oneof is not None:
            yield "}"
    if message.extension_range:
        yield f"extensions {written_ranges(message.extension_range)};"
    if message.reserved_range:
        yield f"reserved {written_ranges(message.reserved_range)};"
    if message.reserved_name:
        yield "reserved " + ", ".join(f'"{name}"' for name in message.reserved_name) + ";"
    yield "}\n"


def written_enum(enum: EnumDescriptorProto) -> Iterator[str]:
    yield f"enum {enum.name} {{"
    if enum.options.allow_alias:
        yield "option allow_alias = true;"
    yield from (f"{value.name} = {value.number};" for value in enum.value)
    if enum.reserved_range:
        yield "reserved " + ", ".join(f"{r.start}" if r.start == r.end else f"{r.start} to {r.end}" for r in enum.reserved_range) + ";"
    if enum.reserved_name:
        yield "reserved " + ", ".join(f'"{name}"' for name in enum.reserved_name) + ";"
    yield "}\n"


def written_file(file: FileDescriptorProto) -> Iterator[str]:
    yield HEADER.format(version=metadata.version("protovalidate"))
    yield f'syntax = "proto2";\n\npackage {file.package};\n'
    yield from (f'import "{name}";' for name in file.dependency)
    for extension in file.extension:
        yield f"extend {extension.extendee.removeprefix('.')} {{ {written_field(file, extension, labelled=True)} }}\n"
    for message in file.message_type:
        yield from written_message(file, message)
    for enum in file.enum_type:
        yield from written_enum(enum)


def main() -> int:
    VENDORED.parent.mkdir(parents=True, exist_ok=True)
    VENDORED.write_text("\n".join(written_file(shipped())) + "\n")
    return subprocess.run([Path(sys.executable).with_name("buf"), "format", "--write", str(VENDORED)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
