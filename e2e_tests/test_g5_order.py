"""G5: what is said of one key is applied in the order it was said, whatever happens to who reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from city.governance.v1.value_creator_pb2 import MEMBER_ROLE_MEMBER
from city.governance.v1.value_creator_service_pb2 import AddMemberRequest
from city.governance.v1.value_creator_service_pb2_grpc import ValueCreatorServiceStub
from stratapolis.chassis.ids import new_id
from stratapolis.cli.local.city import until

from e2e_tests import poison, wire
from e2e_tests.conftest import Creator, Town, patiently
from e2e_tests.intruder import an_intruder

TOPIC = "city.governance.v1"
AT_ONCE = 12
NOTE = """
    create table applied (number bigint generated always as identity primary key, creator_id text not null, subject text not null);
    create function note_applied() returns trigger language plpgsql security definer as $$
    begin insert into applied (creator_id, subject) values (new.creator_id, new.subject); return null; end $$;
    create trigger applied after insert or update on membership for each row execute function note_applied()"""
FORGET = "drop trigger applied on membership; drop function note_applied(); drop table applied"


@asynccontextmanager
async def _noted(town: Town) -> AsyncIterator[None]:
    """Connectivity's database notes each effect of a membership, in the order the effects are made."""
    await town.execute("connectivity", NOTE)
    try:
        yield
    finally:
        await town.execute("connectivity", FORGET)


async def test_g5_what_is_said_of_a_key_is_applied_in_order_across_kills_restarts_a_rebalance_and_a_redrive(town: Town) -> None:
    founder = await town.city.enrol("Emmy")
    creator = Creator(await town.city.creator("Ordered Affairs", founder), founder)
    said: list[str] = []
    async with _noted(town), wire.writer(town.city.at.kafka) as producer:
        said += await _members(town, creator)
        async with asyncio.TaskGroup() as group:
            more = group.create_task(_members(town, creator))
            group.create_task(town.city.kill("connectivity"))
        said += more.result()
        await town.healthy("connectivity")
        async with an_intruder(town, "connectivity", TOPIC):
            said += await _members(town, creator)
        async with asyncio.TaskGroup() as group:
            more = group.create_task(_members(town, creator))
            group.create_task(town.city.restart("connectivity"))
        said += more.result()
        await _applied(town, creator, len(said))
        garbage = await wire.send(producer, TOPIC, b"\x00garbage", creator.creator_id, [(wire.TEST, b"g5")])
        letters = await poison.letters(town, garbage, *poison.readers(TOPIC))
        said += await _members(town, creator)
        await poison.discard(town, letters)
        said += await _members(town, creator)
        await _applied(town, creator, len(said))
        rows = await town.rows(
            "connectivity", "select subject from applied where creator_id = $1 and subject <> $2 order by number", creator.creator_id, founder.subject
        )
        assert [row["subject"] for row in rows] == said
    await _inboxes_agree(town, creator)


async def _members(town: Town, creator: Creator) -> list[str]:
    """Add some members, one after the other; their names in this order."""
    stub = town.city.stub(ValueCreatorServiceStub, "governance", as_=creator.founder)
    names = [f"person:{new_id()}" for _ in range(AT_ONCE)]
    for name in names:
        asked = AddMemberRequest(request_id=new_id(), creator_id=creator.creator_id, subject=name, roles=[MEMBER_ROLE_MEMBER])
        await patiently(lambda asked=asked: stub.AddMember(asked))  # type: ignore[misc]
    return names


async def _applied(town: Town, creator: Creator, number: int) -> None:
    """Until connectivity has made so many effects."""

    async def made() -> bool:
        rows = await town.rows("connectivity", "select count(*) as n from applied where creator_id = $1", creator.creator_id)
        return bool(rows[0]["n"] >= number)

    await until(made, f"{number} effects", within=60)


async def _inboxes_agree(town: Town, creator: Creator) -> None:
    """On the topic each sequence comes, first, in order; every reader has applied as many and has met no gap."""
    records = [r for r in await wire.read(town.city.at.kafka, TOPIC) if r.key == creator.creator_id.encode() and wire.is_said(r)]
    sequences = list(dict.fromkeys(int(wire.header(r, "ce_sequence")) for r in records))
    assert sequences == list(range(1, len(sequences) + 1))
    for layer in poison.readers(TOPIC):

        async def level(layer: str = layer) -> bool:
            rows = await town.rows(layer, "select last, parked from inbox where topic = $1 and key = $2", TOPIC, creator.creator_id)
            return [tuple(row) for row in rows] == [(len(sequences), False)]

        await until(level, f"{layer} to have applied {len(sequences)} events of the key", within=30)
