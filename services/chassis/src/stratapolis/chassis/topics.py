"""Topics are made from the contract; an existing one is compared, never changed in place."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError
from stratapolis.chassis import contract
from stratapolis.chassis.contract import Topic

ATTEMPTS = 20


async def make(bootstrap: str, *, replication: int = 1) -> list[str]:
    """Make what is missing; returns the names made. Raises ValueError where a topic has another number of partitions than the contract says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [t for t in contract.topics().values() if t.name not in there]
        if missing:
            try:
                await admin.create_topics([_new(t, replication) for t in missing], timeout_ms=20_000)
            except TopicAlreadyExistsError:
                there = set(await admin.list_topics())
        await _compare(admin)
    finally:
        await admin.close()
    return [t.name for t in missing]


async def missing(bootstrap: str, names: list[str]) -> list[str]:
    """Which of these topics the broker does not have."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
    finally:
        await admin.close()
    return sorted(set(names) - there)


async def _compare(admin: AIOKafkaAdminClient) -> None:
    wanted = contract.topics()
    found: dict[str, int] = {}
    for _ in range(ATTEMPTS):
        found = {d["topic"]: len(d["partitions"]) for d in await admin.describe_topics(list(wanted)) if not d["error_code"]}
        if len(found) == len(wanted):
            break
        await asyncio.sleep(0.1)
    else:
        raise KafkaError(f"topics are still missing: {sorted(set(wanted) - set(found))}")
    wrong = [f"{name} has {found[name]} partitions, the contract says {t.partitions}" for name, t in wanted.items() if found[name] != t.partitions]
    if wrong:
        raise ValueError("; ".join(wrong))


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs={
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "retention.ms": str(topic.retention_hours * 3_600_000) if topic.retention_hours else "-1",
            "max.message.bytes": str(topic.max_bytes),
        },
    )
