"""Set algebra at the end: what was acknowledged is what is stored, published and applied; every difference is named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from city.journey.v1 import journey_pb2 as shared
from city.value_catalog.v1.events_pb2 import ServiceUsed
from stratapolis.chassis import contract
from stratapolis.cli.local.errors import LocalCityError

from e2e_tests import books, observing, records, said, states
from e2e_tests.chaos.load import Load
from e2e_tests.conftest import LAYERS, Town
from e2e_tests.mixture import ENDS

SHOWN = 5
"""Of a difference, so many are shown."""
ENDED_WITHIN, AT_REST_WITHIN = 180.0, 180.0
SAID_LAST = "select key, last from outbox_sequence where topic = $1"
APPLIED_LAST = "select key, last, parked from inbox where topic = $1"
HEARD = "select distinct topic from position"
LETTERS = "select topic, key, error from dead_letter where state in ('dead', 'waiting')"
USED = "select use_id from used where service_id = $1"
RECORDED = "select use_id from recorded_use where service_id = $1"
OPEN_HOLDS = "select h.journey_id from hold h where h.state = 'held'"
JOURNEYS = "select journey_id from journey where creator_id = $1"


@dataclass(slots=True)
class Verdict:
    """What differs, by what should be equal; empty when nothing was lost, doubled or hung."""

    differences: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)

    def same(self, what: str, left: AbstractSet[Any], right: AbstractSet[Any]) -> None:
        """Two sets must be one."""
        for name, only in (("missing", left - right), ("too many", right - left)):
            if only:
                self.differences[f"{what}: {name}"] = {"count": len(only), "some": sorted(map(str, only))[:SHOWN]}

    def none(self, what: str, found: Any) -> None:
        """Nothing of this kind may be there."""
        if found:
            self.differences[what] = str(found)[:2_000]

    async def holds(self, what: str, check: Callable[[], Awaitable[Any]]) -> Any:
        """A check that waits for something or asserts it; None, and a difference, when that is in vain."""
        try:
            return await check()
        except (AssertionError, LocalCityError, TimeoutError) as error:
            self.differences[what] = str(error)[:2_000] or repr(error)
        return None


async def judge(town: Town, load: Load) -> Verdict:
    """The verdict on a city in which nothing is in anybody's way any more."""
    verdict = Verdict()
    await _journeys(town, load, verdict)
    last = {layer: await _said_last(town, layer) for layer in LAYERS}
    await verdict.holds("all is said and heard", lambda: states.at_rest(town, *LAYERS, within=AT_REST_WITHIN))
    await _uses(town, load, verdict)
    await _observations(town, load, verdict)
    await _published(town, verdict)
    for layer in LAYERS:
        await _applied(town, layer, last, verdict)
        verdict.none(f"{layer}: dead letters", [tuple(row) for row in await town.rows(layer, LETTERS)])
    return verdict


async def _journeys(town: Town, load: Load, verdict: Verdict) -> None:
    """Each is there, ended once and as its kind says, and nothing is held for it but what is live."""
    ids = {one.journey_id: one for one in load.proposed}
    verdict.totals["journeys"] = len(ids)
    stored = {row[0] for row in await town.rows("governance", JOURNEYS, load.mixture.creator.creator_id)}
    verdict.same("journeys acknowledged and stored", set(ids), stored)
    ended = await verdict.holds("journeys end", lambda: town.ended(list(ids), within=ENDED_WITHIN))
    if ended is None:
        return
    verdict.none(
        "journeys that ended otherwise",
        [(str(ids[j.journey_id].kind), j.state, str(j.reasons)) for j in ended.values() if j.state != ENDS[ids[j.journey_id].kind]],
    )
    verdict.none("journeys that did not end once", await records.not_ended_once(town, ids))
    live = {one.service_id for one in load.proposed if ENDS[one.kind] == shared.JOURNEY_STATE_LIVE}
    gone = {one.service_id for one in load.proposed} - live
    await verdict.holds("what is held is what is live", lambda: records.until_right(town, live, gone))
    for layer in LAYERS:
        held = {row[0] for row in await town.rows(layer, OPEN_HOLDS)} if layer != "governance" else set()
        verdict.none(f"{layer}: holds that outlive their journey", held & set(ids))


async def _uses(town: Town, load: Load, verdict: Verdict) -> None:
    """Acknowledged, recorded, said, counted and charged are the same uses."""
    service, acknowledged = load.paid.service_id, set(load.uses)
    verdict.totals["uses"] = len(acknowledged)
    await verdict.holds("uses are charged", lambda: books.charged(town, load.paid))
    verdict.same("uses acknowledged and recorded", acknowledged, {row[0] for row in await town.rows("value_catalog", RECORDED, service)})
    verdict.same("uses acknowledged and counted", acknowledged, {row[0] for row in await town.rows("governance", USED, service)})
    kind = ServiceUsed.DESCRIPTOR.full_name
    events = [ServiceUsed.FromString(row[0]) for row in await town.rows("value_catalog", "select payload from outbox where headers->>'ce_type' = $1", kind)]
    verdict.same("uses acknowledged and said", acknowledged, {event.use_id for event in events if event.service_id == service})
    await verdict.holds("uses cost what their tariff says", lambda: books.is_priced(town, load.paid))
    await verdict.holds("revenue is shared", lambda: books.is_shared(town, load.paid))
    verdict.totals["charges"] = (await town.rows("governance", "select count(*) from charge where service_id = $1", service))[0][0]


async def _observations(town: Town, load: Load, verdict: Verdict) -> None:
    names, wanted = [thing.subject for thing in load.things], load.posts * observing.BATCH
    verdict.totals["observations"] = (await town.rows("data", observing.ROWS, names))[0]["n"]
    verdict.none("observations that are not as many as were accepted", verdict.totals["observations"] != wanted and (verdict.totals["observations"], wanted))
    verdict.none("observations refused", [row[0] for row in await town.rows("data", observing.REFUSED, names)][:SHOWN])
    accepted = (await town.rows("data", observing.TAKEN))[0]
    verdict.totals["observations seen again"] = accepted["duplicates"]
    verdict.none("observations counted as taken in otherwise", accepted["accepted"] != wanted and (accepted["accepted"], wanted))


async def _published(town: Town, verdict: Verdict) -> None:
    """What stands in the outboxes lies on the topics, and nothing else does."""
    committed, published = await said.rows(town, said.COMMITTED), await said.on_topics(town)
    later = await said.rows(town, said.COMMITTED)
    verdict.totals["events"] = len(committed)
    verdict.same("events committed and published", committed, published & committed)
    verdict.same("events published and committed", published, published & later)


async def _said_last(town: Town, layer: str) -> dict[tuple[str, str], int]:
    """The last sequence that a layer has given to each key of its topics."""
    own = [topic.name for topic in contract.topics().values() if topic.writer == layer]
    return {(topic, row["key"]): row["last"] for topic in own for row in await town.rows(layer, SAID_LAST, topic)}


async def _applied(town: Town, layer: str, last: dict[str, dict[tuple[str, str], int]], verdict: Verdict) -> None:
    """A layer has applied, of each key of each topic that it hears, all that was said before it came to rest, and no more than was said."""
    heard = {row[0] for row in await town.rows(layer, HEARD)} - {"city.connectivity.raw.v1"}
    for topic in sorted(heard):
        writer = contract.topics()[topic].writer
        applied = {row["key"]: row["last"] for row in await town.rows(layer, APPLIED_LAST, topic)}
        behind = {key: (applied.get(key, 0), end) for (name, key), end in last[writer].items() if name == topic and applied.get(key, 0) < end}
        verdict.none(f"{layer}: keys of {topic} not applied to their end", behind)
        now = {key: end for (name, key), end in (await _said_last(town, writer)).items() if name == topic}
        verdict.none(f"{layer}: keys of {topic} applied past their end", {key: end for key, end in applied.items() if end > now.get(key, 0)})
