"""Taking in readings, from either way in: sort by the rules, store, mark the windows they fall into, count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stratapolis.chassis.db import Tx
from stratapolis.data.domain.reading import Reading, Rules, Sorting, sort
from stratapolis.data.domain.windows import day_span, zone_of
from stratapolis.data.store import feeds, intake, products
from stratapolis.data.store.intake import Written
from stratapolis.data.tables.properties import Properties, city_properties
from stratapolis.data.tables.units import convert

RAW, GRPC = "raw", "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The city's earliest time, and how long a window rests after the first late row before it is computed."""

    earliest: datetime
    quiet: timedelta


async def take_in(tx: Tx, readings: Sequence[Reading], *, way: str, limits: Limits) -> tuple[Sorting, Written]:
    """Take in a batch. Every reading ends exactly once: accepted, duplicate, corrected or refused."""
    await feeds.share_feeds(tx)
    rules = await _rules(tx, {reading.owner for reading in readings}, limits)
    sorting = sort(readings, rules, at=tx.at)
    written = await intake.write(tx, sorting.taken)
    if written.changed and sorting.windows:
        zones = {feed.feed_id: zone_of(feed.zone) for feed in rules.feeds}
        soon = tx.at + limits.quiet
        due = ((window, max(day_span(window.day, zones[window.feed_id])[1], soon)) for window in sorting.windows)
        await intake.mark(tx, due, written.series_ids)
    if way == RAW:
        await intake.refuse(tx, sorting.refused)
    await intake.count(tx, way, written, len(sorting.refused))
    return sorting, written


async def _rules(tx: Tx, owners: set[str], limits: Limits) -> Rules:
    known = Properties({**await products.declared_properties(tx), **city_properties().canonical})
    owned = await products.products_of(tx, sorted(owners))
    fed = await products.feeds_of(tx, [product.name for product in owned])
    return Rules(products=owned, feeds=fed, earliest=limits.earliest, unit_of=known.unit, convert=convert)
