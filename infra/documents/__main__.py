"""`python -m infra.documents` writes docs/contract; with `--check` it says what there is not in step, and writes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from infra.documents import asyncapi, manifest, measured, pages

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "contract"


def documents() -> Mapping[str, str]:
    """Every document by its file's name."""
    return {
        "asyncapi.yaml": "# Made by `make documents` from the contract and the wiring; changed there.\n"
        + yaml.safe_dump(asyncapi.document(), sort_keys=False, allow_unicode=True, width=160),
        "manifest.schema.json": json.dumps(manifest.document(), indent=2, ensure_ascii=False) + "\n",
        "events.md": pages.events(),
        "metrics.md": measured.page(),
        "refusals.md": pages.refusals(),
        "topology.md": pages.topology(),
    }


def main() -> int:
    stale = [name for name, text in documents().items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text]
    strays = sorted({path.name for path in FOLDER.glob("*")} - set(documents()))
    if "--check" in sys.argv:
        for name in (*stale, *strays):
            print(f"docs/contract/{name} is not what the contract says: make documents")
        return 1 if stale or strays else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text)
    for name in strays:
        (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
