"""G3: effects happen once, however often a message arrives. (The ledger's doubles have tests of their own.)"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from stratapolis.chassis import contract
from stratapolis.chassis.ids import new_id

from e2e_tests import poison, states, wire
from e2e_tests.conftest import LAYERS, PROCESSES, Town

COPIES = 2
NEWEST = 25
"""Events of each topic that come again."""


async def test_g3_doubles_of_real_events_under_the_same_and_under_new_ids_change_nothing_and_are_counted(town: Town) -> None:
    journey = await town.propose()
    await town.ended([journey.journey_id])
    await states.at_rest(town, *LAYERS)
    readers = {topic: await _readers(town, topic) for topic in wire.OUTBOX_TOPICS}
    stood = await states.snapshot(town)
    before = {layer: await states.counted(town, layer, "city_events_double_total") for layer in LAYERS}
    sent = Counter[str]()
    async with wire.writer(town.city.at.kafka) as producer:
        for topic in wire.OUTBOX_TOPICS:
            at = [await _send_again(producer, record, number) for record in await _newest(town, topic) for number in range(2 * COPIES)]
            sent[topic] = len(at)
            ends = {one.partition: one.offset for one in at}
            await asyncio.gather(*(states.past(town, layer, topic, *end) for layer in readers[topic] for end in ends.items()))
    await states.at_rest(town, *LAYERS)
    doubles = {layer: await states.counted(town, layer, "city_events_double_total") - before[layer] for layer in LAYERS}
    expected = {layer: Counter({topic: n for topic, n in sent.items() if layer in readers[topic]}) for layer in LAYERS}
    assert doubles == expected
    assert sum(map(len, expected.values())) >= 12  # layers and topics that they hear
    assert states.changed(stood, await states.snapshot(town)) == set()


async def _newest(town: Town, topic: str) -> list[ConsumerRecord]:
    """The newest events of a topic; of a compacted one the newest of each key, since readers keep what comes last."""
    records = sorted(await wire.read(town.city.at.kafka, topic), key=lambda r: (r.timestamp, r.partition, r.offset))
    real = [r for r in records if wire.is_said(r)]
    if contract.topics()[topic].compacted:
        real = list({r.key: r for r in real}.values())
    return real[-NEWEST:]


async def _send_again(producer: AIOKafkaProducer, record: ConsumerRecord, number: int) -> wire.Sent:
    """One copy: the first ones under the event's own id, as a relay that died before it marked sends them; the others under new ids."""
    headers = record.headers if number < COPIES else _under_a_new_id(record)
    return await wire.send(producer, record.topic, record.value, record.key.decode(), headers)


def _under_a_new_id(record: ConsumerRecord) -> wire.Headers:
    return [(name, new_id().encode() if name == "ce_id" else value) for name, value in record.headers] + [(wire.TEST, b"a double")]


async def _readers(town: Town, topic: str) -> list[str]:
    """The layers that hear a topic with an inbox: they have a position on it. Compacted topics are followed, without."""
    return [layer for layer in LAYERS if await town.rows(layer, "select 1 from position where topic = $1", topic)]


@pytest.mark.slow
async def test_g3_a_replay_of_everything_changes_nothing_and_says_nothing_new(town: Town) -> None:
    journey = await town.propose()
    await town.ended([journey.journey_id])
    await _given_up(town, journey.service_id)
    await states.at_rest(town, *LAYERS)
    await asyncio.gather(*(town.city.take_down(process) for process in PROCESSES))
    before = await states.snapshot(town)
    for layer in LAYERS:
        await town.rows(layer, "update position set next = 0 returning next")
    await asyncio.gather(*(town.city.bring_back(process) for process in PROCESSES))
    await states.at_rest(town, *LAYERS)
    assert states.changed(before, await states.snapshot(town)) == set()


async def _given_up(town: Town, key: str) -> None:
    """A key has something behind it that was no event, and that an operator gave up."""
    async with wire.writer(town.city.at.kafka) as producer:
        sent = await wire.send(producer, "city.governance.v1", b"garbage", key, [(wire.TEST, b"g3")])
    await poison.discard(town, await poison.letters(town, sent, *poison.readers("city.governance.v1")))
