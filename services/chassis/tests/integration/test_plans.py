"""What every message asks of the database is found by an index, whatever the tables held when the plan was made."""

from __future__ import annotations

from typing import Any

import pytest
from stratapolis.chassis import holds, inbox, outbox, positions, relay

ASKED = {
    "outbox: next of each key": outbox.SEQUENCE,
    "inbox: what is parked or done": inbox.LOCK,
    "inbox: what was applied": inbox.STORE,
    "position: moved on": positions.MOVE,
    "relay: what is published": relay.MARK,
    "hold: a journey's": holds.LOCK,
    "hold: of a service": holds.OPEN,
    "hold: an answer": holds.ANSWERED,
}


@pytest.mark.parametrize("statement", ASKED.values(), ids=ASKED)
async def test_a_plan_made_on_empty_tables_scans_none(make_database: Any, statement: str) -> None:
    db = await make_database("policy")
    async with db.transaction() as tx:
        await tx.execute("analyze")
        await tx.execute("set local plan_cache_mode = force_generic_plan")
        await tx.execute(f"prepare asked as {statement}")
        count = await tx.value("select cardinality(parameter_types) from pg_prepared_statements where name = 'asked'")
        plan = "\n".join(row[0] for row in await tx.fetch(f"explain execute asked({', '.join(['null'] * count)})"))
    assert "Seq Scan on" not in plan, plan
