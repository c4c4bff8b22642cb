"""What the layers have said: by their outboxes, and by the topics."""

from __future__ import annotations

from e2e_tests import wire
from e2e_tests.conftest import LAYERS, Town

Said = tuple[str, str, int, str, bytes]
"""Topic, key, sequence, id, payload."""
PUBLISHED = "select topic, key, sequence, headers->>'ce_id' as id, payload from outbox where published_at is not null"
COMMITTED = "select topic, key, sequence, headers->>'ce_id' as id, payload from outbox"


async def rows(town: Town, sql: str) -> set[Said]:
    """What the outboxes of all layers have."""
    return {tuple(row) for layer in LAYERS for row in await town.rows(layer, sql)}


async def on_topics(town: Town) -> set[Said]:
    """What lies on the topics; what was sent twice counts once."""
    return {
        (record.topic, record.key.decode(), int(wire.header(record, "ce_sequence")), wire.header(record, "ce_id"), record.value)
        for record in await wire.read(town.city.at.kafka, *wire.OUTBOX_TOPICS)
        if wire.is_said(record)
    }
