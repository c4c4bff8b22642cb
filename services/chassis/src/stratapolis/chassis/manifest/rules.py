"""The contract's own rules on a manifest, each broken one at its line, with what the contract says of the field."""

from __future__ import annotations

from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis.manifest.explain import meaning
from stratapolis.chassis.manifest.faults import Found
from stratapolis.chassis.manifest.spelling import camel
from stratapolis.chassis.validation import broken_rules


def keep(manifest: Manifest, found: Found) -> None:
    """Tell of every rule that is broken, except where the value has been found at fault already."""
    for broken in () if found.full else broken_rules(manifest):
        path = ".".join(camel_of(part) for part in broken.path.split("."))
        if not found.full and not found.is_spoilt(path):
            found.add(path, broken.message, meaning(path) or meaning(path.rpartition(".")[0]))


def camel_of(part: str) -> str:
    """One step of a path: `cpu_millis` as `cpuMillis`, an index stays."""
    name, bracket, index = part.partition("[")
    return camel(name) + bracket + index
