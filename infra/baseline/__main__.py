"""`python -m infra.baseline VERSION` keeps what is released today; `--check` holds the migrations against what was."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from infra.baseline import golden, schema
from infra.build.breaking_gate import PROTOS, ROOT, build_image

BASELINES = PROTOS / "baselines"
VERSION = re.compile(r"\d+\.\d+\.\d+")


def keep(version: str, folder: Path = BASELINES) -> list[Path]:
    """Write a version's image, events and migrations; raises FileExistsError for one that was released already."""
    files = [folder / f"{version}.{kind}" for kind in ("binpb", "events.json", "migrations.json")]
    if there := [file for file in files if file.exists()]:
        raise FileExistsError(f"{version} was released already: {there[0].name} is there")
    folder.mkdir(exist_ok=True)
    build_image(PROTOS, files[0])
    golden.written(files[1])
    files[2].write_text(schema.shipped(schema.migrations(ROOT)))
    return files


def main() -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="make baseline VERSION=0.1.0", description="Keep what later versions must not break.")
    parser.add_argument("version", nargs="?", help="three numbers")
    parser.add_argument("--check", action="store_true", help="say which migrations would break a released version")
    asked = parser.parse_args()
    if asked.check:
        found = schema.faults(schema.migrations(ROOT), BASELINES)
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    if not asked.version or not VERSION.fullmatch(asked.version):
        parser.error("say which version: three numbers with points between them")
    try:
        for file in keep(asked.version):
            print(f"baseline: {file.relative_to(ROOT)}")
    except FileExistsError as error:
        sys.stderr.write(f"baseline: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
