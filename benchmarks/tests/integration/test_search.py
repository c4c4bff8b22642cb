"""The catalogue that is searched: as many entries as said, each found by its kind and by its own title."""

from __future__ import annotations

from stratapolis.value_catalog.store import entries
from stratapolis.value_catalog.store.entries import Filter

from benchmarks import search
from conftest import MakeDatabase


async def test_a_kind_of_service_is_found_in_every_district_and_a_title_once(make_database: MakeDatabase) -> None:
    kinds = search.seeds()
    db = await make_database("value_catalog")
    await search.fill(db, kinds, 3 * len(kinds))
    async with db.transaction() as tx:
        assert await tx.value("select count(*) from entry where state = 'live'") == 3 * len(kinds)
        for kind in kinds:
            rows = await entries.search(tx, search.words(kind.name), Filter(), after=None, limit=500)
            titles = [search.TITLE.substitute(name=kind.name, district=n) for n in range(3)]
            assert set(titles) <= {row["title"] for row in rows}
            one = await entries.search(tx, search.words(titles[1]), Filter(), after=None, limit=500)
            assert titles[1] in {row["title"] for row in one}
