"""JSON Schema of the manifest, for editors: `# yaml-language-server: $schema=...`. Sums and dates across fields are `city validate`'s."""

from __future__ import annotations

from typing import Any

from city.manifest.v1.manifest_pb2 import Manifest

from infra.documents.schema import MANIFEST, definitions


def document() -> dict[str, Any]:
    """The whole schema."""
    parts = definitions([Manifest.DESCRIPTOR], MANIFEST)
    root = parts.pop(Manifest.DESCRIPTOR.full_name)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://stratapolis.example/manifest.schema.json",
        "title": "Stratapolis manifest",
    }
    return head | root | {"$defs": parts}
