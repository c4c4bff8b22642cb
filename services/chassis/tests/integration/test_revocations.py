"""Revocations through a real follower of a real topic: felt within seconds, known before a process is ready, and missed when nothing is heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer
from city.connectivity.v1.revocations_pb2 import Revoked
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stratapolis.chassis import envelope, topics
from stratapolis.chassis.cause import Cause
from stratapolis.chassis.follow import Follower
from stratapolis.chassis.identity import Caller, FeedSilent, TokenRevoked
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.relay import make_producer
from stratapolis.chassis.revocations import SILENT_AFTER, FollowedRevocations
from stratapolis.chassis.times import to_timestamp
from stratapolis.chassis.tokens import Claims, FixedKeys, Verifier, mint
from stratapolis.cli.local.city import until
from stratapolis.cli.local.kafka import Kafka

KEY = Ed25519PrivateKey.generate()
TOPIC = "city.connectivity.revocations.v1"
FELT_WITHIN = 3.0
Say = Callable[[Revoked], Awaitable[None]]


def a_token(subject: str, *roles: str) -> str:
    caller, now = Caller(subject=subject, kind="person", roles=frozenset(roles)), datetime.now(UTC)
    claims = Claims(caller=caller, audience="governance", jti=new_id(), issued_at=now - timedelta(minutes=1), expires_at=now + timedelta(minutes=15))
    return mint(claims, KEY, "k1")


@pytest.fixture
async def say(kafka: Kafka) -> AsyncIterator[Say]:
    """Write as connectivity's relay does."""
    await topics.make(kafka.bootstrap)
    producer: AIOKafkaProducer = make_producer(kafka.bootstrap, "test")
    await producer.start()

    async def send(event: Revoked) -> None:
        heads = envelope.headers(
            event_id=new_id(), event_type=event.DESCRIPTOR.full_name, writer="connectivity", at=datetime.now(UTC), sequence=1, cause=Cause(), correlation="",
            traceparent="",
        )  # fmt: skip
        await producer.send_and_wait(TOPIC, event.SerializeToString(), event.subject.encode(), headers=envelope.wire(heads))

    yield send
    await producer.stop()


@asynccontextmanager
async def a_process(kafka: Kafka) -> AsyncIterator[Verifier]:
    """What a process has of it once it is ready."""
    follower, stopping = Follower(Revoked, kafka.bootstrap), asyncio.Event()
    following = asyncio.create_task(follower.run(stopping))
    try:
        await asyncio.wait_for(follower.caught_up.wait(), 30)
        yield Verifier(FixedKeys({"k1": KEY.public_key()}), "governance", FollowedRevocations(follower))
    finally:
        stopping.set()
        await asyncio.wait_for(following, 10)


async def refused_after(verifier: Verifier, token: str) -> float:
    """Seconds until a token counts no more."""
    began = time.monotonic()

    async def refused() -> bool:
        try:
            await verifier.verify(token)
        except TokenRevoked:
            return True
        return False

    await until(refused, "the token to be refused", within=30)
    return time.monotonic() - began


async def test_g11_a_revocation_is_felt_in_every_process_within_three_seconds(kafka: Kafka, say: Say) -> None:
    subject = f"person:{new_id()}"
    token, other = a_token(subject), a_token(f"person:{new_id()}")
    async with AsyncExitStack() as stack:
        verifiers = [await stack.enter_async_context(a_process(kafka)) for _ in range(3)]
        for verifier in verifiers:
            await verifier.verify(token)
        await say(Revoked(subject=subject, before_time=to_timestamp(datetime.now(UTC))))
        assert max(await asyncio.gather(*(refused_after(verifier, token) for verifier in verifiers))) < FELT_WITHIN
        for verifier in verifiers:
            await verifier.verify(other)


async def test_g11_a_process_that_starts_later_knows_what_was_revoked_before_it_is_ready(kafka: Kafka, say: Say) -> None:
    subject = f"person:{new_id()}"
    await say(Revoked(subject=subject, before_time=to_timestamp(datetime.now(UTC)), gone=True))
    async with a_process(kafka) as verifier:
        with pytest.raises(TokenRevoked):
            await verifier.verify(a_token(subject))


@pytest.mark.parametrize("role", ["officer", "operator"])
async def test_g11_a_silent_feed_stops_officers_and_operators_until_it_is_heard_again(
    kafka: Kafka, say: Say, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    passed = [0.0]
    monkeypatch.setattr("stratapolis.chassis.follow.time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0]))
    guarded, others = a_token("person:staff", role), (a_token("person:ann"), a_token("person:admin", "policy_admin"))
    heartbeat = Revoked(subject="heartbeat", before_time=to_timestamp(datetime.now(UTC)))
    async with a_process(kafka) as verifier:
        await say(heartbeat)
        await verifier.verify(guarded)
        passed[0] = SILENT_AFTER.total_seconds() + 1
        with pytest.raises(FeedSilent):
            await verifier.verify(guarded)
        for token in others:
            await verifier.verify(token)
        await say(heartbeat)
        await until(partial(_is_heard, verifier, guarded), "the feed to be heard again", within=20)


async def _is_heard(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except FeedSilent:
        return False
    return True
