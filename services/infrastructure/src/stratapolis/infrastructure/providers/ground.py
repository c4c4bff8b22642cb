"""Where services lie and which Python they get: as root they run as other users, who must be able to walk there."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OUTSIDE = Path("/var/tmp")  # noqa: S108 - survives a restart of the machine, unlike /tmp
SKIPPED = frozenset({"test", "idlelib", "tkinter", "turtledemo", "ensurepip", "__pycache__", ".git"})


class NoGround(Exception):
    """Services cannot be run from here; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The folder of all services, the Python that artefacts call `{python}`, and what it needs in its environment."""

    folder: Path
    python: Path
    environment: dict[str, str] = field(default_factory=dict)


def under(folder: Path) -> Ground:
    """The ground for services whose folder is `folder`.

    Where a folder above it is closed to others (a project in /root), services lie below /var/tmp instead. So does Python, linked
    or copied file by file, with all that it imports; it is made anew when any of that changed.
    """
    if os.geteuid() != 0:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Ground(folder, Path(sys.executable))
    if _nearest(folder):
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder = _elsewhere(folder)
    folder.chmod(0o711)
    libraries = _libraries()
    if all(reachable(each) for each in (Path(sys.executable).resolve(), Path(os.__file__), *libraries)):
        return Ground(folder, Path(sys.executable))
    return Ground(folder, *_python(libraries))


def reachable(path: Path) -> bool:
    """May every user walk to it?"""
    return all(each.stat().st_mode & stat.S_IXOTH for each in path.parents)


def outside(name: str) -> Path:
    """A folder of ours in a place that everybody may write to: one that another user has put there is refused."""
    folder = OUTSIDE / name
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NoGround(f"{folder} is not ours: remove it, or put the city into a folder that every user may walk to")
    folder.chmod(0o755)
    return folder


def _elsewhere(folder: Path) -> Path:
    """A folder below /var/tmp; `elsewhere` in the one that was asked for says which, for whoever wipes it."""
    found = outside(f"stratapolis-services-{_digest(str(folder))}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "elsewhere").write_text(f"{found}\n")
    return found


def _nearest(folder: Path) -> bool:
    """Could every user walk to a folder that may have to be made first?"""
    there = folder
    while not there.exists():
        there = there.parent
    return reachable(there / "within")


def _libraries() -> list[Path]:
    """What this process imports from, beyond the standard library."""
    standard = Path(os.__file__).parent
    found = [Path(each) for each in sys.path if each]
    return [each for each in found if each.is_dir() and (standard not in (each, *each.parents) or each.name == "site-packages")]


def _python(libraries: list[Path]) -> tuple[Path, dict[str, str]]:
    """A Python that every user reaches, and the environment in which it imports what ours does."""
    standard, program = Path(os.__file__).parent, Path(sys.executable).resolve()
    trees = [standard, *(each for each in libraries if not reachable(each))]
    home = outside(f"stratapolis-python-{_digest(*(f'{path} {path.stat().st_mtime_ns}' for tree in trees for path in _files(tree)))}")
    at = home / "lib" / standard.name
    paths = {tree: at if tree == standard else home / f"path{index}" for index, tree in enumerate(trees)}
    if not (home / "whole").exists():
        _link(program, home / "bin" / program.name)
        for shared in program.parent.with_name("lib").glob("libpython*"):
            _link(shared.resolve(), home / "lib" / shared.name)
        for tree, to in paths.items():
            for path in _files(tree):
                _link(path, to / path.relative_to(tree))
        (home / "whole").touch()
    imports = os.pathsep.join(str(paths.get(each, each)) for each in libraries)
    return home / "bin" / program.name, {"PYTHONPATH": imports, "LD_LIBRARY_PATH": str(home / "lib")}


def _files(tree: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(tree):
        names[:] = sorted(name for name in names if name not in SKIPPED and not (name == "site-packages" and Path(folder) == tree))
        yield from (path for name in sorted(files) if not (path := Path(folder, name)).is_symlink())


def _link(path: Path, to: Path) -> None:
    """The same file where the file system can, else a copy."""
    if to.exists():
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not path.stat().st_mode & stat.S_IROTH:
            raise PermissionError
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
        to.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
