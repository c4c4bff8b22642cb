"""Services as processes of this machine: supervised, limited, each as a user of its own where we are root. No sandbox: for the local city only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from stratapolis.infrastructure.domain.deployment import Deployment, Process, Seen
from stratapolis.infrastructure.domain.errors import FolderNotUsable
from stratapolis.infrastructure.providers import artefacts, ground, processes
from stratapolis.infrastructure.providers.keys import key_pair
from stratapolis.infrastructure.providers.provider import Artefact, CannotStart

LAUNCH = Path(__file__).with_name("launch.py")
MEBIBYTE = 1 << 20


class NoPort(Exception):
    """Every port for services is taken: one is free again when a service retires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one process may use beside memory. `uid` and its port make the user it runs as; used as root only."""

    open_files: int = 256
    processes: int = 128
    file_mib: int = 256
    log_mib: int = 16
    nice: int = 5
    uid: int = 100_000
    health_seconds: float = 2.0


@dataclass(slots=True)
class ProcessProvider:
    """Runs artefacts as processes below `folder`, on `ports`; `environment` is what every service is told.

    It keeps nothing that must be closed: services go on when it is gone, and the next one with the same folder finds them.
    """

    folder: Path
    ports: range
    environment: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)
    _found: ground.Ground | None = None
    _children: dict[str, int] = field(default_factory=dict)
    _cpu: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def _ground(self) -> ground.Ground:
        """Looked for once; making it may copy a Python, so it is called from threads only."""
        if self._found is None:
            self._found = ground.under(self.folder.absolute())
        return self._found

    def choose_port(self, taken: Collection[int]) -> int:
        """A port that no deployment has and nobody listens on; raises NoPort."""
        for port in self.ports:
            if port not in taken and _is_free(port):
                return port
        raise NoPort(f"all {len(self.ports)} ports for services are taken")

    async def prepare(self, deployment: Deployment) -> str:
        return await asyncio.to_thread(self._prepare, deployment)

    async def start(self, deployment: Deployment, artefact: Artefact) -> Process:
        return await asyncio.to_thread(self._start, deployment, artefact)

    async def look(self, deployment: Deployment) -> Seen:
        """An answer counts only from a process that runs, on its own port."""
        seen = await asyncio.to_thread(self._look, deployment)
        if seen.process is None:
            return seen
        return replace(seen, answers=await _answers(f"http://127.0.0.1:{deployment.port}{deployment.health}", self.limits.health_seconds))

    async def stop(self, deployment: Deployment, *, kill: bool) -> None:
        await asyncio.to_thread(self._signal, deployment.journey_id, self._uid(deployment), signal.SIGKILL if kill else signal.SIGTERM)

    async def remove(self, deployment: Deployment) -> None:
        await asyncio.to_thread(self._remove, deployment.journey_id, self._uid(deployment))

    async def end_orphans(self, known: Collection[str]) -> Sequence[str]:
        return await asyncio.to_thread(self._end_orphans, known)

    def _end_orphans(self, known: Collection[str]) -> Sequence[str]:
        found = [place.name for place in self._ground.folder.iterdir() if place.is_dir() and place.name not in known]
        for journey_id in found:
            self._remove(journey_id, self._owner_of(journey_id))
        return found

    def _place(self, journey_id: str) -> Path:
        return self._ground.folder / journey_id

    def _uid(self, deployment: Deployment) -> int | None:
        if os.geteuid() != 0 or deployment.port is None:
            return None
        return self.limits.uid + deployment.port

    def _owner_of(self, journey_id: str) -> int | None:
        home = self._place(journey_id) / "home"
        return home.stat().st_uid if os.geteuid() == 0 and home.exists() and home.stat().st_uid != 0 else None

    def _prepare(self, deployment: Deployment) -> str:
        place, uid = self._place(deployment.journey_id), self._uid(deployment)
        home = place / "home"
        home.mkdir(parents=True, exist_ok=True)
        place.chmod(0o711)
        home.chmod(0o700)
        if uid is not None:
            os.chown(home, uid, uid)
        return key_pair(place / "key.pem", uid)

    def _start(self, deployment: Deployment, artefact: Artefact) -> Process:
        if (running := self._running(deployment)) is not None:
            return running
        place, uid = self._place(deployment.journey_id), self._uid(deployment)
        self._signal(deployment.journey_id, uid, signal.SIGKILL)  # children that outlived their parent
        try:
            found = artefacts.sum_of(place / "app") if (place / "app").exists() else ""
            if found != artefact.sha256:
                found = artefacts.copy(Path(artefact.folder), place / "app")
        except FolderNotUsable as error:
            raise CannotStart(f"artefact {artefact.name}: {error}") from error
        if found != artefact.sha256:
            artefacts.remove(place / "app")
            raise CannotStart(f"the files of artefact {artefact.name} have changed: sum {found}, registered is {artefact.sha256}")
        argv = [part.replace("{python}", str(self._ground.python)).replace("{folder}", str(place / "app")) for part in artefact.argv]
        plan = {
            "lock": str(place / "lock"), "pid": str(place / "pid"), "cwd": str(place / "home"), "nice": self.limits.nice, "uid": uid, "argv": argv,
            "limits": self._rlimits(deployment, uid),
        }  # fmt: skip
        with (place / "log").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCH), json.dumps(plan)],
                env=self._environment(deployment, place), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=place,
            )  # fmt: skip
        process.returncode = 0  # it may outlive us; whom it leaves is waited for in _reap
        self._children[deployment.journey_id] = process.pid
        return Process(pid=process.pid, started=processes.started_at(process.pid))

    def _rlimits(self, deployment: Deployment, uid: int | None) -> dict[str, int]:
        """Memory is measured at each look; the kernel's limit holds what grows in between. Data are more than what is resident."""
        return {
            "memory_bytes": (2 * deployment.need.each.memory_mib + 256) * MEBIBYTE,
            "stack_bytes": 2 * MEBIBYTE,
            "file_bytes": self.limits.file_mib * MEBIBYTE,
            "open_files": self.limits.open_files,
            "processes": self.limits.processes + (0 if uid is not None else processes.threads_of(os.geteuid())),
            "core_bytes": 0,
        }

    def _environment(self, deployment: Deployment, place: Path) -> dict[str, str]:
        """All that a service is told: nothing of our own environment."""
        own = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(place / "home"), "TMPDIR": str(place / "home"),
            "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "PORT": str(deployment.port), "CITY_SERVICE_ID": deployment.service_id, "CITY_SUBJECT": deployment.subject, "CITY_KEY_FILE": str(place / "key.pem"),
        }  # fmt: skip
        return {**self._ground.environment, **self.environment, **own}

    def _running(self, deployment: Deployment) -> Process | None:
        """The process of the row; or one that was started and never noted, which holds its lock."""
        self._reap(deployment.journey_id)
        if (known := deployment.process) is not None and processes.is_alive(known):
            return known
        place = self._place(deployment.journey_id)
        if not processes.is_locked(place / "lock"):
            return None
        with contextlib.suppress(OSError, ValueError):
            pid = int((place / "pid").read_text())
            found = Process(pid=pid, started=processes.started_at(pid))
            return found if processes.is_alive(found) else None
        return None

    def _reap(self, journey_id: str) -> None:
        """Take note of the end of a child of ours, or it stays as a zombie."""
        pid = self._children.get(journey_id)
        with contextlib.suppress(ChildProcessError):
            if pid is None or os.waitpid(pid, os.WNOHANG)[0] == 0:
                return
        self._children.pop(journey_id, None)

    def _look(self, deployment: Deployment) -> Seen:
        process = self._running(deployment)
        log = self._place(deployment.journey_id) / "log"
        if process is None:
            self._cpu.pop(deployment.journey_id, None)
            return Seen(process=None, last_words=processes.last_words(log))
        if log.exists() and log.stat().st_size > self.limits.log_mib * MEBIBYTE:
            os.truncate(log, 0)
        seconds, resident = processes.usage(processes.session(process.pid))
        now = time.monotonic()
        before, at = self._cpu.get(deployment.journey_id, (seconds, now - 1))
        self._cpu[deployment.journey_id] = (seconds, now)
        return Seen(process=process, cpu_millis=max(0, round(1000 * (seconds - before) / max(now - at, 0.01))), memory_mib=-(-resident // MEBIBYTE))

    def _signal(self, journey_id: str, uid: int | None, number: signal.Signals) -> None:
        """To every process of the service: its session, and as root all of its user, so that none slips away."""
        place = self._place(journey_id)
        pids = {*(processes.of_user(uid) if uid is not None else ()), *processes.left_by(place / "pid", f"CITY_KEY_FILE={place / 'key.pem'}")}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)

    def _remove(self, journey_id: str, uid: int | None) -> None:
        place = self._place(journey_id)
        for _ in range(50):
            self._signal(journey_id, uid, signal.SIGKILL)
            self._reap(journey_id)
            if not processes.is_locked(place / "lock"):
                break
            time.sleep(0.02)
        self._cpu.pop(journey_id, None)
        shutil.rmtree(place, ignore_errors=True)


async def _answers(url: str, seconds: float) -> bool:
    try:
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False, trust_env=False, verify=False) as http:  # noqa: S501 - plain HTTP to this machine: no TLS is set up
            return (await http.get(url)).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
