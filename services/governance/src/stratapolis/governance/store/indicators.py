"""Definitions and targets that officers have added to those that ship."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.governance.domain.errors import TooManyIndicators
from stratapolis.governance.domain.indicator import Definition, Direction, IndicatorKey, Target
from stratapolis.governance.domain.period import Length

AT_MOST = 500
"""Indicators that officers may define; lists of what is measured are read whole."""

DEFINE = """
    insert into definition (framework, code, measure, name, unit, direction, length, source, defined_by, defined_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing"""
OF = """
    select d.* from definition d join unnest($1::text[], $2::text[], $3::text[]) n(framework, code, measure)
        on (d.framework, d.code, d.measure) = (n.framework, n.code, n.measure)"""
SET = "insert into target (framework, code, measure, scope, value, source, set_by, set_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
# A target of the scope's own goes before one for every scope; of either, the newest holds.
TARGETS = """
    select n.place, t.* from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality n(framework, code, measure, wanted, place)
    cross join lateral (
        select t.scope, t.value, t.source, t.set_at from target t
        where (t.framework, t.code, t.measure) = (n.framework, n.code, n.measure) and t.scope in (n.wanted, '')
        order by t.scope = '', t.target_id desc limit 1
    ) t"""
HAND = "recorded by an officer"


async def define(tx: Tx, definition: Definition, *, name: str, by: str, at: datetime) -> bool:
    """Keep a new definition; False where there is one. `name` is empty for what a framework names. Raises TooManyIndicators."""
    await tx.execute("lock table definition in share row exclusive mode")
    if await tx.value("select count(*) from definition") >= AT_MOST:
        raise TooManyIndicators(AT_MOST)
    key = definition.key
    about = (definition.unit, definition.direction, definition.length, definition.source)
    return await tx.execute(DEFINE, key.framework, key.code, key.measure, name, *about, by, at) == "INSERT 0 1"


async def defined(tx: Tx, keys: Iterable[IndicatorKey] | None = None) -> dict[IndicatorKey, tuple[Definition, str]]:
    """What officers have defined, each with its name; of these keys only, if any are given."""
    rows = await (tx.fetch("select * from definition") if keys is None else tx.fetch(OF, *_columns(keys)))
    found = [_definition(row) for row in rows]
    return {definition.key: (definition, row["name"]) for definition, row in zip(found, rows, strict=True)}


async def set_target(tx: Tx, key: IndicatorKey, target: Target, *, by: str) -> None:
    """Keep a target; those before it stay as history."""
    await tx.execute(SET, key.framework, key.code, key.measure, target.scope, target.value, target.source, by, target.set_at)


async def targets(tx: Tx, series: Iterable[tuple[IndicatorKey, str]]) -> Mapping[tuple[IndicatorKey, str], Target]:
    """The targets that officers have set for these indicators and scopes, where they have."""
    wanted = list(series)
    rows = await tx.fetch(TARGETS, *_columns(key for key, _ in wanted), [scope for _, scope in wanted])
    return {wanted[row["place"] - 1]: Target(value=row["value"], source=row["source"], scope=row["scope"], set_at=row["set_at"]) for row in rows}


def _columns(keys: Iterable[IndicatorKey]) -> tuple[list[str], list[str], list[str]]:
    keys = list(keys)
    return [key.framework for key in keys], [key.code for key in keys], [key.measure for key in keys]


def _definition(row: Row) -> Definition:
    return Definition(
        key=IndicatorKey(row["framework"], row["code"], row["measure"]),
        unit=row["unit"],
        direction=Direction(row["direction"]),
        length=Length(row["length"]),
        computed_as=HAND,
        source=row["source"],
    )
