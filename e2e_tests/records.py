"""What the layers' own rows say of services: that nothing is left of those that did not go live, that all have a record of those that did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from stratapolis.cli.local.city import until
from stratapolis.cli.local.errors import LocalCityError

from e2e_tests.conftest import HOLDERS, LAYERS, LETTING_GO, Town

LEFT = {
    ("policy", "money"): "select service_id from reservation where service_id = any($1)",
    ("infrastructure", "capacity"): "select service_id from allocation where service_id = any($1) and state <> 'released'",
    ("infrastructure", "software"): "select service_id from deployment where service_id = any($1) and (state <> 'retired' or pid is not null)",
    ("data", "grant"): "select service_id from contract where service_id = any($1) and state in ('held', 'granted')",
    ("connectivity", "connection"): "select service_id from connection where service_id = any($1) and state <> 'severed'",
    (
        "connectivity",
        "identity",
    ): "select subject as service_id from identity where subject = any(select 'system:' || s from unnest($1::text[]) s) and state <> 'revoked'",
    (
        "connectivity",
        "credential",
    ): "select subject as service_id from credential where revoked_at is null and subject = any(select 'system:' || s from unnest($1::text[]) s)",
    ("value_catalog", "entry"): "select service_id from entry where service_id = any($1)",
} | {(layer, "hold"): "select service_id from hold where service_id = any($1) and state in ('held', 'active')" for layer in LETTING_GO}
"""By layer and what it holds: the services that it still holds some of."""

THERE = {
    ("governance", "service"): "select service_id from service where service_id = any($1) and live_version is not null",
    (
        "connectivity",
        "system",
    ): "select substr(subject, 8) as service_id from identity where state = 'active' and subject = any(select 'system:' || s from unnest($1::text[]) s)",
    ("connectivity", "connection"): "select service_id from connection where service_id = any($1) and state = 'trusted'",
    ("data", "service"): "select service_id from service where service_id = any($1)",
    ("value_catalog", "entry"): "select service_id from entry where service_id = any($1) and state = 'live'",
} | {(layer, "hold"): "select service_id from hold where service_id = any($1) and state = 'active'" for layer in HOLDERS}
"""By layer and record: the services that have it."""

MONEY = """
    select source_id from funding_source s where (reserved, committed) is distinct from (select
        (coalesce(sum(amount) filter (where not committed), 0)::numeric(38, 9), coalesce(sum(amount) filter (where committed), 0)::numeric(38, 9))
        from reservation r where r.source_id = s.source_id)"""
CAPACITY = """
    select name from pool p where (used_cpu_millis, used_memory_mib) is distinct from (select
        (coalesce(sum(cpu_millis), 0)::int, coalesce(sum(memory_mib), 0)::int) from allocation a where a.pool = p.name and a.state <> 'released')"""


async def left(town: Town, services: Iterable[str]) -> dict[tuple[str, str], int]:
    """How many of these services each layer still holds something for."""
    wanted = sorted(services)
    found = Counter({what: len(await town.rows(what[0], sql, wanted)) for what, sql in LEFT.items()})
    return dict(+found)


async def missing(town: Town, services: Iterable[str]) -> dict[tuple[str, str], int]:
    """Of how many of these services each layer has no record."""
    wanted = set(services)
    found = Counter({what: len(wanted - {row["service_id"] for row in await town.rows(what[0], sql, sorted(wanted))}) for what, sql in THERE.items()})
    return dict(+found)


async def sums_wrong(town: Town) -> list[str]:
    """Sources and pools whose sums are not those of what is held of them."""
    return [row[0] for layer, sql in (("policy", MONEY), ("infrastructure", CAPACITY)) for row in await town.rows(layer, sql)]


async def open_dead_letters(town: Town, services: Iterable[str]) -> list[tuple[str, str, str]]:
    """What any layer could not apply of these services and has not been told what to do with."""
    found, keys = [], sorted(services)
    for layer in LAYERS:
        rows = await town.rows(layer, "select topic, error from dead_letter where state in ('dead', 'waiting') and key = any($1)", keys)
        found += [(layer, row["topic"], row["error"]) for row in rows]
    return found


async def not_ended_once(town: Town, journeys: Iterable[str]) -> dict[str, int]:
    """Journeys that governance has not said the end of exactly once, and how often it has."""
    kind = "city.governance.v1.JourneyEnded"
    said = await town.rows("governance", "select headers->>'ce_correlation' as journey from outbox where headers->>'ce_type' = $1", kind)
    ends = Counter(row["journey"] for row in said)
    return {journey: ends[journey] for journey in journeys if ends[journey] != 1}


async def until_right(town: Town, live: Iterable[str], gone: Iterable[str], *, within: float = 60) -> None:
    """Until the layers hold nothing of what is gone, have a record of all that is live, and their sums are right."""
    seen: dict[str, object] = {}

    async def right() -> bool:
        seen.update({"left": await left(town, gone), "missing": await missing(town, live), "sums wrong": await sums_wrong(town)})
        return not any(seen.values())

    try:
        await until(right, "what is held to be what is live", within=within)
    except LocalCityError as error:
        raise LocalCityError(f"{error}: {seen}") from None
