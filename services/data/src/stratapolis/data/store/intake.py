"""Writing observations, set-based: a statement for all rows of a batch, whatever their number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from stratapolis.chassis.db import Tx
from stratapolis.data.domain.reading import FeedDay, RefusedReading, Series, Taken
from stratapolis.data.store import partitions

ROWS = """unnest($1::bigint[], $2::timestamptz[], $3::text::numeric[], $4::float8[], $5::float8[], $6::text[])
          as n(series_id, observed_at, value, latitude, longitude, flags)"""
"""Places and flags are null where no row of the batch has one."""
TXID = "(select pg_current_xact_id()::text::bigint)"
ADD_SERIES = """
    insert into series (owner, thing, property) select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing"""
LOCK_SERIES = """
    select s.series_id, s.owner, s.thing, s.property, s.observed_at
    from series s join unnest($1::text[], $2::text[], $3::text[]) as n(owner, thing, property) using (owner, thing, property)
    order by s.series_id for no key update of s"""
INSERT = f"""
    insert into observation (series_id, observed_at, value, latitude, longitude, flags, txid)
    select n.series_id, n.observed_at, n.value, n.latitude, n.longitude, coalesce(n.flags, ''), {TXID} from {ROWS}"""  # noqa: S608 - constants
ADD = f"{INSERT} on conflict (series_id, observed_at) do nothing returning series_id, observed_at"
STANDING = """
    select n.series_id, n.observed_at, o.value, o.flags
    from unnest($1::bigint[], $2::timestamptz[]) as n(series_id, observed_at)
    cross join lateral (select value, flags from observation o where o.series_id = n.series_id and o.observed_at = n.observed_at for update) o"""
REMEMBER = """
    insert into observation_history (series_id, observed_at, value, flags, replaced_at)
    select n.*, $5 from unnest($1::bigint[], $2::timestamptz[], $3::numeric[], $4::text[]) n"""
CORRECT = f"""{INSERT}
    on conflict (series_id, observed_at) do update
    set value = excluded.value, latitude = coalesce(excluded.latitude, observation.latitude),
        longitude = coalesce(excluded.longitude, observation.longitude), flags = excluded.flags, txid = excluded.txid"""  # noqa: S608 - constants
LATEST = f"""
    update series s
    set observed_at = n.observed_at, value = n.value, flags = coalesce(n.flags, ''),
        latitude = coalesce(n.latitude, s.latitude), longitude = coalesce(n.longitude, s.longitude)
    from {ROWS} where s.series_id = n.series_id and (s.observed_at is null or s.observed_at <= n.observed_at)"""  # noqa: S608 - constants
ARRIVE = f"""
    insert into arrival as a (txid, series_id, first_at, last_at, arrived_at)
    select {TXID}, n.*, $4 from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) n
    on conflict (txid, series_id) do update set first_at = least(a.first_at, excluded.first_at), last_at = greatest(a.last_at, excluded.last_at)"""  # noqa: S608 - constants
MARK = """
    insert into dirty_window as d (feed_id, series_id, day, due_at) select * from unnest($1::text[], $2::bigint[], $3::date[], $4::timestamptz[])
    on conflict (feed_id, day, series_id) do update set marks = d.marks + 1"""
REFUSE = """
    insert into refused_observation (owner, thing, property, value, unit, observed_at, reason, message, refused_at)
    select n.*, $9 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[]) n"""
COUNT = """
    insert into intake as i (hour, way, accepted, duplicates, corrected, refused) values (date_trunc('hour', $1::timestamptz, 'UTC'), $2, $3, $4, $5, $6)
    on conflict (hour, way) do update set accepted = i.accepted + excluded.accepted, duplicates = i.duplicates + excluded.duplicates,
        corrected = i.corrected + excluded.corrected, refused = i.refused + excluded.refused"""
LONGEST = 200
EARLY, LATE = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """What became of a reading that was taken in."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CORRECTED = "corrected"


Standing = tuple[int, datetime]
"""What identifies an observation in the database: series and time. A plain tuple, since there is one for each row of a batch."""


class Value(NamedTuple):
    """What stands there: the value and its flags."""

    value: Decimal
    flags: str


@dataclass(slots=True)
class Run:
    """What a batch brings of one series. `newest_at` is the newest that stands, or is about to."""

    series_id: int
    newest_at: datetime | None
    first_at: datetime = LATE
    last_at: datetime = EARLY
    newest: Taken | None = None

    def take(self, one: Taken) -> bool:
        """Count one in; whether it is newer than all there is, so that nothing can stand in its place."""
        at = one.observed_at
        self.first_at = min(self.first_at, at)
        if at >= self.last_at:
            self.last_at, self.newest = at, one
        if self.newest_at is None or at > self.newest_at:
            self.newest_at = at
            return True
        return False


@dataclass(slots=True)
class Written:
    """What became of a batch: those of `differently` by their number, all others were accepted."""

    series_ids: Mapping[Series, int] = field(default_factory=dict)
    accepted: int = 0
    differently: dict[int, Outcome] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the batch has changed anything."""
        return self.accepted > 0 or Outcome.CORRECTED in self.differently.values()

    def count(self, outcome: Outcome) -> int:
        """How many had this outcome."""
        return self.accepted if outcome is Outcome.ACCEPTED else sum(found is outcome for found in self.differently.values())


async def write(tx: Tx, taken: Sequence[Taken]) -> Written:
    """Store a batch: new rows, corrections with what they replace, the newest of each series, and what arrived.

    The series are locked first, in one order, so that two batches of the same things follow each other and never wait crosswise. Under
    that lock, what is newer than the newest of its series is new, and no row has to be looked for: that is nearly all that things say.
    """
    if not taken:
        return Written()
    await partitions.ensure(tx, {partitions.month_of(at) for at in {one.observed_at for one in taken}})
    runs = await _runs(tx, sorted({one.series for one in taken}))
    new: list[Taken] = []
    rest: list[Taken] = []
    for one in taken:
        (new if runs[one.series].take(one) else rest).append(one)
    written = Written(series_ids={series: run.series_id for series, run in runs.items()}, accepted=len(new))
    if new:
        await tx.execute(INSERT, *_columns(new, runs))
    if rest:
        await _settle(tx, rest, runs, written)
    if written.changed:
        await tx.execute(LATEST, *_columns([run.newest for run in runs.values() if run.newest], runs))
        spans = [(run.series_id, run.first_at, run.last_at) for run in runs.values()]
        await tx.execute(ARRIVE, *map(list, zip(*spans, strict=True)), tx.at)
    return written


async def mark(tx: Tx, windows: Iterable[tuple[FeedDay, datetime]], ids: Mapping[Series, int]) -> None:
    """Mark windows as dirty, each with the time from when on it may be computed."""
    rows = sorted((window.feed_id, window.day, ids[window.series], due_at) for window, due_at in windows if window.series in ids)
    if rows:
        await tx.execute(MARK, [r[0] for r in rows], [r[2] for r in rows], [r[1] for r in rows], [r[3] for r in rows])


async def refuse(tx: Tx, refused: Sequence[RefusedReading]) -> None:
    """Keep what was refused, and why; cut to size, so that nothing handed in can be too large to be refused."""
    if refused:
        said = [one.reading for one in refused]
        texts = ([r.owner for r in said], [r.thing for r in said], [r.prop for r in said], [r.value for r in said], [r.unit for r in said])
        reasons = ([one.refusal.reason for one in refused], [one.refusal.message for one in refused])
        await tx.execute(REFUSE, *map(_short, texts), [r.observed_at for r in said], *map(_short, reasons), tx.at)


async def count(tx: Tx, way: str, written: Written, refused: int) -> None:
    """Add a batch to the hour's counts. Last in its transaction: all batches of an hour meet in this row."""
    outcomes = (written.count(outcome) for outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CORRECTED))
    await tx.execute(COUNT, tx.at, way, *outcomes, refused)


async def _runs(tx: Tx, wanted: Sequence[Series]) -> dict[Series, Run]:
    columns = ([s.owner for s in wanted], [s.thing for s in wanted], [s.prop for s in wanted])
    rows = await tx.fetch(LOCK_SERIES, *columns)
    if len(rows) < len(wanted):
        await tx.execute(ADD_SERIES, *columns)
        rows = await tx.fetch(LOCK_SERIES, *columns)
    return {Series(row["owner"], row["thing"], row["property"]): Run(row["series_id"], row["observed_at"]) for row in rows}


async def _settle(tx: Tx, rest: Sequence[Taken], runs: Mapping[Series, Run], written: Written) -> None:
    """Add what is late but new; compare the others with what stands there, be it from this batch."""
    keys = [(runs[one.series].series_id, one.observed_at) for one in rest]
    first = dict(zip(reversed(keys), reversed(rest), strict=True))
    added = {(row["series_id"], row["observed_at"]) for row in await tx.fetch(ADD, *_columns(first.values(), runs))}
    written.accepted += len(added)
    values = {key: Value(first[key].value, ",".join(first[key].flags)) for key in added}
    there = [key for key in first if key not in added]
    for row in await tx.fetch(STANDING, [series_id for series_id, _ in there], [observed_at for _, observed_at in there]):
        values[row["series_id"], row["observed_at"]] = Value(row["value"], row["flags"])
    arriving = [(key, one) for key, one in zip(keys, rest, strict=True) if key not in added or first[key] is not one]
    await _correct(tx, arriving, values, runs, written)


async def _correct(tx: Tx, arriving: Sequence[tuple[Standing, Taken]], values: dict[Standing, Value], runs: Mapping[Series, Run], written: Written) -> None:
    """Compare each arrival, in order, with what stands there by then; write the last of each identity, and all that was replaced to history."""
    replaced: list[tuple[Standing, Value]] = []
    final: dict[Standing, Taken] = {}
    for key, one in arriving:
        if values[key].value == one.value:
            written.differently[one.number] = Outcome.DUPLICATE
            continue
        written.differently[one.number] = Outcome.CORRECTED
        replaced.append((key, values[key]))
        values[key] = Value(one.value, ",".join(one.flags))
        final[key] = one
    if final:
        keys, old = [key for key, _ in replaced], [value for _, value in replaced]
        await tx.execute(
            REMEMBER, [series_id for series_id, _ in keys], [observed_at for _, observed_at in keys], [v.value for v in old], [v.flags for v in old], tx.at
        )
        await tx.execute(CORRECT, *_columns(final.values(), runs))


def _columns(rows: Iterable[Taken], runs: Mapping[Series, Run]) -> tuple[object, ...]:
    """Rows as arrays. Values as text, which costs half of numbers, here and in PostgreSQL."""
    _, series, observed_at, values, places, flags = zip(*rows, strict=True)
    placed = any(places)
    return (
        [runs[one].series_id for one in series],
        observed_at,
        f"{{{','.join(map(str, values))}}}",
        [place and place.latitude for place in places] if placed else None,
        [place and place.longitude for place in places] if placed else None,
        [",".join(words) for words in flags] if any(flags) else None,
    )


def _short(texts: Sequence[str]) -> list[str]:
    return [text[:LONGEST].replace("\0", "\\0") for text in texts]
