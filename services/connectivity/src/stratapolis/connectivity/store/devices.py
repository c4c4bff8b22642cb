"""The registry of devices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stratapolis.chassis.db import Row, Tx
from stratapolis.connectivity.domain.observation import Device, Place

PUT = """
    insert into device (thing, owner, type, latitude, longitude, properties, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $7)
    on conflict (thing) do update
    set type = excluded.type, latitude = excluded.latitude, longitude = excluded.longitude, properties = excluded.properties, updated_at = excluded.updated_at
    returning *"""
LIST = """
    select * from device
    where ($1::text[] is null or owner = any($1)) and ($2 = '' or type = $2) and ($3 = '' or $3 = any(properties))
      and ($4::timestamptz is null or (created_at, thing) < ($4, $5))
    order by created_at desc, thing desc limit $6"""


async def register(tx: Tx, *, thing: str, owner: str, type_: str, place: Place | None, properties: Sequence[str], at: datetime) -> Device:
    """Store what is registered of a device."""
    row = await tx.row(PUT, thing, owner, type_, place and place.latitude, place and place.longitude, sorted(properties), at)
    if row is None:
        raise LookupError(thing)
    return device_of(row)


async def find(tx: Tx, thing: str, owners: Sequence[str] | None) -> Device | None:
    """A device of these owners; None: every owner's."""
    row = await tx.row("select * from device where thing = $1 and ($2::text[] is null or owner = any($2))", thing, owners)
    return device_of(row) if row else None


async def listed(tx: Tx, *, owners: Sequence[str] | None, type_: str, observes: str, after: tuple[datetime, str] | None, limit: int) -> list[Device]:
    """Devices, newest first, behind `after`."""
    at, thing = after or (None, "")
    return [device_of(row) for row in await tx.fetch(LIST, owners, type_, observes, at, thing, limit)]


def device_of(row: Row) -> Device:
    """A row as the value."""
    place = None if row["latitude"] is None else Place(row["latitude"], row["longitude"])
    return Device(row["thing"], row["owner"], row["type"], place, frozenset(row["properties"]), row["created_at"], row["updated_at"])
