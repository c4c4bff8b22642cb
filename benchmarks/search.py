"""Searches in a catalogue of ten thousand entries, as a client of the running city makes them: over gRPC, with a token."""

from __future__ import annotations

import csv
import itertools
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import Template

from city.governance.v1.events_pb2 import StageRequested
from city.manifest.v1.manifest_pb2 import MODEL_FREE, STAKEHOLDER_RESIDENT, Manifest, Metadata, NoSoftware, Outcome, Plan, Price, Runtime, Spec
from city.types.v1.types_pb2 import IndicatorKey, Share
from city.value_catalog.v1.catalog_service_pb2 import SearchServicesRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stratapolis.chassis.db import Database
from stratapolis.chassis.ids import new_id
from stratapolis.value_catalog.codec import entries as codec
from stratapolis.value_catalog.store import entries

from benchmarks import town
from benchmarks.figure import Figure, quantile
from benchmarks.ground import ROOT

ENTRIES, SEARCHES, SHOWN, AT_ONCE = 10_000, 1_000, 20, 500
SEEDS = ROOT / "examples" / "data" / "seed-services.csv"
TITLE = Template("$name in district $district")
SHOW = "update entry set state = 'live', published_at = now() where state = 'hidden'"


@dataclass(frozen=True, slots=True)
class Seed:
    """A real city's service, offered in many districts."""

    name: str
    description: str
    category: str
    indicator: IndicatorKey


async def run(*, size: int = ENTRIES, searches: int = SEARCHES) -> list[Figure]:
    """One search after another, pages of 20: for a kind of service, which many entries fit, and for one in a district."""
    kinds, chance = seeds(), random.Random(20_261_127)
    async with town.town() as where:
        async with Database(where.city.stores.postgres.dsn("value_catalog"), name="bench", size=1) as db:
            await fill(db, kinds, size)
        stub = where.city.stub(CatalogServiceStub, "value_catalog", as_=where.founder)
        many, one = [], []
        for _ in range(searches):
            kind = chance.choice(kinds).name
            many.append(await searched(stub, words(kind), at_least=size // len(kinds)))
            one.append(await searched(stub, words(TITLE.substitute(name=kind, district=chance.randrange(size // len(kinds)))), at_least=1))
    fit = f"{size // len(kinds)} entries fit or more, {SHOWN} are shown"
    return [
        Figure(f"search of {size:,} entries, a kind of service, p50", quantile(many, 0.5), "ms", note=fit),
        Figure(f"search of {size:,} entries, a kind of service, p99", quantile(many, 0.99), "ms"),
        Figure(f"search of {size:,} entries, one service, p50", quantile(one, 0.5), "ms"),
        Figure(f"search of {size:,} entries, one service, p99", quantile(one, 0.99), "ms"),
    ]


def words(title: str) -> str:
    """What somebody types who looks for it: its words, since a dash before one means that it must not be there."""
    return " ".join(re.findall(r"\w+", title))


async def searched(stub: CatalogServiceStub, query: str, *, at_least: int) -> float:
    """Milliseconds of a search, which has found what it must."""
    began = time.perf_counter()
    answer = await stub.SearchServices(SearchServicesRequest(query=query, page_size=SHOWN))
    took = time.perf_counter() - began
    if len(answer.found) < min(at_least, SHOWN):
        raise RuntimeError(f"{query!r} finds {len(answer.found)} entries")
    return 1_000 * took


def seeds() -> Sequence[Seed]:
    """The services of the seed data."""
    with SEEDS.open() as file:
        return [
            Seed(row["name"], row["description"], row["category"], IndicatorKey(framework=row["framework"], code=row["code"], measure=row["measure"]))
            for row in csv.DictReader(file)
        ]


def listings(kinds: Sequence[Seed], size: int) -> Iterator[StageRequested]:
    """Requests to list so many services, each kind in each district once."""
    for n in range(size):
        district, place = divmod(n, len(kinds))
        kind = kinds[place]
        yield StageRequested(
            journey_id=new_id(), service_id=new_id(), version=1, attempt=1, creator_id="creator-bench", creator_name="Lantern Works",
            manifest=manifest(kind, TITLE.substitute(name=kind.name, district=district), n), shares=[Share(party="creator-bench", basis_points=10_000)],
        )  # fmt: skip


def manifest(kind: Seed, title: str, n: int) -> Manifest:
    """A free service without software."""
    return Manifest(
        api_version="city/v1",
        kind="Service",
        metadata=Metadata(name=f"service-{n}", title=title, description=kind.description),
        spec=Spec(
            category=kind.category,
            stakeholders=[STAKEHOLDER_RESIDENT],
            outcomes=[Outcome(name=f"Better {kind.category}", indicator=kind.indicator)],
            price=Price(plans=[Plan(name="free", model=MODEL_FREE)]),
            runtime=Runtime(none=NoSoftware()),
        ),
    )


async def fill(db: Database, kinds: Sequence[Seed], size: int) -> None:
    """The entries as the layer's own code prepares them, shown; what autovacuum would have done meanwhile is done."""
    waiting = listings(kinds, size)
    while some := list(itertools.islice(waiting, AT_ONCE)):
        async with db.transaction() as tx:
            for request in some:
                await entries.prepare(tx, codec.prepared(request), tx.at)
            await tx.execute(SHOW)
    async with db.direct() as connection:
        await connection.execute("vacuum analyze entry")
