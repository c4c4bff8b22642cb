"""Requests to services, as far as the city is measured by them."""

from datetime import datetime

from stratapolis.chassis.db import Tx

NOTE = "insert into asked_request (case_id, service_id, due_at) values ($1, $2, $3) on conflict do nothing"
# Judged once: an answer after the due time does not make it in time.
END = """
    insert into asked_request as r (case_id, service_id, due_at, ended_at, judged_at) values ($1, $2, $3, $4, least($3::timestamptz, $4::timestamptz))
    on conflict (case_id) do update set ended_at = coalesce(r.ended_at, excluded.ended_at), judged_at = coalesce(r.judged_at, excluded.judged_at)
    returning judged_at"""
LAPSE = """
    insert into asked_request as r (case_id, service_id, due_at, judged_at) values ($1, $2, $3, $3)
    on conflict (case_id) do update set judged_at = coalesce(r.judged_at, excluded.judged_at)
    returning judged_at"""


async def note(tx: Tx, case_id: str, service_id: str, *, due_at: datetime) -> None:
    """Keep a new one."""
    await tx.execute(NOTE, case_id, service_id, due_at)


async def end(tx: Tx, case_id: str, service_id: str, *, due_at: datetime, ended_at: datetime) -> datetime:
    """Note its last answer; returns when it was judged."""
    judged_at: datetime = await tx.value(END, case_id, service_id, due_at, ended_at)
    return judged_at


async def lapse(tx: Tx, case_id: str, service_id: str, *, due_at: datetime) -> datetime:
    """Note that its due time has passed; returns when it was judged."""
    judged_at: datetime = await tx.value(LAPSE, case_id, service_id, due_at)
    return judged_at
