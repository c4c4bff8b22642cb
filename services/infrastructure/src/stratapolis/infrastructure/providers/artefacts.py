"""The files of an artefact: their sum, and a copy that nobody changes between the check and the start."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from stratapolis.infrastructure.domain.errors import FolderNotAllowed, FolderNotUsable

MOST_FILES = 5_000
MOST_BYTES = 64 << 20
IGNORED = "__pycache__"
USABLE = re.compile(r"[A-Za-z0-9._+@=,-]+")


def allowed(folder: str, roots: Sequence[Path]) -> Path:
    """The folder, every link resolved, if it lies below one of the roots; raises FolderNotAllowed."""
    resolved = Path(folder).resolve()
    if not any(root.resolve() in (resolved, *resolved.parents) for root in roots):
        raise FolderNotAllowed(f"{folder} is not below a root for artefacts: {', '.join(map(str, roots)) or 'none is set'}")
    return resolved


def sum_of(folder: Path) -> str:
    """The sum over a folder's files, as sha256sum of what sha256sum prints for each, sorted by path; raises FolderNotUsable."""
    total = hashlib.sha256()
    for path, name in _files(folder):
        with path.open("rb") as file:
            total.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  ./{name}\n".encode())
    return total.hexdigest()


def copy(folder: Path, to: Path) -> str:
    """A copy that everybody may read and only we may change; returns its sum. Made aside and moved in whole."""
    fresh = to.with_name(f"{to.name}.new")
    remove(fresh)
    fresh.mkdir(parents=True)
    for path, name in _files(folder):
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target, follow_symlinks=False)
        target.chmod(0o555)
    for each in (fresh, *(path for path in fresh.rglob("*") if path.is_dir())):
        each.chmod(0o755)
    remove(to)
    fresh.rename(to)
    return sum_of(to)


def remove(folder: Path) -> None:
    """Remove a folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file and its path below the folder, in the order of the bytes of `./path`."""
    found = sorted(_walk(folder, folder), key=lambda pair: pair[1].encode())
    if not found:
        raise FolderNotUsable(f"{folder} has no files")
    if len(found) > MOST_FILES or sum(path.stat().st_size for path, _ in found) > MOST_BYTES:
        raise FolderNotUsable(f"{folder} has more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB")
    return iter(found)


def _walk(folder: Path, top: Path) -> Iterator[tuple[Path, str]]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise FolderNotUsable(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        mode = entry.stat(follow_symlinks=False).st_mode
        path = Path(entry.path)
        if not USABLE.fullmatch(entry.name) and entry.name != IGNORED:
            raise FolderNotUsable(f"{path} has a name with other than letters, digits and ._+@=,- in it")
        if stat.S_ISDIR(mode):
            if entry.name != IGNORED:
                yield from _walk(path, top)
        elif stat.S_ISREG(mode):
            yield path, path.relative_to(top).as_posix()
        else:
            raise FolderNotUsable(f"{path} is a link or a special file: an artefact has plain files only")
