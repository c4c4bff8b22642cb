"""Proxies between clients and real stores: what is cut comes again, and all that was acknowledged is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from stratapolis.chassis import topics
from stratapolis.chassis.relay import make_producer
from stratapolis.cli.local.kafka import Kafka
from stratapolis.cli.local.ports import HOST, CityPorts
from stratapolis.cli.local.postgres import Postgres

from e2e_tests.chaos.between import Between
from e2e_tests.conftest import BASE

OWN_BASE = BASE + 500
TOPIC = TopicPartition("city.policy.v1", 0)


@dataclass(frozen=True, slots=True)
class Ground:
    """Stores, and proxies before them as the policy layer has them."""

    between: Between
    told: dict[str, str]


@pytest.fixture(scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    folder, ports, between = tmp_path_factory.mktemp("stores"), CityPorts(OWN_BASE), Between(OWN_BASE, ["policy"])
    kafka = Kafka(folder / "kafka", ports.kafka, ports.kafka_controller, log=folder / "kafka.log")
    postgres = Postgres(_open_to_all(folder) / "postgres", ports.postgres, log=folder / "postgres.log")
    between.open_door(kafka)
    async with between, kafka, postgres:
        await topics.make(kafka.bootstrap)
        dsn = await postgres.create_database("policy")
        told = {"CITY_PEERS": f"data={HOST}:1", "CITY_KAFKA": kafka.bootstrap, "CITY_POLICY_DATABASE": dsn}
        yield Ground(between, between.retold("policy", told))


def _open_to_all(folder: Path) -> Path:
    """PostgreSQL does not run as root and must reach its folder."""
    for each in (folder, *folder.parents[:2]):
        each.chmod(each.stat().st_mode | 0o011)
    return folder


async def test_a_producer_behind_the_proxy_never_goes_around_it_and_loses_nothing_when_it_is_cut(ground: Ground) -> None:
    proxy = ground.between["kafka"]
    producer = make_producer(ground.told["CITY_KAFKA"], "cut")
    await producer.start()
    passed = proxy.passed
    try:
        for number in range(30):
            sending = await producer.send(TOPIC.topic, b"x" * 10_000, partition=TOPIC.partition)
            if number % 10 == 5:
                assert proxy.reset() > 0, "nobody came through the proxy"
            await asyncio.wait_for(sending, 30)
    finally:
        await producer.stop()
    assert proxy.passed - passed >= 300_000, "it went around the proxy"
    async with AIOKafkaConsumer(bootstrap_servers=ground.told["CITY_KAFKA"]) as consumer:
        assert (await consumer.end_offsets([TOPIC]))[TOPIC] == 30


async def test_a_database_behind_the_proxy_is_another_processs_when_that_is_stalled(ground: Ground) -> None:
    proxy = ground.between["postgres of policy"]
    connection = await asyncpg.connect(ground.told["CITY_POLICY_DATABASE"])
    proxy.stall()
    asking = asyncio.create_task(connection.fetchval("select 7"))
    done, _ = await asyncio.wait([asking], timeout=0.3)
    assert not done
    proxy.heal()
    assert await asyncio.wait_for(asking, 5) == 7
    proxy.reset()
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)):
        await asyncio.wait_for(connection.fetchval("select 7"), 5)
    await connection.close()


async def test_peers_are_told_the_proxies_of_the_layers_that_they_call(ground: Ground) -> None:
    assert ground.told["CITY_PEERS"] == f"data={HOST}:{ground.between['data'].port}"
    assert ground.between["data"].behind == CityPorts(OWN_BASE).grpc("data")
