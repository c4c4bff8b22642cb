"""What runs on a clock."""

from datetime import datetime, timedelta

from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.data.codec import contracts as contracts_codec
from stratapolis.data.codec import products as products_codec
from stratapolis.data.domain.contract import expire
from stratapolis.data.domain.feed import CITY, Computed, Feed, Value, across, revise, thing_scope
from stratapolis.data.domain.product import retention
from stratapolis.data.domain.windows import day_span, zone_of
from stratapolis.data.store import contracts, feeds, partitions, products, upkeep

DAYS_AT_ONCE = 50
ENDS_AT_ONCE = 100
ROWS_AT_ONCE = 5_000
MONTHS_AHEAD = 2


async def make_partitions(*, tx: Tx, at: datetime) -> None:
    """The coming months' partitions, so that no batch has to make one."""
    months = [partitions.month_of(at)]
    for _ in range(MONTHS_AHEAD):
        months.append(partitions.month_after(months[-1]))
    await partitions.ensure(tx, months)


async def end_contracts(*, tx: Tx, at: datetime) -> None:
    """End the contracts whose time is over."""
    for contract in await contracts.contracts_past_end(tx, at=at, limit=ENDS_AT_ONCE):
        over = expire(contract, at=at)
        await contracts.put_contract(tx, over)
        await outbox.append(tx, contracts_codec.revoked(over))


async def compute_windows(*, tx: Tx, at: datetime) -> None:
    """Compute the days that are due from their rows, and say what has changed."""
    due = await feeds.due(tx, at=at, limit=DAYS_AT_ONCE)
    known = await products.feeds_by_id(tx, sorted({feed_id for feed_id, _ in due}))
    for feed_id, day in due:
        series_ids = await feeds.take(tx, feed_id, day)
        if not series_ids:
            continue
        feed = known[feed_id]
        values = await feeds.values(tx, series_ids, *day_span(day, zone_of(feed.zone)))
        before = await feeds.computed(tx, feed_id, day)
        scopes = {thing_scope(thing): value for thing, value in values.items()}
        standing = {scope: Value(value=one.value, observations=one.observations) for scope, one in before.items() if scope != CITY}
        city = across([value for _, value in sorted((standing | scopes).items())])
        if city is not None:
            scopes[CITY] = city
        revised = [revise(before.get(scope), value, scope=scope, day=day) for scope, value in scopes.items()]
        await feeds.put(tx, feed_id, day, [computed for computed, _ in revised])
        await _say(tx, feed, [computed for computed, changed in revised if changed], at)


async def prune(*, tx: Tx, at: datetime, arrivals: timedelta, refused: timedelta, refused_most: int) -> None:
    """Forget old arrivals and refused readings."""
    await upkeep.forget_arrivals(tx, at - arrivals, ROWS_AT_ONCE)
    await upkeep.forget_refused(tx, at - refused, refused_most, ROWS_AT_ONCE)


async def erase_old(*, tx: Tx, at: datetime) -> None:
    """Erase observations past the longest retention of the products that cover them."""
    owners = await products.owners_with_retention(tx)
    owned = await products.products_of(tx, owners)
    by_days: dict[int, list[int]] = {}
    for row in await upkeep.series_of_owners(tx, owners):
        days = retention(tuple(product for product in owned if product.covers(row["owner"], row["thing"], row["property"])))
        if days is not None:
            by_days.setdefault(days, []).append(row["series_id"])
    for days, series_ids in sorted(by_days.items()):
        await upkeep.erase(tx, series_ids, at - timedelta(days=days), ROWS_AT_ONCE)


async def _say(tx: Tx, feed: Feed, changed: list[Computed], at: datetime) -> None:
    await outbox.append(tx, *(products_codec.computed(feed, computed, at=at) for computed in changed))
