from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.jars import Jar, ensure, locked

CONTENT = b"a jar"
JAR = Jar("org.example", "broker", "1.0", hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """Hands out a content for every jar and counts how often it was asked."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content, self.asked = content, 0

    def __call__(self, jar: Jar, into: Path) -> Path:
        self.asked += 1
        found = into / jar.file_name
        found.write_bytes(self.content)
        return found


def test_a_second_run_fetches_nothing(tmp_path: Path) -> None:
    repository = Repository()
    (first,) = ensure(tmp_path, jars=[JAR], fetch=repository)
    assert first.read_bytes() == CONTENT
    assert ensure(tmp_path, jars=[JAR], fetch=repository) == (first,)
    assert repository.asked == 1


def test_a_jar_with_another_sum_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(LocalCityError, match=r"org\.example:broker:1\.0 is not what kafka\.lock says"):
        ensure(tmp_path, jars=[JAR], fetch=Repository(b"something else"))
    assert list((tmp_path / "kafka").iterdir()) == []


def test_a_kept_jar_that_was_damaged_is_fetched_anew(tmp_path: Path) -> None:
    (kept,) = ensure(tmp_path, jars=[JAR], fetch=Repository())
    kept.write_bytes(b"damaged")
    ensure(tmp_path, jars=[JAR], fetch=Repository())
    assert kept.read_bytes() == CONTENT


def test_a_repository_out_of_reach_is_said_in_one_line(tmp_path: Path) -> None:
    asked = []

    def away(jar: Jar, _into: Path) -> Path:
        asked.append(jar)
        raise ConnectionError("no\nroute")

    with pytest.raises(LocalCityError, match="could not be fetched") as refused:
        ensure(tmp_path, jars=[JAR], fetch=away)
    assert "\n" not in str(refused.value)
    assert len(asked) == 3


def test_progress_is_told_up_to_the_last_jar(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    ensure(tmp_path, jars=[JAR], fetch=Repository(), progress=lambda done, of: told.append((done, of)))
    assert told == [(0, 1), (1, 1)]


def test_the_lock_file_names_one_version_of_each_artifact_without_an_address() -> None:
    jars = locked()
    assert len({jar.artifact for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and "/" not in str(jar) for jar in jars)
    kafka = {jar.version for jar in jars if jar.group == "org.apache.kafka"}
    assert len(kafka) == 1
    log4j = {jar.version for jar in jars if jar.group == "org.apache.logging.log4j"}
    assert len(log4j) == 1
