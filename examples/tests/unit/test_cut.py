import shutil
from pathlib import Path
from runpy import run_path

from stratapolis.examples.recorded import data_folder

FULL = {
    "beijing-air-2013-2017.csv.gz": "beijing-air.csv.gz",
    "beijing-air-stations.csv.gz": "beijing-air-stations.csv.gz",
    "berlin-traffic-2024q4.csv.gz": "berlin-traffic.csv.gz",
    "berlin-traffic-sites.csv.gz": "berlin-traffic-sites.csv.gz",
    "seed-city-services.csv": "seed-city-services.csv",
}


def test_cutting_what_ships_again_gives_the_same_bytes(tmp_path: Path) -> None:
    shipped, full, out = data_folder(), tmp_path / "full", tmp_path / "out"
    full.mkdir()
    out.mkdir()
    for name, cut in FULL.items():
        shutil.copyfile(shipped / cut, full / name)
    run_path(str(shipped / "cut.py"))["main"](full, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {cut: (shipped / cut).read_bytes() for cut in FULL.values()}
