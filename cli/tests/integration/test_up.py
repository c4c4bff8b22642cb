"""`city up` as a person runs it, where it cannot come up: one clear line, an exit code that is not 0, and nothing left running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from stratapolis.cli.local import ground
from stratapolis.cli.local.city import wipe
from stratapolis.cli.local.ports import CityPorts

CITY = Path(sys.executable).with_name("city")
SECONDS = 180
FAKE_JAVA = """#!/bin/sh
[ "$1" = -version ] && echo 'openjdk version "21"' >&2 && exit 0
echo 'java.lang.Error: broken on purpose' >&2
exit 1
"""


@pytest.fixture(name="ports")
def free_ports(ports: CityPorts) -> CityPorts:
    """Ports that the stores of other tests do not hold."""
    return CityPorts(ports.base + 50)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may walk to, so that nothing lies elsewhere."""
    with tempfile.TemporaryDirectory(prefix="city-up-", dir="/var/tmp") as made:
        place = Path(made) / "city"
        place.mkdir()
        yield place
        wipe(place)


def up(folder: Path, ports: CityPorts, **environment: str) -> str:
    """What `city up` says when it fails; it must end by itself, say why in its last line, and leave nothing behind."""
    argv = [str(CITY), "up", "--folder", str(folder), "--base", str(ports.base), "--no-logs"]
    ended = subprocess.run(argv, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert ended.returncode not in (0, -9), ended
    assert "Traceback" not in ended.stderr, ended.stderr
    assert left(folder) == []
    return ended.stderr.strip().splitlines()[-1]


def left(folder: Path) -> list[list[str]]:
    """Command lines of processes that have to do with a folder."""
    running = psutil.process_iter(["cmdline", "cwd"])
    return [each.info["cmdline"] for each in running if any(str(folder) in part for part in (*(each.info["cmdline"] or ()), each.info["cwd"] or ""))]


@pytest.mark.parametrize("what", ["Kafka", "Kafka's controller", "PostgreSQL", "governance (gRPC)", "data (HTTP)"])
def test_a_port_that_is_taken_is_named_with_its_holder(folder: Path, ports: CityPorts, what: str) -> None:
    number = next(port for port, named in ports.all.items() if named == what)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", number))
        taken.listen()
        said = up(folder, ports)
    assert f"{number} for {what} is held by" in said
    assert f"(pid {os.getpid()})" in said


def test_a_kafka_that_does_not_start_is_named_with_its_reason(folder: Path, ports: CityPorts) -> None:
    java = folder.parent / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(FAKE_JAVA)
    java.chmod(0o755)
    said = up(folder, ports, JAVA_HOME=str(java.parents[1]))
    assert "kafka" in said.lower()
    assert "broken on purpose" in said


def test_a_postgresql_that_does_not_start_is_named_with_its_reason(folder: Path, ports: CityPorts) -> None:
    (folder / "postgres").mkdir()
    data = ground.under(folder / "postgres").data
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text(f"{ground.major_version()}\n")
    said = up(folder, ports)
    assert "postgres" in said
    assert "log: " in said


def test_a_disk_that_is_full_is_named(ports: CityPorts) -> None:
    with ExitStack() as after:
        disk = Path(tempfile.mkdtemp(prefix="city-up-", dir="/var/tmp"))
        after.callback(disk.rmdir)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m,mode=755", "none", str(disk)], check=False).returncode:
            pytest.skip("only root may mount a small disk")
        after.callback(subprocess.run, ["umount", str(disk)], check=True)
        assert "the disk is full: " in up(disk / "city", ports)


def test_a_folder_that_cannot_be_written_is_named(folder: Path, ports: CityPorts) -> None:
    in_the_way = folder / "kafka"
    in_the_way.write_text("no folder")
    try:
        assert str(in_the_way) in up(folder, ports)
    finally:
        in_the_way.unlink()
