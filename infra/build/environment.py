"""Make .venv what the lock files and the distributions say; do nothing when it already is.

Run by `make env` with the system's Python (standard library only), before anything is installed.
"""

import argparse
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
LOCKS = ROOT / "infra" / "requirements"
# uv keeps its settings in variables of its own; who has told pip where to look has told uv too.
PIP_TO_UV = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS", "cert": "SSL_CERT_FILE"}


def say(text: str) -> None:
    """Progress, at once, also when piped."""
    print(f"env: {text}", flush=True)


def missing() -> str | None:
    """One line naming what this machine lacks and the command that brings it, or None."""
    if sys.platform not in ("linux", "darwin"):
        return f"{platform.system()} is not supported: use Linux (or macOS as far as it goes); on Windows `wsl --install`"
    if platform.machine() not in ("x86_64", "aarch64", "arm64"):
        return f"{platform.machine()} is not supported: use an x86-64 or arm64 machine"
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        return f"Python's venv module is missing: sudo apt-get install {package}"
    return None


def digest(*paths: Path) -> str:
    """A name for the contents of these files, which of them there are included."""
    seen = hashlib.sha256()
    for path in sorted(paths):
        seen.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()


class Stamp:
    """Remembers, inside .venv, from which inputs a step was last done."""

    def __init__(self, name: str, *inputs: Path) -> None:
        self._file, self._now = VENV / f".{name}.stamp", digest(*inputs)

    def is_fresh(self) -> bool:
        return self._file.exists() and self._file.read_text() == self._now

    def press(self) -> None:
        self._file.write_text(self._now)


def run(*command: str | Path, **environment: str) -> bool:
    """True if the command succeeded; what it prints is shown as it comes."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **environment}, check=False).returncode == 0


def uv_settings() -> dict[str, str]:
    """What pip's configuration says of indexes, in uv's words, where uv has not been told itself."""
    asked = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    said: dict[str, str] = {"VIRTUAL_ENV": str(VENV), "UV_NO_PROGRESS": "0" if sys.stderr.isatty() else "1"}
    for line in asked.stdout.splitlines():
        key, _, value = line.partition("=")
        name = PIP_TO_UV.get(key.rpartition(".")[2])
        if name and name not in os.environ:
            said[name] = value.strip("'\"").replace("\\n", " ").strip()
    return said


def make_venv() -> None:
    """A virtual environment of this Python; one of a vanished or older Python is replaced."""
    works = PYTHON.exists() and subprocess.run([PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"], check=False).returncode == 0
    if not works:
        say(f"making .venv with Python {platform.python_version()}")
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(VENV)


def install_dependencies() -> bool:
    """Everything of dev.txt, by hash, and nothing else; with uv, or with pip where uv cannot."""
    lock = LOCKS / "dev.txt"
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--require-hashes")
    say("fetching uv")
    if run(*pip, "--quiet", "--only-binary=:all:", "-r", LOCKS / "uv.txt"):
        say(f"installing {lock.read_text().count('==')} pinned packages (some 400 MB the first time)")
        if run(UV, "pip", "sync", "--require-hashes", lock, **uv_settings()):
            return True
    say("uv could not; once more with pip, which is slower")
    return run(*pip, "-r", lock)


def install_distributions(projects: "list[Path]") -> bool:
    """The repository's own distributions, editable: their sources are what runs."""
    say(f"linking {len(projects)} distributions of this repository")
    editable = [part for project in projects for part in ("--editable", str(project.parent))]
    flags = ("--quiet", "--no-deps", "--no-build-isolation")
    if UV.exists() and run(UV, "pip", "install", *flags, *editable, **uv_settings()):
        return True
    return run(PYTHON, "-m", "pip", "--disable-pip-version-check", "install", *flags, *editable)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", nargs="*", type=Path, help="pyproject.toml of each distribution to link")
    projects = [path.resolve() for path in parser.parse_args().projects]
    if lack := missing():
        say(lack)
        return 2
    started = time.monotonic()
    dependencies = Stamp("dependencies", LOCKS / "uv.txt", LOCKS / "dev.txt")
    distributions = Stamp("distributions", LOCKS / "dev.txt", *projects)
    if PYTHON.exists() and dependencies.is_fresh() and distributions.is_fresh():
        return 0
    make_venv()
    if not dependencies.is_fresh():
        if not install_dependencies():
            say("could not install; the reason is above (no network? a proxy or index to set, as for pip?)")
            return 1
        dependencies.press()
    if not install_distributions(projects):
        say("could not link the distributions; the reason is above")
        return 1
    distributions.press()
    say(f"ready after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
