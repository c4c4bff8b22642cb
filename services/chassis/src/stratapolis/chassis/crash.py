"""Crash points: named places where a test may kill this very process, as kill -9 would. Inert unless CITY_CRASH_FOLDER names a folder.

A file `<app>.<point>` in that folder arms the point; the process removes it and dies. The end-to-end tests arm them (e2e_tests/README.md).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

POINTS = ("after-effect-before-commit", "while-holding", "after-commit-before-publish", "after-publish-before-mark")
_FOLDER = os.environ.get("CITY_CRASH_FOLDER", "")


def at(point: str, app: str) -> None:
    """Die here if a test has armed this point of this app."""
    if not _FOLDER:
        return
    armed = Path(_FOLDER) / f"{app}.{point}"
    try:
        armed.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
