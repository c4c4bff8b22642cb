"""Rebalances: somebody joins a layer's consumer group, and leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from stratapolis.cli.local.city import until

from e2e_tests.conftest import Town


@asynccontextmanager
async def an_intruder(town: Town, layer: str, topic: str) -> AsyncIterator[None]:
    """A member that joins a layer's consumer group, is given partitions, reads nothing and leaves: two rebalances."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=town.city.at.kafka, group_id=f"city-{layer}", enable_auto_commit=False, session_timeout_ms=10_000)
    try:
        await consumer.start()

        async def given() -> bool:
            return bool(consumer.assignment())

        await until(given, "the intruder to be given partitions", within=30)
        yield
    finally:  # also when it has joined and was cancelled while starting: a member that stays keeps its partitions from being read
        await consumer.stop()
