"""`python -m infra.sabotage`: breaks a copy of the code, patch by patch, and runs the test that must see it.

Nothing is changed but a copy in a temporary folder. First every named test runs on the code as it is, and must pass; then each patch is applied
alone, and its test must fail. Exit status: 0 when every patch was seen; 1 when one was not, or a test did not run; 2 when `--only` names none.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from infra.sabotage.patches import PATCHES
from infra.sabotage.sabotage import Sabotage

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("conftest.py", "pyproject.toml", "infra", "protos", "services", "cli", "examples", "e2e_tests")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
SECONDS = 120
"""How long one test may take: a patch may make it wait for what never comes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make sabotage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this patch only; may be given several times")
    parser.add_argument("--list", action="store_true", help="print the patches, and run nothing")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.only) - {patch.name for patch in PATCHES}):
        print(f"sabotage: no patch named {', '.join(unknown)}; there are {', '.join(patch.name for patch in PATCHES)}")
        return 2
    patches = [patch for patch in PATCHES if not asked.only or patch.name in asked.only]
    if asked.list:
        for patch in patches:
            print(f"{patch.name:<26} {patch.breaks}")
        return 0
    with tempfile.TemporaryDirectory(prefix="stratapolis-sabotage-") as folder:
        return run(patches, Path(folder))


def run(patches: Sequence[Sabotage], folder: Path) -> int:
    """All of them, on a copy in `folder`."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, folder / name)
    print(f"sabotage: {len(patches)} patches; first their tests as the code is", flush=True)
    said = tests(folder, sorted({patch.test for patch in patches}), seconds=SECONDS * 3)
    if said != "green":
        print(f"sabotage: the tests must pass before anything is broken: {said}")
        return 1
    unseen = [patch for patch in patches if not seen(patch, folder)]
    for patch in unseen:
        print(f"sabotage: {patch.name} is not seen by {patch.test}: {patch.breaks}")
    print(f"sabotage: {len(patches) - len(unseen)} of {len(patches)} were seen")
    return 1 if unseen else 0


def seen(patch: Sabotage, folder: Path) -> bool:
    """Break the copy, run the test, mend the copy."""
    file, began = folder / patch.file, time.monotonic()
    right = file.read_text()
    file.write_text(broken(right, patch))
    try:
        said = tests(folder, [patch.test], seconds=SECONDS)
    finally:
        file.write_text(right)
    verdict = {"red": "red, as it should be", "green": "GREEN: nobody noticed"}.get(said, f"NOT RUN: {said}")
    print(f"sabotage: {patch.name:<26} {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    return said == "red"


def broken(text: str, patch: Sabotage) -> str:
    """The text of a file with the patch; raises ValueError when it does not apply in exactly one place."""
    if (found := text.count(patch.old)) != 1:
        raise ValueError(f"{patch.name}: its text stands {found} times in {patch.file}, not once")
    return text.replace(patch.old, patch.new)


def tests(folder: Path, names: Iterable[str], *, seconds: int) -> str:
    """`green`, `red` (a test ran and failed), or why the tests did not run."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = (sys.executable, "-m", "pytest", "-x", "-q", f"--timeout={SECONDS}", f"--junit-xml={report}", *names)
    try:
        done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after {seconds} s"
    if done.returncode == 0:
        return "green"
    suite = ET.parse(report).getroot().find("testsuite") if report.exists() else None  # noqa: S314 - pytest's own file
    if done.returncode == 1 and suite is not None and int(suite.get("failures", "0")) > 0:
        return "red"
    return f"exit status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}"


def environment(folder: Path) -> dict[str, str]:
    """The copy's code goes before the one that .venv links to."""
    sources = [folder, folder / "protos" / "gen", *sorted(path for path in folder.glob("*/src")), *sorted(folder.glob("services/*/src"))]
    ports = os.environ.get("STRATAPOLIS_TEST_BASE", "22000")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources)), "STRATAPOLIS_TEST_BASE": ports, "PYTHONDONTWRITEBYTECODE": "1"}


if __name__ == "__main__":
    sys.exit(main())
