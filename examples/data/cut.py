"""Cut the recorded data that ships from the full files: python examples/data/cut.py FOLDER_OF_FULL_FILES [OUT].

Rows are taken whole, nothing is changed, added or repaired; the order is kept. The README beside this file says where the full
files come from. Two runs give the same bytes.
"""

import csv
import gzip
import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

AIR_DAYS = ("2016-11-18", "2016-11-19", "2016-11-20", "2016-11-21", "2016-11-22")
TRAFFIC_DAYS = ("2024-10-26", "2024-10-27", "2024-10-28", "2024-10-29")
TRAFFIC_SITES = (
    # both directions of a road
    *("TE010", "TE011", "TE012", "TE013", "TE070", "TE071", "TE104", "TE105", "TE122", "TE123", "TE136", "TE137", "TE144", "TE223"),
    *("TE178", "TE179", "TE211", "TE212", "TE260", "TE261", "TE268", "TE269", "TE274", "TE275", "TE322", "TE323", "TE351", "TE356"),
    *("TE354", "TE357", "TE393", "TE394", "TE475", "TE476"),
    # dirt: many empty hours, gaps, a lorry without a speed, one row only and that in the doubled hour
    *("TE139", "TE150", "TE206", "TE385", "TE548", "TE559"),
)
SILENT_SITES = ("TE072", "TE549")
"""Listed, but without a single row."""


def cut(source: Path, out: Path, wanted: Callable[[dict[str, str]], bool]) -> int:
    """Copy the header and the wanted rows of one gzipped csv; returns how many rows there are now."""
    kept = io.StringIO(newline="")
    with gzip.open(source, "rt", encoding="utf-8", newline="") as full:
        reader = csv.DictReader(full)
        writer = csv.DictWriter(kept, reader.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        rows = [row for row in reader if wanted(row)]
        writer.writerows(rows)
    # No name and no time in the header: the same rows are the same bytes.
    out.write_bytes(gzip.compress(kept.getvalue().encode(), compresslevel=9, mtime=0))
    return len(rows)


def every(_: dict[str, str]) -> bool:
    """Every row."""
    return True


def main(full: Path, out: Path) -> None:
    """Write the five files the examples read."""
    sites = {*TRAFFIC_SITES, *SILENT_SITES}
    for source, target, wanted in (
        ("beijing-air-2013-2017.csv.gz", "beijing-air.csv.gz", lambda row: row["observed_at"][:10] in AIR_DAYS),
        ("beijing-air-stations.csv.gz", "beijing-air-stations.csv.gz", every),
        ("berlin-traffic-2024q4.csv.gz", "berlin-traffic.csv.gz", lambda row: row["local_time"][:10] in TRAFFIC_DAYS and row["site_id"] in sites),
        ("berlin-traffic-sites.csv.gz", "berlin-traffic-sites.csv.gz", lambda row: row["site_id"] in sites),
    ):
        print(f"{target}: {cut(full / source, out / target, wanted)} rows")
    shutil.copyfile(full / "seed-city-services.csv", out / "seed-city-services.csv")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent)
