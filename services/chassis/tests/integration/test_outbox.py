"""What is said in a transaction is written together when it ends, and only what the transaction keeps."""

from __future__ import annotations

from city.governance.v1.events_pb2 import ValueCreatorAccepted
from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx

from conftest import MakeDatabase


def accepted(creator: str, name: str) -> ValueCreatorAccepted:
    """An event of a value creator."""
    return ValueCreatorAccepted(creator_id=creator, name=name, kind="company", founding_subject="somebody")


class Refused(Exception):
    """What a savepoint undoes."""


async def refuse(tx: Tx) -> None:
    """Say something and fail."""
    await outbox.append(tx, accepted("acme", "never"))
    raise Refused


async def test_each_key_counts_by_itself_and_what_a_savepoint_undoes_is_not_said(make_database: MakeDatabase) -> None:
    db = await make_database("governance")
    async with db.transaction() as tx:
        await outbox.append(tx, accepted("acme", "first"))
        try:
            async with tx.savepoint():
                await refuse(tx)
        except Refused:
            pass
        await outbox.append(tx, accepted("zenith", "other"), accepted("acme", "second"))
    async with db.transaction() as tx:
        await outbox.append(tx, accepted("acme", "third"))
    async with db.transaction() as tx:
        rows = await tx.fetch("select key, sequence, payload, headers from outbox order by id")
    said = [(row["key"], row["sequence"], ValueCreatorAccepted.FromString(row["payload"]).name, row["headers"]["ce_sequence"]) for row in rows]
    assert said == [("acme", 1, "first", "1"), ("zenith", 1, "other", "1"), ("acme", 2, "second", "2"), ("acme", 3, "third", "3")]


async def test_the_relay_is_woken_when_something_was_said_and_only_then(make_database: MakeDatabase) -> None:
    db = await make_database("governance")
    woken: list[bool] = []
    db.on_said = lambda: woken.append(True)
    async with db.transaction() as tx:
        await tx.value("select 1")
    assert not woken
    async with db.transaction() as tx:
        await outbox.append(tx, accepted("acme", "first"))
    assert woken == [True]
