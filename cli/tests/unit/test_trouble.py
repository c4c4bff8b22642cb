from __future__ import annotations

from pathlib import Path

import pytest
from stratapolis.cli.local import ground
from stratapolis.cli.local.city import wipe
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.trouble import in_one_line, require_space

LOG = Path("kafka.log")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("starting\njava.io.IOException: No space left on device\nmore", "the disk is full"),
        ("java.net.BindException: Address already in use\n at a.b", "its port is taken"),
        ("org.apache.kafka.common.KafkaException: Failed to acquire lock on file .lock in /x", "another one runs on the same folder"),
        ("going up\nFATAL:  invalid value for parameter\nshutting down", "FATAL:  invalid value for parameter"),
        ("only\nthis", "this"),
        ("", "it said nothing"),
    ],
)
def test_a_log_is_told_in_one_line_that_names_the_log(log: str, reason: str) -> None:
    said = in_one_line(log, LOG)
    assert said.startswith(reason)
    assert said.endswith("(log: kafka.log)")
    assert "\n" not in said


def test_a_full_disk_is_named_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LocalCityError, match=r"the disk is full: .* MB are free"):
        require_space(tmp_path / "not" / "there" / "yet", least=1 << 60)
    require_space(tmp_path, least=1)


def test_wiping_never_follows_a_note_to_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    precious, folder = tmp_path / "precious", tmp_path / "postgres"
    for each in (precious, folder):
        each.mkdir()
    (folder / "elsewhere").write_text(str(precious))
    ground.wipe(folder)
    assert precious.exists()
    assert not folder.exists()


def test_a_reset_takes_what_lies_elsewhere_for_stores_and_services_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "_OUTSIDE", tmp_path / "outside")
    elsewhere = [tmp_path / "outside" / f"stratapolis-{name}" for name in ("0123", "services-0123", "python-0123")]
    for each in elsewhere:
        (each / "left").mkdir(parents=True)
    for name, place in zip(("postgres", "services"), elsewhere, strict=False):
        (tmp_path / "city" / name).mkdir(parents=True)
        (tmp_path / "city" / name / "elsewhere").write_text(f"{place}\n")
    wipe(tmp_path / "city")
    assert [each.exists() for each in elsewhere] == [False, False, True], "Python's copy is shared by cities"
