"""A manifest from its text: all faults at once, each with its line, its path and what would be right."""

from __future__ import annotations

from city.manifest.v1.manifest_pb2 import Manifest
from stratapolis.chassis.manifest import rules, sums
from stratapolis.chassis.manifest.faults import Fault, Found, Unreadable
from stratapolis.chassis.manifest.source import parse
from stratapolis.chassis.manifest.walk import walk


def read(text: bytes) -> tuple[Manifest | None, tuple[Fault, ...]]:
    """The manifest, or None and why not. Whatever the bytes are, this does not raise."""
    found, manifest = Found(), Manifest()
    try:
        walk(parse(text, found), manifest, "", found)
    except Unreadable as error:
        return None, tuple(sorted([*found.faults, error.fault]))
    rules.keep(manifest, found)
    sums.keep(manifest, found)
    return (None if found.faults else manifest), found.told()
