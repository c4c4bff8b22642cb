"""G4: the outbox is complete and honest: what was committed is on the topic, and nothing of a transaction that was rolled back."""

from __future__ import annotations

import asyncio

from e2e_tests import said
from e2e_tests.conftest import Town

UNDONE = "select max(id) - count(*) as n from outbox"
"""Numbers that were given to rows of transactions that were rolled back."""


async def test_g4_what_was_committed_is_on_the_topic_and_what_was_rolled_back_never(town: Town) -> None:
    undone = {layer: await _undone(town, layer) for layer in ("policy", "connectivity")}
    async with asyncio.timeout(120):  # a kill before the layer said anything undoes nothing, and there is another
        for layer, stood in undone.items():
            while await _undone(town, layer) == stood:
                armed = town.arm(layer, "after-effect-before-commit")
                journey = (await town.propose()).journey_id
                await town.died(armed)
                await town.healthy(layer)
                await town.ended([journey])
    published = await said.rows(town, said.PUBLISHED)
    found = await said.on_topics(town)
    committed = await said.rows(town, said.COMMITTED)
    assert len(published) > 30
    assert published - found == set(), "published, and not on its topic"
    assert found - committed == set(), "on a topic, and never committed"


async def _undone(town: Town, layer: str) -> int:
    return int((await town.rows(layer, UNDONE))[0]["n"])
