"""Processes as the kernel shows them: who lives, who holds a lock, what they use."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable
from pathlib import Path

import psutil
from stratapolis.infrastructure.domain.deployment import Process

SAME_SECOND = 1.0
"""A number is not given out twice within a second, but the clock that start times are told by may be set."""
CONTROL = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")


def started_at(pid: int) -> float:
    """When it began; 0 if there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def is_alive(process: Process) -> bool:
    """Does this very process run? One that is dead and not yet buried does not."""
    try:
        found = psutil.Process(process.pid)
        return abs(found.create_time() - process.started) < SAME_SECOND and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_locked(lock: Path) -> bool:
    """Does a process that inherited the lock still run?"""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def session(leader: int) -> list[int]:
    """The processes of a session, its leader first if it lives; never our own session."""
    if leader == os.getsid(0):
        return []
    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader:
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return sorted(found, key=lambda pid: pid != leader)


def left_by(noted: Path, mark: str) -> list[int]:
    """The session whose leader noted its number in a file, so far as it is the same: a number may be another's by now.

    The leader must have begun before the file was written; where it is dead, its children must have the mark in their environment.
    """
    try:
        leader, at = int(noted.read_text()), noted.stat().st_mtime
    except (OSError, ValueError):
        return []
    found = session(leader)
    if found and found[0] == leader:
        return found if started_at(leader) <= at + SAME_SECOND else []
    return [pid for pid in found if _has(pid, mark)]


def _has(pid: int, mark: str) -> bool:
    name, _, value = mark.partition("=")
    try:
        return psutil.Process(pid).environ().get(name) == value
    except psutil.Error:
        return False


def of_user(uid: int) -> list[int]:
    """The processes of a user, who is never root or ourselves."""
    if uid in {0, os.getuid()}:
        return []
    found = []
    for process in psutil.process_iter():
        try:
            if process.uids().real == uid:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def threads_of(uid: int) -> int:
    """How many threads a user has now: the kernel counts them together against its limit."""
    total = 0
    for process in psutil.process_iter():
        try:
            if process.uids().real == uid:
                total += process.num_threads()
        except psutil.Error:
            continue
    return total


def usage(pids: Iterable[int]) -> tuple[float, int]:
    """CPU seconds so far and resident bytes now, of all of them."""
    seconds, resident = 0.0, 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            times = process.cpu_times()
            seconds += times.user + times.system
            resident += process.memory_info().rss
        except psutil.Error:
            continue
    return seconds, resident


def last_words(log: Path) -> str:
    """The last line that a service wrote, made safe to show."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return CONTROL.sub(" ", lines[-1])[:200] if lines else ""
