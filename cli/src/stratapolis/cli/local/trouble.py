"""Reading the one line that matters out of a log that ends in trouble."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from stratapolis.cli.local.errors import LocalCityError

LEAST_FREE = 256 << 20
"""Bytes that must be free before anything is started: segments, write-ahead log and room to stop cleanly."""

_KNOWN = (
    (re.compile(r"No space left on device"), "the disk is full: free some space or choose another folder"),
    (re.compile(r"Disk quota exceeded"), "the disk quota is used up: free some space or choose another folder"),
    (re.compile(r"Address already in use"), "its port is taken: stop what listens there or choose another port base"),
    (re.compile(r"Failed to acquire lock|pre-existing shared memory block|lock file .* already exists"), "another one runs on the same folder: stop it first"),
    (re.compile(r"UnsupportedClassVersionError"), "this Java is too old: 17 or newer is needed"),
    (re.compile(r"Cannot allocate memory|insufficient memory"), "there is not enough memory: close something and try again"),
    (re.compile(r"Permission denied"), "it may not read or write its folder: check who owns it"),
    (re.compile(r"Invalid cluster\.id|Stored node id|doesn't match stored"), "the stored data belong to another cluster: wipe both stores with `city reset`"),
)
_LOUD = re.compile(r"\b(FATAL|PANIC|ERROR|Exception|Error|error)\b")


def reason(said: str) -> str:
    """What a log or an error says, with what to do; else its last loud line, else its last."""
    for pattern, meaning in _KNOWN:
        if pattern.search(said):
            return meaning
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    loud = [line for line in lines if _LOUD.search(line)]
    return (loud or lines or ["it said nothing"])[-1][:200]


def in_one_line(log: str, where: Path) -> str:
    """The reason a log gives, and where the whole of it is."""
    return f"{reason(log)} (log: {where})"


def require_space(folder: Path, least: int = LEAST_FREE) -> None:
    """Refuse to start on a disk that is all but full: a store that fills it up cannot even stop cleanly."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    if free < least:
        raise LocalCityError(f"the disk is full: {free >> 20} MB are free for {folder}, {least >> 20} MB are needed; free some space or choose another folder")
