"""Readings: observations handed in, sorted into what is taken in and what is refused, and why."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from stratapolis.chassis.errors import Refused
from stratapolis.data.domain.errors import NotADecimal, OutOfRange, PlaceNotOnEarth, ThingMissing
from stratapolis.data.domain.feed import Feed
from stratapolis.data.domain.place import Place
from stratapolis.data.domain.product import Product
from stratapolis.data.domain.windows import day_of, day_span, zone_of

AHEAD = timedelta(hours=1)
"""How far ahead of ours a thing's clock may be."""
PLAIN = re.compile(r"-?[0-9]{1,20}(?:[.][0-9]{1,9})?")
"""Numbers that are kept as they are: they fit `numeric(38,9)`."""
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
KEPT = Decimal("1e-9")
KEEPING = Context(prec=60, rounding=ROUND_HALF_EVEN)
LONGEST_THING = 64
MIN, MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Reading(NamedTuple):
    """An observation as it was handed in; `observed_at` is None where it was no time."""

    owner: str
    thing: str
    prop: str
    value: str
    unit: str
    observed_at: datetime | None
    place: Place | None
    flags: tuple[str, ...]


class Series(NamedTuple):
    """What an observation belongs to: one property of one owner's thing."""

    owner: str
    thing: str
    prop: str


class Taken(NamedTuple):
    """An observation to be stored: `number` is the reading's place in its batch, the value is in the canonical unit."""

    number: int
    series: Series
    observed_at: datetime
    value: Decimal
    place: Place | None
    flags: tuple[str, ...]


class RefusedReading(NamedTuple):
    """A reading that is not stored, and why."""

    number: int
    reading: Reading
    refusal: Refused


class FeedDay(NamedTuple):
    """A window of a feed that a reading falls into."""

    feed_id: str
    series: Series
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a batch is held to: products of the owners concerned, their feeds, the city's earliest time.

    `unit_of(property)` gives the canonical unit, `convert(value, unit, to)` a value in it; both refuse what they do not know.
    """

    products: Sequence[Product]
    feeds: Sequence[Feed]
    earliest: datetime
    unit_of: Callable[[str], str]
    convert: Callable[[Decimal, str, str], Decimal]


@dataclass(slots=True)
class Lane:
    """What holds for all readings of one series; windows of readings from `start` to `end` are noted already."""

    series: Series
    canonical: str
    earliest: datetime
    feeds: tuple[Feed, ...]
    start: datetime = MAX
    end: datetime = MIN


@dataclass(slots=True)
class Sorting:
    """A batch being sorted: each reading ends in `taken` or in `refused`, exactly once."""

    rules: Rules
    latest: datetime
    taken: list[Taken] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    windows: set[FeedDay] = field(default_factory=set)
    _lanes: dict[tuple[str, str, str], Lane] = field(default_factory=dict)
    _spans: dict[tuple[str, date], tuple[datetime, datetime]] = field(default_factory=dict)

    def sort(self, readings: Sequence[Reading]) -> None:
        """Sort all readings, in order."""
        for number, reading in enumerate(readings):
            try:
                self._take(number, reading)
            except Refused as refusal:
                self.refused.append(RefusedReading(number, reading, refusal))

    def _take(self, number: int, reading: Reading) -> None:
        owner, thing, prop, text, unit, observed_at, place, flags = reading
        lane = self._lanes.get((owner, thing, prop)) or self._lane(Series(owner, thing, prop))
        if observed_at is None or not lane.earliest <= observed_at <= self.latest:
            raise OutOfRange(lane.earliest, self.latest)
        if place is not None and not place.on_earth:
            raise PlaceNotOnEarth
        if unit == lane.canonical and PLAIN.fullmatch(text):
            value = Decimal(text)
        else:
            value = self._keep(text, unit, lane.canonical)
        if lane.feeds and not lane.start <= observed_at < lane.end:
            self._mark(lane, observed_at)
        self.taken.append(Taken(number, lane.series, observed_at, value, place, flags))

    def _lane(self, series: Series) -> Lane:
        """What holds for a series, once a batch. Raises ThingMissing and what the table raises for an unknown property."""
        if not 0 < len(series.thing) <= LONGEST_THING or not series.thing.isprintable():
            raise ThingMissing
        canonical = self.rules.unit_of(series.prop)
        covering = [product for product in self.rules.products if product.covers(*series)]
        earliest = min((product.earliest or self.rules.earliest for product in covering), default=self.rules.earliest)
        names = {product.name for product in covering}
        feeds = tuple(feed for feed in self.rules.feeds if feed.product in names and feed.prop == series.prop)
        lane = self._lanes[series] = Lane(series, canonical, max(earliest, self.rules.earliest), feeds)
        return lane

    def _keep(self, text: str, unit: str, canonical: str) -> Decimal:
        """The value as it is kept: canonical, rounded half-even to 9 places."""
        if not NUMBER.fullmatch(text):
            raise NotADecimal(text)
        return self.rules.convert(Decimal(text), unit, canonical).quantize(KEPT, context=KEEPING)

    def _mark(self, lane: Lane, moment: datetime) -> None:
        """Note the windows that a moment lies in, and until when they are noted: a thing's readings mostly follow each other."""
        lane.start, lane.end = MIN, MAX
        for feed in lane.feeds:
            zone = zone_of(feed.zone)
            day = day_of(moment, zone)
            span = self._spans.get((feed.zone, day)) or self._spans.setdefault((feed.zone, day), day_span(day, zone))
            self.windows.add(FeedDay(feed.feed_id, lane.series, day))
            lane.start, lane.end = max(lane.start, span[0]), min(lane.end, span[1])


def sort(readings: Sequence[Reading], rules: Rules, *, at: datetime) -> Sorting:
    """Sort a batch at a moment."""
    sorting = Sorting(rules, at + AHEAD)
    sorting.sort(readings)
    return sorting
