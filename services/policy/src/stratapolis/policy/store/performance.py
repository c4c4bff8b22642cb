"""Agreed metrics, the newest value of each period, and failures."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from stratapolis.chassis.db import Row, Tx
from stratapolis.policy.domain.performance import Failure, Metric, Reading
from stratapolis.policy.store import Owners

PROMISED = "select * from metric where agreement_id = any($1) order by agreement_id, number"
PROMISE = """
    insert into metric (agreement_id, number, framework, code, measure, scope, lower_is_better, bound, party, penalty)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
READ = """
    insert into metric_reading as r (agreement_id, number, period, revision, value, unit, over_at)
    select m.agreement_id, m.number, $5, $6, $7, $8, $9 from metric m join agreement a using (agreement_id)
    where m.framework = $1 and m.code = $2 and m.measure = $3 and m.scope = $4 and a.signed_at is not null
      and (a.start_at at time zone 'UTC')::date <= $10 and ((a.end_at - interval '1 microsecond') at time zone 'UTC')::date >= $10
    on conflict (agreement_id, number, period) do update
        set revision = excluded.revision, value = excluded.value, unit = excluded.unit, judged = false where r.revision < excluded.revision"""
OF_READING = """
    select r.*, m.framework, m.code, m.measure, m.scope, m.lower_is_better, m.bound, m.party, m.penalty, a.currency, f.failure_id
    from metric_reading r join metric m using (agreement_id, number) join agreement a using (agreement_id)
    left join performance_failure f on (f.agreement_id, f.number, f.period) = (r.agreement_id, r.number, r.period) and f.withdrawn_at is null"""
TO_JUDGE = f"{OF_READING} where not r.judged and r.over_at <= $1 order by r.over_at limit $2 for update of r skip locked"
JUDGED = """
    update metric_reading r set judged = true from unnest($1::text[], $2::int[], $3::text[]) n(agreement_id, number, period)
    where (r.agreement_id, r.number, r.period) = (n.agreement_id, n.number, n.period)"""
RAISE = "insert into performance_failure (failure_id, agreement_id, number, period, revision, value, unit, raised_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
WITHDRAW = "update performance_failure set withdrawn_at = $2 where failure_id = $1"
LIST = """
    select f.*, m.framework, m.code, m.measure, m.scope, m.lower_is_better, m.bound, m.party, m.penalty, a.currency
    from performance_failure f join metric m using (agreement_id, number) join agreement a using (agreement_id)
    where ($1::text[] is null or exists (select from party p where p.agreement_id = f.agreement_id and p.owner = any($1)))
      and ($2 = '' or f.agreement_id = $2) and (not $3 or f.withdrawn_at is null)
      and ($4::timestamptz is null or (f.raised_at, f.failure_id) < ($4, $5))
    order by f.raised_at desc, f.failure_id desc limit $6"""


async def promise(tx: Tx, agreement_id: str, metrics: Sequence[Metric]) -> None:
    """Keep what a new agreement promises."""
    rows = [(agreement_id, number, m.framework, m.code, m.measure, m.scope, m.lower_is_better, m.bound, m.party, m.penalty) for number, m in enumerate(metrics)]
    if rows:
        await tx.executemany(PROMISE, rows)


async def promised(tx: Tx, agreement_ids: Sequence[str]) -> dict[str, tuple[Metric, ...]]:
    """The metrics of agreements, in the order they were given."""
    found: dict[str, list[Metric]] = defaultdict(list)
    for row in await tx.fetch(PROMISED, agreement_ids):
        found[row["agreement_id"]].append(_metric(row))
    return {agreement_id: tuple(metrics) for agreement_id, metrics in found.items()}


async def read(
    tx: Tx, indicator: tuple[str, str, str], scope: str, period: str, *, revision: int, value: Decimal, unit: str, over_at: datetime, last_day: date
) -> bool:  # fmt: skip
    """Keep a period's newest value for every agreement in force that promises something of it; False: none does."""
    return await tx.execute(READ, *indicator, scope, period, revision, value, unit, over_at, last_day) != "INSERT 0 0"


async def to_judge(tx: Tx, at: datetime, limit: int) -> list[Reading]:
    """Values of periods that are over and have not been judged, locked; what somebody has in hand right now is theirs."""
    return [_reading(row, row["failure_id"]) for row in await tx.fetch(TO_JUDGE, at, limit)]


async def judged(tx: Tx, readings: Sequence[Reading]) -> None:
    """These need not be looked at again until their value changes."""
    await tx.execute(JUDGED, [r.agreement_id for r in readings], [r.number for r in readings], [r.period for r in readings])


async def put(tx: Tx, failures: Iterable[Failure]) -> None:
    """Keep new failures."""
    rows = [
        (f.failure_id, f.reading.agreement_id, f.reading.number, f.reading.period, f.reading.revision, f.reading.value, f.reading.unit, f.raised_at)
        for f in failures
    ]
    if rows:
        await tx.executemany(RAISE, rows)


async def withdraw(tx: Tx, failure_ids: Iterable[str], at: datetime) -> None:
    """These stand no more."""
    rows = [(failure_id, at) for failure_id in failure_ids]
    if rows:
        await tx.executemany(WITHDRAW, rows)


async def listed(tx: Tx, owners: Owners, *, agreement_id: str, standing_only: bool, after: tuple[datetime, str] | None, limit: int) -> list[Failure]:
    """Failures, newest first."""
    at, failure_id = after or (None, "")
    rows = await tx.fetch(LIST, owners, agreement_id, standing_only, at, failure_id, limit)
    return [Failure(failure_id=row["failure_id"], reading=_reading(row, None), raised_at=row["raised_at"], withdrawn_at=row["withdrawn_at"]) for row in rows]


def _metric(row: Row) -> Metric:
    return Metric(
        framework=row["framework"],
        code=row["code"],
        measure=row["measure"],
        scope=row["scope"],
        lower_is_better=row["lower_is_better"],
        bound=row["bound"],
        party=row["party"],
        penalty=row["penalty"],
    )


def _reading(row: Row, failure_id: str | None) -> Reading:
    return Reading(
        agreement_id=row["agreement_id"],
        currency=row["currency"],
        number=row["number"],
        metric=_metric(row),
        period=row["period"],
        revision=row["revision"],
        value=row["value"],
        unit=row["unit"],
        failure_id=failure_id,
    )
