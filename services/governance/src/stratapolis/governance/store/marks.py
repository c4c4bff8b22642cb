"""What the platform has to measure again, and what it comes to."""

from datetime import date, datetime
from decimal import Decimal

from stratapolis.chassis.db import Tx
from stratapolis.governance.domain.platform import PROPOSALS_LIVE_SHARE, REQUESTS_CLOSED_ON_TIME, TIME_TO_ONBOARD, USES, Counted

MARK = """
    insert into to_measure as m (code, service_id, quarter) values ($1, $2, date_bin('15 minutes', $3, 'epoch'::timestamptz))
    on conflict (code, service_id, quarter) do update set marks = m.marks + 1"""
# What is being marked just now is left for the next run: its transaction's rows are not to be seen yet.
TAKE = """
    delete from to_measure where (code, service_id, quarter) in (
        select code, service_id, quarter from to_measure order by quarter, code, service_id limit $1 for update skip locked
    ) returning code, service_id, (quarter at time zone $2)::date as day"""
# A local day is looked for between the earliest and the latest moment at which any zone is in it.
ON_THE_DAY = """
    >= $1::date::timestamp at time zone 'UTC' - interval '14 hours' and {0} < $1::date::timestamp at time zone 'UTC' + interval '36 hours'
    and ({0} at time zone $2)::date = $1"""
EACH = "group by grouping sets ((service_id), ()) having grouping(service_id) = 1 or service_id = any($3)"
COUNT = {
    USES: f"""
        select service_id, count(*) as part, count(*) as count from used
        where used_at {ON_THE_DAY.format("used_at")} {EACH}""",  # noqa: S608 - constants of this module
    REQUESTS_CLOSED_ON_TIME: f"""
        select service_id, count(*) filter (where ended_at <= due_at) as part, count(*) as count from asked_request
        where judged_at {ON_THE_DAY.format("judged_at")} {EACH}""",  # noqa: S608 - constants of this module
    TIME_TO_ONBOARD: f"""
        select service_id, extract(epoch from percentile_cont(0.5) within group (order by ended_at - proposed_at)) as part, count(*) as count from journey
        where state = 'live' and kind = 'launch' and ended_at {ON_THE_DAY.format("ended_at")} {EACH}""",  # noqa: S608 - constants of this module
    PROPOSALS_LIVE_SHARE: f"""
        select service_id, count(*) filter (where state = 'live') as part, count(*) as count from journey
        where state in ('live', 'rejected') and ended_at {ON_THE_DAY.format("ended_at")} {EACH}""",  # noqa: S608 - constants of this module
}


async def put(tx: Tx, code: str, service_id: str, moment: datetime) -> None:
    """Something happened that an indicator counts: measure the service and the city again for the day of it."""
    await tx.execute(MARK, code, service_id, moment)


async def take(tx: Tx, zone: str, limit: int) -> dict[tuple[date, str], list[str]]:
    """Take marks off: the services to measure, by local day and indicator."""
    found: dict[tuple[date, str], list[str]] = {}
    for row in await tx.fetch(TAKE, limit, zone):
        found.setdefault((row["day"], row["code"]), []).append(row["service_id"])
    return found


async def counted(tx: Tx, code: str, day: date, zone: str, services: list[str]) -> list[Counted]:
    """What a day of these services, and of the city, comes to; nothing where nothing counts."""
    rows = await tx.fetch(COUNT[code], day, zone, services)
    return [Counted(service_id=row["service_id"] or "", part=Decimal(row["part"]), count=row["count"]) for row in rows if row["count"]]
