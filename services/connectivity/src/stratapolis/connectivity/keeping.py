"""Changes that several edges make alike: stored, said and recorded in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from stratapolis.chassis import outbox
from stratapolis.chassis.db import Tx
from stratapolis.connectivity import codec, store
from stratapolis.connectivity.domain.audit import Entry
from stratapolis.connectivity.domain.connection import Connection, sever
from stratapolis.connectivity.domain.identity import Fact, Identity, cut


async def keep(tx: Tx, identity: Identity, facts: Iterable[Fact], *entries: Entry) -> None:
    """Store an identity, say what came of it, record who did it."""
    await store.identities.put(tx, identity)
    await outbox.append(tx, *codec.facts(facts))
    for entry in entries:
        await store.audit.record(tx, entry)


async def end_tokens(tx: Tx, subject: str, at: datetime) -> None:
    """End the tokens a subject holds, where it is enrolled."""
    if (identity := await store.identities.for_update(tx, subject)) is not None:
        await keep(tx, *cut(identity, at=at))


async def cut_connections(tx: Tx, connections: Iterable[Connection], reason: str, *, by: str, at: datetime) -> None:
    """Sever connections for one reason."""
    for connection in connections:
        severed, facts = sever(connection, reason, at=at)
        await store.connections.put(tx, severed)
        await outbox.append(tx, *codec.facts(facts))
        if facts:
            await store.audit.record(tx, Entry(subject=by, action="sever", object=connection.connection_id, detail={"reason": reason}))
