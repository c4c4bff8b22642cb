"""Apache Kafka's jars: fetched once by coordinate, checked by sum, kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from stratapolis.cli.local.errors import LocalCityError

LOCK = Path(__file__).with_name("kafka.lock")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Jar:
    """A line of the lock file: what to fetch and the sum it must have."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


Fetch = Callable[[Jar, Path], Path]
"""Brings a jar into a folder for its own use and says where it lies."""

Progress = Callable[[int, int], None]
"""Told how many of how many are there."""


def locked(path: Path = LOCK) -> tuple[Jar, ...]:
    """The jars of the lock file; their order is that of the class path."""
    jars = []
    for line in path.read_text().splitlines():
        coordinate, sha256 = line.split(" ")
        group, artifact, version = coordinate.split(":")
        jars.append(Jar(group, artifact, version, sha256))
    return tuple(jars)


def default_cache() -> Path:
    """`$STRATAPOLIS_CACHE`, else `.cache/` of the project we stand in, else of the working folder; jars lie in its `kafka/`."""
    if chosen := os.environ.get("STRATAPOLIS_CACHE"):
        return Path(chosen).absolute()
    here = Path.cwd()
    root = next((each for each in (here, *here.parents) if (each / ".git").exists()), here)
    return root / ".cache"


def from_repository(jar: Jar, into: Path) -> Path:
    """One jar by its coordinate, never resolved: resolving may quietly choose another version."""
    from jgo.maven import MavenContext  # noqa: PLC0415  # a quarter of a second, and only the first run fetches

    found = MavenContext(repo_cache=into, timeout=30).project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    return Path(found)


def ensure(cache: Path, *, jars: Sequence[Jar] | None = None, fetch: Fetch = from_repository, progress: Progress | None = None) -> tuple[Path, ...]:
    """Every locked jar, there and whole, in class-path order. Fetches only what is missing; blocks.

    Kept jars are checked again by their sums: a damaged one is fetched anew, never run.
    """
    wanted = locked() if jars is None else jars
    folder = cache / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in wanted if not _whole(folder / jar.file_name, jar)]
    if missing:
        _bring(missing, folder, fetch, progress)
    return tuple(folder / jar.file_name for jar in wanted)


def _bring(missing: Sequence[Jar], folder: Path, fetch: Fetch, progress: Progress | None) -> None:
    if progress:
        progress(0, len(missing))
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as scratch, ThreadPoolExecutor(8) as pool:
        tasks = [pool.submit(_one, jar, Path(scratch) / f"{number}", folder, fetch) for number, jar in enumerate(missing)]
        try:
            for done, task in enumerate(as_completed(tasks), start=1):
                task.result()
                if progress:
                    progress(done, len(missing))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _one(jar: Jar, scratch: Path, folder: Path, fetch: Fetch) -> None:
    """Fetch, check, and only then move it where others look for it."""
    for attempt in range(1, _TRIES + 1):
        own = scratch / str(attempt)
        own.mkdir(parents=True)
        try:
            found = fetch(jar, own)
        except OSError as error:
            if attempt == _TRIES:
                raise _unfetched(jar, error) from error
            continue
        except Exception as error:
            raise _unfetched(jar, error) from error
        if not _whole(found, jar):
            raise LocalCityError(f"{jar} is not what kafka.lock says (its SHA-256 differs), so it is not used; a proxy may have changed it: try again")
        found.replace(folder / jar.file_name)
        shutil.rmtree(own, ignore_errors=True)
        return


def _unfetched(jar: Jar, error: Exception) -> LocalCityError:
    why = " ".join(str(error).split())[:160] or type(error).__name__
    return LocalCityError(f"Kafka's jar {jar} could not be fetched ({why}); check the connection to Maven Central and try again")


def _whole(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False
