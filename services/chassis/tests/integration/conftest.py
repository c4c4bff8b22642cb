"""Two layers on a real broker: one speaks, the other listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from stratapolis.chassis import topics
from stratapolis.chassis.db import Database
from stratapolis.chassis.relay import Relay
from stratapolis.cli.local.kafka import Kafka

from services.chassis.tests.integration.listening import Listener, from_the_end


@pytest.fixture(scope="session")
async def broker(kafka: Kafka) -> Kafka:
    await topics.make(kafka.bootstrap)
    return kafka


@pytest.fixture
async def city(broker: Kafka, make_database: Any) -> AsyncIterator[tuple[Database, Listener]]:
    """Governance with its relay running, policy with its ear not yet."""
    said, heard = await make_database("governance"), await make_database("policy")
    async with heard.transaction() as tx:
        await tx.execute("create table applied (id bigint generated always as identity, creator_id text, name text, at timestamptz)")
        # A topic shared by the tests of this session: this ear begins where the topic ends now.
    await from_the_end(heard, broker.bootstrap)
    relay, stopping = Relay("governance", said, broker.bootstrap), asyncio.Event()
    said.on_said = relay.wake
    async with AsyncExitStack() as stack:
        task = asyncio.create_task(relay.run(stopping))
        stack.push_async_callback(asyncio.wait_for, task, 10)
        stack.callback(stopping.set)
        yield said, Listener(heard, broker.bootstrap)
