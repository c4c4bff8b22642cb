"""Moves of subscriptions to other prices, and which services' are still to be moved."""

from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.subscription import PriceChange, Subscription
from stratapolis.governance.domain.tariff import Tariff
from stratapolis.governance.store.tariffs import subscription_of, tariff_of

Owners = tuple[str, ...] | None
"""Whose rows may be seen; None: everybody's."""

ASK = """
    insert into repricing (service_id, tariff_id) values ($1, $2)
    on conflict (service_id) do update set tariff_id = excluded.tariff_id, after = ''"""
ASKED = "select r.after, t.* from repricing r join tariff t using (tariff_id, service_id) order by service_id limit $1 for update of r skip locked"
RUNNING = """
    select * from subscription where service_id = $1 and ended_at is null and subscription_id > $2 order by subscription_id limit $3 for update"""
PUT = "insert into price_change (subscription_id, valid_from, tariff_id, noticed_at) values ($1, $2, $3, $4)"
LIST = """
    select c.*, s.service_id, s.subscriber, s.plan from price_change c join subscription s using (subscription_id) join service v using (service_id)
    where ($1::text[] is null or s.subscriber = any($1) or v.creator_id = any($1)) and ($2 = '' or s.service_id = $2)
      and ($3::timestamptz is null or (c.noticed_at, c.subscription_id) < ($3, $4))
    order by c.noticed_at desc, c.subscription_id desc limit $5"""


async def ask(tx: Tx, tariff: Tariff) -> None:
    """A service's subscriptions are to be moved to this tariff; whatever they were to be moved to before counts no more."""
    await tx.execute(ASK, tariff.service_id, tariff.tariff_id)


async def asked(tx: Tx, limit: int) -> list[tuple[Tariff, str]]:
    """Services whose subscriptions are still to be moved, to which tariff, and the last one that was looked at; locked."""
    return [(tariff_of(row), row["after"]) for row in await tx.fetch(ASKED, limit)]


async def went_on(tx: Tx, service_id: str, after: str | None) -> None:
    """Note the last subscription looked at; None: it was the service's last."""
    if after is None:
        await tx.execute("delete from repricing where service_id = $1", service_id)
    else:
        await tx.execute("update repricing set after = $2 where service_id = $1", service_id, after)


async def running(tx: Tx, service_id: str, after: str, limit: int) -> list[Subscription]:
    """A service's running subscriptions behind one, locked."""
    return [subscription_of(row) for row in await tx.fetch(RUNNING, service_id, after, limit)]


async def newest(tx: Tx, service_id: str) -> Tariff:
    """The prices of a service's newest version."""
    (row,) = await tx.fetch("select * from tariff where service_id = $1 order by valid_from desc limit 1", service_id)
    return tariff_of(row)


async def put(tx: Tx, subscription_id: str, tariff_id: str, *, valid_from: datetime, at: datetime) -> None:
    """A subscription moves."""
    await tx.execute(PUT, subscription_id, valid_from, tariff_id, at)


async def drop_pending(tx: Tx, subscription_id: str, at: datetime) -> None:
    """What the subscription was to move to later counts no more."""
    await tx.execute("delete from price_change where subscription_id = $1 and valid_from > $2", subscription_id, at)


async def listed(tx: Tx, owners: Owners, *, service_id: str, after: tuple[datetime, str] | None, limit: int) -> list[PriceChange]:
    """Moves, the newest notice first."""
    at, subscription_id = after or (None, "")
    return [_change(row) for row in await tx.fetch(LIST, owners, service_id, at, subscription_id, limit)]


def _change(row: Row) -> PriceChange:
    return PriceChange(
        subscription_id=row["subscription_id"],
        service_id=row["service_id"],
        subscriber=row["subscriber"],
        plan=row["plan"],
        tariff_id=row["tariff_id"],
        noticed_at=row["noticed_at"],
        valid_from=row["valid_from"],
    )
