from __future__ import annotations

from pathlib import Path

import pytest
from stratapolis.cli.local import java
from stratapolis.cli.local.errors import LocalCityError


def a_java(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    program.chmod(0o755)
    return program


def test_a_java_that_was_set_and_is_too_old_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalCityError, match="Java 11, too old for Kafka: 17 or newer"):
        java.find(a_java(tmp_path, "11.0.2"))


def test_the_old_numbering_of_java_8_is_understood(tmp_path: Path) -> None:
    with pytest.raises(LocalCityError, match="Java 8, too old"):
        java.find(a_java(tmp_path, "1.8.0_402"))


def test_a_setting_that_is_no_java_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalCityError, match="is no Java runtime"):
        java.find(tmp_path / "java")


def test_java_home_goes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_java(tmp_path / "home", "21.0.1")
    a_java(tmp_path / "path", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"))
    assert java.find().major == 21


def test_one_on_the_path_that_is_too_old_gives_way_to_the_packaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_java(tmp_path, "11.0.2")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    found = java.find()
    assert found.major >= java.OLDEST
    assert found.program != tmp_path / "bin" / "java"
