"""Recorded days of two real cities, as observations: hourly air of Beijing, hourly traffic of Berlin.

The files lie in `examples/data`; its README says where they come from and under which licence. Nothing is invented or repaired: an
empty cell and the sentinel -1 km/h (no vehicle in that hour) are no observation, and every other cell is one.
"""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

POINTS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
DEGREES = {point: Decimal("22.5") * number for number, point in enumerate(POINTS)}
NO_VEHICLE = Decimal(-1)


class Flag(StrEnum):
    """What a reader should know of an observation beside its value."""

    AMBIGUOUS_TIME = "ambiguous_time"


class BadRecord(ValueError):
    """A cell of a recorded file cannot be read."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"{path.name}, line {line}: {why}")
        self.path, self.line = path, line


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """WGS 84, degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A station or a road cross-section, listed whether it reports or not."""

    id: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One non-empty cell: value in a UCUM unit, time in UTC."""

    thing: str
    property: str
    value: Decimal
    unit: str
    observed_at: datetime
    place: Place
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class Column:
    """How the cells of one column are read; None from `read` is no observation."""

    name: str
    property: str
    unit: str
    read: Callable[[str], Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Recorded days of one network of things, possibly shifted by whole days."""

    path: Path
    zone: ZoneInfo
    time_column: str
    thing_column: str
    columns: tuple[Column, ...]
    things: Mapping[str, Thing]
    recorded_days: tuple[date, ...]
    shifted_days: int = 0

    @property
    def days(self) -> tuple[date, ...]:
        """The local days the observations now lie on."""
        return tuple(day + timedelta(days=self.shifted_days) for day in self.recorded_days)

    def shift_to(self, days_end: date) -> "Recording":
        """The same recording with its last recorded day on `days_end`.

        Whole days are added to the local date; local hour and zone are kept, so the distance in UTC changes by the difference of the
        offsets. A local hour the new day skips (clocks go forward) is left out: moved, it would overwrite its neighbour. One the new
        day has twice is taken as the first and flagged. A flag from the recorded day stays: the value is still of an unclear hour.
        """
        return replace(self, shifted_days=(days_end - self.recorded_days[-1]).days)

    def observations(self, *, on: date | None = None) -> Iterator[Observation]:
        """All observations, or those of one local day (one of `days`), in the order of the file. Raises BadRecord."""
        for line, row in _rows(self.path):
            try:
                recorded, local = self._times(row)
                if on is not None and local.date() != on:
                    continue
                moment = _in_zone(local, self.zone)
                if moment is None:
                    continue
                thing = self.things[row[self.thing_column]]
                values = [(column, column.read(row[column.name])) for column in self.columns]
            except (KeyError, ValueError, InvalidOperation) as error:
                raise BadRecord(self.path, line, f"{type(error).__name__}: {error}") from error
            flags = frozenset({Flag.AMBIGUOUS_TIME}) if _is_ambiguous(recorded, self.zone) or _is_ambiguous(local, self.zone) else frozenset()
            for column, value in values:
                if value is not None:
                    yield Observation(
                        thing=thing.id, property=column.property, value=value, unit=column.unit, observed_at=moment, place=thing.place, flags=flags
                    )

    def _times(self, row: Mapping[str, str]) -> tuple[datetime, datetime]:
        """Local time as recorded and as shifted, both without an offset; raises ValueError for a time that never was."""
        read = datetime.fromisoformat(row[self.time_column])
        recorded = read.astimezone(self.zone).replace(tzinfo=None) if read.tzinfo else read
        if _in_zone(recorded, self.zone) is None:
            raise ValueError(f"{recorded} does not exist in {self.zone}")
        return recorded, recorded + timedelta(days=self.shifted_days)


def beijing_air(folder: Path) -> Recording:
    """Twelve stations, six pollutants and six weather values an hour; the source's times carry +08:00."""
    stations = {row["station"]: Thing(id=row["station"], name=row["station"], place=_place(row)) for _, row in _rows(folder / "beijing-air-stations.csv.gz")}
    plain = partial(_number, sentinel=None)
    pollutants = tuple(Column(name, name, "ug/m3", plain) for name in ("pm25", "pm10", "so2", "no2", "co", "o3"))
    weather = (
        Column("temp", "temperature", "Cel", plain),
        Column("pres", "pressure", "hPa", plain),
        Column("dewp", "dew_point", "Cel", plain),
        Column("rain", "rain", "mm", plain),
        Column("wd", "wind_direction", "deg", _degrees),
        Column("wspm", "wind_speed", "m/s", plain),
    )
    return _recording(folder / "beijing-air.csv.gz", ZoneInfo("Asia/Shanghai"), "observed_at", "station", pollutants + weather, stations)


def berlin_traffic(folder: Path) -> Recording:
    """Counts and mean speeds an hour at road cross-sections; naive local times, among them 2024-10-27 with its doubled 02:00."""
    sites = {
        row["site_id"]: Thing(id=row["site_id"], name=f"{row['street']} ({row['direction']})", place=_place(row))
        for _, row in _rows(folder / "berlin-traffic-sites.csv.gz")
    }
    columns = tuple(
        column
        for short, kind in (("veh", "vehicle"), ("car", "car"), ("truck", "truck"))
        for column in (
            Column(f"{short}_count", f"{kind}_count", "{vehicle}", partial(_number, sentinel=None)),
            Column(f"{short}_speed", f"{kind}_speed", "km/h", partial(_number, sentinel=NO_VEHICLE)),
        )
    )
    return _recording(folder / "berlin-traffic.csv.gz", ZoneInfo("Europe/Berlin"), "local_time", "site_id", columns, sites)


def data_folder() -> Path:
    """Where the recorded files lie: beside this module when installed, in `examples/data` in a checkout."""
    for folder in (Path(__file__).parent / "data", Path(__file__).parents[3] / "data"):
        if (folder / "beijing-air.csv.gz").is_file():
            return folder
    raise FileNotFoundError("the recorded data is neither installed with this package nor in examples/data")


def _recording(path: Path, zone: ZoneInfo, time_column: str, thing_column: str, columns: tuple[Column, ...], things: Mapping[str, Thing]) -> Recording:
    # The first ten characters of either file's times are the local day.
    days = tuple(sorted({date.fromisoformat(row[time_column][:10]) for _, row in _rows(path)}))
    return Recording(path=path, zone=zone, time_column=time_column, thing_column=thing_column, columns=columns, things=things, recorded_days=days)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        for row in reader:
            if None in row or None in row.values():
                raise BadRecord(path, reader.line_num, f"not {len(reader.fieldnames or ())} cells")
            yield reader.line_num, row


def _place(row: Mapping[str, str]) -> Place:
    return Place(latitude=float(row["lat"]), longitude=float(row["lon"]))


def _number(cell: str, *, sentinel: Decimal | None) -> Decimal | None:
    if not cell:
        return None
    value = Decimal(cell)
    if not value.is_finite():
        raise ValueError(f"{cell} is no value")
    return None if value == sentinel else value


def _degrees(cell: str) -> Decimal | None:
    return DEGREES[cell] if cell else None


def _in_zone(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment (UTC) at which clocks of the zone show this time; None if they skip it."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local else None


def _is_ambiguous(local: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks of the zone show this time twice (it is known not to be skipped)."""
    return local.replace(tzinfo=zone, fold=0).utcoffset() != local.replace(tzinfo=zone, fold=1).utcoffset()
