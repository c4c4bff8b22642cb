from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from stratapolis.cli.local import record
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.process import descendants, started_at, still_there
from stratapolis.cli.local.record import Recorded
from stratapolis.cli.local.supervisor import Supervisor

from cli.tests.integration.sleepers import a_child

PROGRAM = Path(__file__).with_name("sleepers.py")


def until(condition: Callable[[], bool], *, within: float = 20.0) -> None:
    """Wait for a condition, bounded."""
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.02)


class Launcher:
    """`sleepers.py` as a process of its own."""

    def __init__(self, folder: Path, *stages: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), str(folder), *stages], stdout=subprocess.PIPE, text=True)

    def said_until(self, word: str) -> list[str]:
        """Its lines up to the first with this word, or to its end."""
        lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line.strip())
            if word in line:
                break
        return lines

    def ends(self) -> tuple[int, list[str]]:
        lines = self.said_until("\0")
        return self.process.wait(20), lines


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Launcher]]:
    with ExitStack() as stack:

        def launch(*stages: str) -> Launcher:
            launcher = Launcher(tmp_path, *stages)
            stack.callback(launcher.process.wait, 20)
            stack.callback(launcher.process.kill)
            if launcher.process.stdout is not None:
                stack.callback(launcher.process.stdout.close)
            return launcher

        yield launch


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[tuple[Supervisor, list[str]]]:
    said: list[str] = []
    async with Supervisor(tmp_path, say=said.append, echo=said.append) as supervisor:
        yield supervisor, said
    assert said[-1] == "all stopped, nothing is left running"


async def come_about(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # the condition is another process's
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_in_reverse_order_and_leaves_nothing(launch: Callable[..., Launcher], number: signal.Signals) -> None:
    launcher = launch("a:sleep", "b:sleep,c:sleep", "d:sleep")
    launcher.said_until("ready")
    running = record.read(launcher.folder)
    assert [each.name for each in running if each.alive] == ["a", "b", "c", "d"]
    launcher.process.send_signal(number)
    status, said = launcher.ends()
    assert (status, said[-1]) == (0, "all stopped, nothing is left running")
    ended = (launcher.folder / "ends").read_text().split()
    assert (ended[0], set(ended[1:3]), ended[3]) == ("d", {"b", "c"}, "a")
    assert not any(each.alive for each in running)
    assert record.read(launcher.folder) == ()


def test_one_that_will_not_stop_is_killed_in_time(launch: Callable[..., Launcher]) -> None:
    launcher = launch("a:stubborn")
    launcher.said_until("ready")
    (running,) = record.read(launcher.folder)
    launcher.process.terminate()
    began = time.monotonic()
    assert launcher.ends()[0] == 0
    assert time.monotonic() - began < 5
    assert not running.alive


def test_what_a_child_left_behind_is_ended_too(launch: Callable[..., Launcher]) -> None:
    launcher = launch("a:parent")
    launcher.said_until("ready")
    (running,) = record.read(launcher.folder)
    (grandchild,) = record_of_children(running.pid)
    os.kill(running.pid, signal.SIGKILL)
    said = launcher.said_until("is back")
    assert any("a died: killed with SIGKILL (log: " in line for line in said)
    assert still_there(*grandchild)  # a restart leaves it for the child to adopt
    launcher.process.terminate()
    assert launcher.ends()[0] == 0
    assert not still_there(*grandchild)


def record_of_children(pid: int) -> list[tuple[int, float]]:
    return list(descendants(pid).items())


def test_one_that_does_not_start_is_named_and_nothing_is_left(launch: Callable[..., Launcher]) -> None:
    launcher = launch("a:sleep", "b:broken,c:sleep")
    status, said = launcher.ends()
    assert status == 1
    assert said[-1].startswith("error: b did not start: FATAL: it cannot be (log: ")
    assert said[-2] == "all stopped, nothing is left running"
    assert not still_there(int((launcher.folder / "a.mark").read_text()), started_at(int((launcher.folder / "a.mark").read_text())))


def test_children_do_not_outlive_a_launcher_that_was_killed(launch: Callable[..., Launcher]) -> None:
    launcher = launch("a:sleep", "b:stubborn")
    launcher.said_until("ready")
    running = record.read(launcher.folder)
    launcher.process.kill()
    until(lambda: not any(each.alive for each in running))


def test_a_second_launcher_in_the_folder_is_refused_and_the_first_lives(launch: Callable[..., Launcher]) -> None:
    first = launch("a:sleep")
    first.said_until("ready")
    running = record.read(first.folder)
    status, said = launch("a:sleep").ends()
    assert status == 1
    assert said == [f"error: a city is already running in {first.folder} (pid {first.process.pid}); stop it or use another folder"]
    assert [each.alive for each in running] == [True]


async def test_what_a_killed_launcher_left_is_ended_and_a_stranger_with_its_number_is_not(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "600"], start_new_session=True)  # noqa: ASYNC220  # it returns at once
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)  # noqa: ASYNC220
    try:
        record.write(tmp_path, [Recorded("left", left.pid, started_at(left.pid)), Recorded("was", stranger.pid, started_at(stranger.pid) - 60)])
        said: list[str] = []
        async with Supervisor(tmp_path, say=said.append):
            assert left.wait(5) == -signal.SIGTERM
            assert stranger.poll() is None
        assert said[0] == f"ended left (pid {left.pid}), left by a launcher that was killed"
    finally:
        for each in (left, stranger):
            each.kill()
            each.wait()


async def test_a_process_that_was_there_before_the_city_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)  # noqa: ASYNC220  # it returns at once
    try:
        async with Supervisor(tmp_path, say=lambda _: None) as supervisor:
            await supervisor.start(a_child(tmp_path, "a:sleep"))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_what_dies_is_back_after_longer_and_longer_pauses(city: tuple[Supervisor, list[str]], tmp_path: Path) -> None:
    supervisor, said = city
    await supervisor.start(a_child(tmp_path, "a:sleep"))
    for times in (1, 2, 3):
        killed = supervisor.running("a").pid
        os.kill(killed, signal.SIGKILL)
        await come_about(lambda times=times: sum("is back" in line for line in said) == times)  # type: ignore[misc]
        assert supervisor.running("a").pid != killed
        assert [each.pid for each in record.read(tmp_path)] == [supervisor.running("a").pid]
    assert [line.split("back in ")[1] for line in said if "back in" in line] == ["0.1 s", "0.2 s", "0.4 s"]


async def test_children_of_one_stage_start_beside_each_other(city: tuple[Supervisor, list[str]], tmp_path: Path) -> None:
    supervisor, _ = city
    first, second = a_child(tmp_path, "a:sleep"), a_child(tmp_path, "b:sleep")
    seen = asyncio.Barrier(2)

    async def both_are_asked() -> bool:
        await seen.wait()
        return True

    async with asyncio.timeout(20):
        await supervisor.start(*(type(each)(name=each.name, argv=each.argv, cwd=each.cwd, ready=both_are_asked) for each in (first, second)))


async def test_lines_of_a_child_come_with_its_name_and_are_kept(city: tuple[Supervisor, list[str]], tmp_path: Path) -> None:
    supervisor, said = city
    await supervisor.start(a_child(tmp_path, "a:sleep"))
    await come_about(lambda: "a              up" in said)
    assert (tmp_path / "log" / "a.log").read_text() == "up\n"


async def test_one_that_does_not_get_ready_is_ended(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    child = a_child(tmp_path, "slow:stubborn")
    child = type(child)(name=child.name, argv=child.argv, cwd=child.cwd, ready=never, ready_within=0.5)
    said: list[str] = []
    with pytest.raises(LocalCityError, match=r"slow was not ready within 0\.5 s: it said nothing|slow was not ready within 0\.5 s: up"):
        async with Supervisor(tmp_path, say=said.append) as supervisor:
            await supervisor.start(child)
    assert said == ["all stopped, nothing is left running"]
