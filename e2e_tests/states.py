"""What a layer is at a moment: its rows, where it stands on its topics, what it has said, what it has counted."""

from __future__ import annotations

from collections import Counter

import httpx
from prometheus_client.parser import text_string_to_metric_families
from stratapolis.cli.local.city import until

from e2e_tests import wire
from e2e_tests.conftest import LAYERS, Town

TABLES = "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname = 'public' order by 1"
DIGEST = "select md5(coalesce(string_agg(t::text, e'\n' order by t::text), '')) from {table} t"
ROWS_OF = {"inbox": "(select * from inbox where key not like '%/%')"}
"""Keys with a stroke are of series: the platform measures itself by a clock."""
MOVING = frozenset({
    "position", "outbox", "outbox_sequence", "idempotent_answer", "assertion", "audit", "seal", "sealed", "unsealed", "deployment",
    "said", "forgotten", "measurement", "measured", "to_measure", "governance.series",
})  # fmt: skip
"""Tables that change by themselves, by a clock or by being asked: what is said counts apart."""
SAID = """
    select topic, key, count(*) as n from outbox
    where headers->>'ce_type' !~ '[.](Revoked|AuditSealed|IndicatorMeasured|IndicatorOffTarget|IndicatorRecovered)$' group by 1, 2"""
"""Events by key, but for what is said by a clock."""
LEFT = "select count(*) filter (where published_at is null), max(id) from outbox"


async def state(town: Town, layer: str) -> dict[str, str]:
    """A digest of each table of a layer that only events and calls change."""
    tables = [row["relname"] for row in await town.rows(layer, TABLES) if not {row["relname"], f"{layer}.{row['relname']}"} & MOVING]
    return {table: (await town.rows(layer, DIGEST.format(table=ROWS_OF.get(table, table))))[0][0] for table in tables}


async def said(town: Town, layer: str) -> dict[tuple[str, str], int]:
    """How much a layer has said of each key."""
    return {(row["topic"], row["key"]): row["n"] for row in await town.rows(layer, SAID)}


async def past(town: Town, layer: str, topic: str, partition: int, offset: int, *, within: float = 30) -> None:
    """Until a layer has read past an offset."""

    async def read() -> bool:
        rows = await town.rows(layer, "select next from position where topic = $1 and part = $2", topic, partition)
        return bool(rows) and rows[0]["next"] > offset

    await until(read, f"{layer} to read past {topic}[{partition}]@{offset}", within=within)


async def at_rest(town: Town, *layers: str, within: float = 60) -> None:
    """Until these layers have published all that they have said, and read all that there is on the topics they hear."""

    async def nothing_left() -> bool:
        before = [tuple((await town.rows(layer, LEFT))[0]) for layer in layers]
        if any(left for left, _ in before):
            return False
        ends = await wire.ends(town.city.at.kafka)
        behind = [
            layer for layer in layers for row in await town.rows(layer, "select topic, part, next from position")
            if row["next"] < ends[row["topic"], row["part"]]
        ]  # fmt: skip
        return not behind and [tuple((await town.rows(layer, LEFT))[0]) for layer in layers] == before

    await until(nothing_left, f"{', '.join(layers)} to have read and said all there is", within=within)


async def snapshot(town: Town) -> dict[tuple[str, str, object], object]:
    """All layers' tables and what they have said, by name."""
    found: dict[tuple[str, str, object], object] = {}
    for layer in LAYERS:
        found |= {(layer, "table", table): digest for table, digest in (await state(town, layer)).items()}
        found |= {(layer, "said of", key): number for key, number in (await said(town, layer)).items()}
    return found


def changed(before: dict[tuple[str, str, object], object], after: dict[tuple[str, str, object], object]) -> set[tuple[str, str, object]]:
    """What is not the same in two snapshots."""
    return {what for what in before.keys() | after.keys() if before.get(what) != after.get(what)}


async def counted(town: Town, layer: str, name: str) -> Counter[str]:
    """What a layer's processes have counted by topic since they started."""
    found: Counter[str] = Counter()
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for address in town.city.at.http[layer]:
            for family in text_string_to_metric_families((await client.get(f"http://{address}/metrics")).text):
                found.update({sample.labels["topic"]: int(sample.value) for sample in family.samples if sample.name == name})
    return found
