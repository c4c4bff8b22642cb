"""The class archive that brings Kafka up in half the time. An archive is good for one Java and one class path only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from stratapolis.cli.local.java import Java

_AOT_SINCE = 25


def path(java: Java, jars: Sequence[Path], cache: Path) -> Path:
    """Where the archive for this Java and these jars lies, once it was recorded."""
    same = hashlib.sha256("\n".join([java.build, str(java.program), *map(str, jars)]).encode()).hexdigest()[:16]
    return cache / "kafka" / f"classes-{same}.{'aot' if java.major >= _AOT_SINCE else 'jsa'}"


def flags(java: Java, jars: Sequence[Path], cache: Path) -> tuple[str, ...]:
    """What makes Java use the archive; nothing while there is none. A broken one is ignored by Java with a warning."""
    archive = path(java, jars, cache)
    if not archive.exists():
        return ()
    return (f"-XX:AOTCache={archive}",) if java.major >= _AOT_SINCE else (f"-XX:SharedArchiveFile={archive}",)


def recording_flags(java: Java, archive: Path) -> tuple[str, ...]:
    """What makes Java write the archive when it stops."""
    return (f"-XX:AOTCacheOutput={archive}",) if java.major >= _AOT_SINCE else (f"-XX:ArchiveClassesAtExit={archive}",)
