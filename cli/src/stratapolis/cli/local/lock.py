"""One launcher a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from stratapolis.cli.local.errors import LocalCityError


class FolderLock:
    """Held by one process as long as it lives; the kernel lets go of it even after kill -9, so it is never stale."""

    def __init__(self, folder: Path, what: str) -> None:
        self._path, self._what = folder / "lock", what
        self._descriptor: int | None = None

    def take(self) -> None:
        """Raise, naming the holder, when another has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise LocalCityError(f"{self._what} is already running in {self._path.parent} (pid {holder or 'unknown'}); stop it or use another folder") from None
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError:  # a full disk
            self.free()
            raise

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def free(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.free()
