"""The gate in the hands of its enemy: copies of the contracts with one thing changed."""

import shutil
from pathlib import Path

import pytest

from infra.build.breaking_gate import PROTOS, breaks, build_image

HOLD = "city/journey/v1/journey.proto"


@pytest.fixture(name="copy")
def a_copy_of_the_contracts(tmp_path: Path) -> Path:
    """The contracts as they are now, to be changed by a test."""
    protos = tmp_path / "protos"
    for name in ("city", "vendor"):
        shutil.copytree(PROTOS / name, protos / name)
    shutil.copy(PROTOS / "buf.yaml", protos)
    return protos


@pytest.fixture(name="baselines")
def the_contracts_as_released(tmp_path: Path) -> Path:
    """Today's contracts, released as 1.2.3."""
    folder = tmp_path / "baselines"
    folder.mkdir()
    build_image(PROTOS, folder / "1.2.3.binpb")
    return folder


def change(protos: Path, old: str, new: str) -> None:
    """Replace one place of one file, and be sure that it was there."""
    file = protos / HOLD
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {HOLD}: choose another place"
    file.write_text(text.replace(old, new))


def test_unchanged_contracts_break_nothing(copy: Path, baselines: Path) -> None:
    assert breaks(copy, baselines) == []


def test_an_added_field_breaks_nothing(copy: Path, baselines: Path) -> None:
    change(copy, "string decided_on = 12;", "string decided_on = 12;\n  // added in a later version.\n  string added = 999;")
    assert breaks(copy, baselines) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        pytest.param("  string decided_on = 12;\n", "", "decided_on", id="a deleted field"),
        pytest.param("string decided_on = 12;", "string decided_on = 99;", '"12"', id="a changed number"),
        pytest.param("string decided_on = 12;", "bytes decided_on = 12;", "decided_on", id="a changed type"),
        pytest.param("string decided_on = 12;", "string resting_on = 12;", "decided_on", id="a changed name"),
        pytest.param("  STAGE_LISTING = 5;\n", "", 'enum "Stage"', id="a deleted enum value"),
        pytest.param("package city.journey.v1;", "package city.journey.v2;", "city.journey.v1", id="a moved package"),
    ],
)
def test_what_a_released_consumer_would_trip_over_is_refused(copy: Path, baselines: Path, old: str, new: str, named: str) -> None:
    if old.startswith("package"):
        shutil.rmtree(copy / "city")
        (copy / "city/journey/v1").mkdir(parents=True)
        (copy / HOLD).write_text('syntax = "proto3";\n\npackage city.journey.v2;\n\nmessage Hold {}\n')
    else:
        change(copy, old, new)
    found = breaks(copy, baselines)
    assert any(named in line and line.startswith("against 1.2.3:") for line in found), found


def test_each_released_version_counts_not_only_the_newest(copy: Path, baselines: Path) -> None:
    change(copy, "string decided_on = 12;", "string decided_on = 12;\n  // added in 1.3.0.\n  string added = 999;")
    build_image(copy, baselines / "1.3.0.binpb")
    change(copy, "  // added in 1.3.0.\n  string added = 999;\n", "")
    found = breaks(copy, baselines)
    assert found
    assert all(line.startswith("against 1.3.0:") for line in found)


def test_an_unreadable_baseline_does_not_pass(copy: Path, baselines: Path) -> None:
    (baselines / "1.0.0.binpb").write_bytes(b"\xff\xff no image")
    assert any(line.startswith("against 1.0.0:") for line in breaks(copy, baselines))
