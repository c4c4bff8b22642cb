from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.kafka import Kafka
from stratapolis.cli.local.ports import HOST, CityPorts
from stratapolis.cli.local.stores import Stores


async def make_topic(kafka: Kafka, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(kafka: Kafka, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def read(kafka: Kafka, topic: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_was_acknowledged_survives_kill_9(stores: Stores) -> None:
    await make_topic(stores.kafka, "survives")
    sent = [f"{number}".encode() for number in range(100)]
    await send(stores.kafka, "survives", *sent)
    killed = stores.kafka.pid
    await stores.kafka.kill()
    assert not await stores.kafka.ready()
    await stores.kafka.restart()
    assert stores.kafka.pid != killed
    assert await read(stores.kafka, "survives", 100) == sent


async def test_a_frozen_broker_answers_nothing_until_it_thaws(stores: Stores) -> None:
    stores.kafka.freeze()
    try:
        assert not await stores.kafka.ready()
        assert stores.kafka.process.alive
    finally:
        stores.kafka.thaw()
    async with asyncio.timeout(20):
        while not await stores.kafka.ready():  # noqa: ASYNC110  # the condition is another process's
            await asyncio.sleep(0.05)


async def test_a_second_broker_on_the_folder_is_refused_and_the_first_lives(stores: Stores) -> None:
    ports = CityPorts(21600)
    with pytest.raises(LocalCityError, match=rf"kafka is already running in .*\(pid {os.getpid()}\)"):
        async with Kafka(stores.kafka.folder, ports.kafka, ports.kafka_controller):
            pass
    assert await stores.kafka.ready()


async def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    ports = CityPorts(21600)
    kafka = Kafka(tmp_path, ports.kafka, ports.kafka_controller)
    with socket.create_server((HOST, ports.kafka)), pytest.raises(LocalCityError, match=f"port taken: {ports.kafka} for Kafka is held by"):
        await kafka.__aenter__()
    with pytest.raises(LocalCityError, match="not running"):
        kafka.process  # noqa: B018  # nothing was started


async def test_the_broker_makes_no_topic_by_itself(stores: Stores) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stores.kafka.bootstrap)
    await admin.start()
    try:
        assert "never-made" not in await admin.list_topics()
        (described,) = await admin.describe_topics(["never-made"])
        assert described["error_code"] == 3
        assert "never-made" not in await admin.list_topics()
    finally:
        await admin.close()
