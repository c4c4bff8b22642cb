"""A database restored from a dump, and a topic deleted and made again: nothing is lost in silence."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from city.journey.v1 import journey_pb2 as shared
from city.policy.v1.agreement_service_pb2 import CreateAgreementRequest, SignAgreementRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.types.v1.types_pb2 import Share
from stratapolis.chassis import topics
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.times import to_timestamp
from stratapolis.cli.local.city import until
from stratapolis.cli.local.errors import LocalCityError

from e2e_tests import poison, records, said, states
from e2e_tests.conftest import LAYERS, PROCESSES, Town, patiently

LAYER, TOPIC = "policy", "city.policy.v1"
FORGET = "CITY_POLICY_FORGET"
REFUSED = re.compile(r"does not know (\d+) events .* start once with CITY_POLICY_FORGET=\1 ")


@asynccontextmanager
async def _server(town: Town) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(town.city.stores.postgres.dsn())
    try:
        yield connection
    finally:
        await connection.close()


async def _dumped(town: Town) -> None:
    """A copy of policy's database as it is now."""
    await town.city.take_down(LAYER)
    async with _server(town) as server:
        await server.execute(f"drop database if exists {LAYER}_dump with (force)")
        await server.execute(f"create database {LAYER}_dump template {LAYER} owner {LAYER}")
    await town.city.bring_back(LAYER)


async def _restored(town: Town) -> None:
    """The copy in the database's place; policy is away."""
    async with _server(town) as server:
        await server.execute(f"drop database {LAYER} with (force)")
        await server.execute(f"alter database {LAYER}_dump rename to {LAYER}")
        await server.execute(f"revoke all on database {LAYER} from public")


async def _signed(town: Town) -> str:
    """An agreement of the city with itself, in force."""
    stub, end = town.city.stub(AgreementServiceStub, LAYER), to_timestamp(datetime.now(UTC) + timedelta(days=9))
    made = CreateAgreementRequest(request_id=new_id(), title="Restored", shares=[Share(party="city", basis_points=10_000)], currency="EUR", end_time=end)
    agreement = (await patiently(lambda: stub.CreateAgreement(made))).agreement
    signing = SignAgreementRequest(request_id=new_id(), agreement_id=agreement.agreement_id, party="city")
    await patiently(lambda: stub.SignAgreement(signing))
    return str(agreement.agreement_id)


async def _live(town: Town, number: int) -> list[str]:
    """Services that have just gone live."""
    journeys = [await town.propose() for _ in range(number)]
    ended = await town.ended([journey.journey_id for journey in journeys])
    assert {journey.state for journey in ended.values()} == {shared.JOURNEY_STATE_LIVE}
    return [journey.service_id for journey in journeys]


async def _on_topic(town: Town) -> set[tuple[str, int, str]]:
    return {(key, sequence, event) for topic, key, sequence, event, _ in await said.on_topics(town) if topic == TOPIC}


async def _told(town: Town) -> int:
    """How many events policy says that its database does not know, when it is let start."""
    with pytest.raises(LocalCityError):
        await town.city.bring_back(LAYER, within=8)
    counts: list[int] = []

    async def refused() -> bool:
        found = REFUSED.search(town.city.process(LAYER).reason())
        counts.extend([int(found[1])] if found else [])
        return bool(found)

    await until(refused, "policy to say what its database does not know", within=60)
    return counts[0]


@pytest.mark.slow
async def test_g2_a_layer_on_a_database_from_a_dump_says_what_it_forgot_and_goes_on_behind_it_when_told(town: Town) -> None:
    await _dumped(town)
    services, agreements = await _live(town, 3), [await _signed(town) for _ in range(2)]
    await states.at_rest(town, *LAYERS)
    await town.city.take_down(LAYER)
    before = await _on_topic(town)
    await _restored(town)
    count = await _told(town)
    assert await _on_topic(town) == before, "it said something though it was refused"
    town.city.environment(LAYER)[FORGET] = str(count)
    try:
        await town.city.until_ready(LAYER)
    finally:
        del town.city.environment(LAYER)[FORGET]
    kept = {tuple(row) for row in await town.rows(LAYER, "select key, sequence, event_id from forgotten where topic = $1", TOPIC)}
    known = {tuple(row) for row in await town.rows(LAYER, "select key, sequence, headers->>'ce_id' from outbox where topic = $1", TOPIC)}
    assert count == len(kept) and kept <= before
    assert before - known == kept, "what lies on the topic and is not in the outbox is what it keeps"
    assert set(agreements) <= {key for key, _, _ in kept}
    services += await _live(town, 2)
    signed = await _signed(town)
    await states.at_rest(town, *LAYERS)
    assert await records.open_dead_letters(town, [*services, *agreements, signed]) == []
    await _readers_agree(town)
    await town.city.restart(LAYER)


async def _readers_agree(town: Town) -> None:
    """Whoever hears policy has applied each key to the last sequence that policy gave."""
    for layer in poison.readers(TOPIC):

        async def level(layer: str = layer) -> bool:
            last = {row["key"]: row["last"] for row in await town.rows(LAYER, "select key, last from outbox_sequence where topic = $1", TOPIC)}
            rows = await town.rows(layer, "select key, last, parked from inbox where topic = $1 and key = any($2)", TOPIC, list(last))
            heard = await town.rows(layer, "select from position where topic = $1", TOPIC)
            return not heard or ({row["key"]: row["last"] for row in rows} == last and not any(row["parked"] for row in rows))

        await until(level, f"{layer} to have applied all that {LAYER} has said", within=30)


@pytest.mark.slow
async def test_g2_a_topic_that_is_deleted_and_made_again_under_the_running_city_is_whole_again(town: Town) -> None:
    services = await _live(town, 2)
    await states.at_rest(town, *LAYERS)
    before, pids = await _on_topic(town), {name: town.city.process(name).pid for name in PROCESSES}
    admin = AIOKafkaAdminClient(bootstrap_servers=town.city.at.kafka)
    await admin.start()
    try:
        await admin.delete_topics([TOPIC])

        async def gone() -> bool:
            return TOPIC not in await admin.list_topics()

        await until(gone, f"{TOPIC} to be gone", within=30)
    finally:
        await admin.close()
    await topics.make(town.city.at.kafka)

    async def started_again() -> bool:
        return all(town.city.process(name).pid != pid for name, pid in pids.items())

    await until(started_again, "every process to see it", within=60)
    await town.healthy()
    await states.at_rest(town, *LAYERS)
    ours = {(key, sequence, event) for topic, key, sequence, event, _ in await said.rows(town, said.PUBLISHED) if topic == TOPIC}
    assert ours & before == await _on_topic(town) & before
    assert {event for _, _, event in ours} <= {event for _, _, event in await _on_topic(town)}
    services += await _live(town, 2)
    await states.at_rest(town, *LAYERS)
    assert await records.open_dead_letters(town, services) == []
    await _readers_agree(town)
