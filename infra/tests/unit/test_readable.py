"""Files and functions that are too long, and links that lead nowhere, are named."""

from pathlib import Path

import pytest

from infra.build import readable


@pytest.fixture(autouse=True)
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readable, "ROOT", tmp_path)


@pytest.mark.parametrize(("lines", "faults"), [(300, []), (301, ["a.py: 301 lines, at most 300"])])
def test_a_file_has_at_most_so_many_lines(tmp_path: Path, lines: int, faults: list[str]) -> None:
    (tmp_path / "a.py").write_text("x = 1\n" * lines)
    assert list(readable.too_long(tmp_path / "a.py")) == faults


@pytest.mark.parametrize(("lines", "faults"), [(39, []), (40, ["a.py:2: go has 41 lines, at most 40"])])
def test_a_function_has_at_most_so_many_lines(tmp_path: Path, lines: int, faults: list[str]) -> None:
    (tmp_path / "a.py").write_text("\nasync def go():\n" + "    x = 1\n" * lines)
    assert list(readable.too_long(tmp_path / "a.py")) == faults


def test_a_page_that_names_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    page = tmp_path / "page.md"
    page.write_text("[a](there.md) [b](gone.md#part) [c](https://gone.example/x.md) [d](#here) [e](there.md#part)")
    assert list(readable.leading_nowhere(page)) == ["page.md: gone.md is not there"]
