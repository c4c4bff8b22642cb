"""G10: a graceful stop loses nothing."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import grpc
import pytest
from city.governance.v1.events_pb2 import MemberAdded
from city.governance.v1.value_creator_pb2 import MEMBER_ROLE_MEMBER
from city.governance.v1.value_creator_service_pb2 import AddMemberRequest
from city.governance.v1.value_creator_service_pb2_grpc import ValueCreatorServiceStub
from city.journey.v1 import journey_pb2 as shared
from stratapolis.chassis.ids import new_id
from stratapolis.chassis.rpc.client import OPTIONS
from stratapolis.cli.local.city import until
from stratapolis.cli.local.layers import is_ready

from e2e_tests import states, wire
from e2e_tests.conftest import PROCESSES, Creator, Town

BUDGET = 60.0
LEAVING = "governance-2"
BLOCKED = "select 1 from pg_stat_activity where datname = 'governance' and wait_event_type = 'Lock'"


@dataclass(slots=True)
class Client:
    """A client that knows both replicas and retries as every client of the platform does; it notes what it was told."""

    stub: ValueCreatorServiceStub
    token: str
    creator: str
    name: str = field(default_factory=lambda: f"g10:{new_id()}")
    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    async def write(self, stopping: asyncio.Event) -> None:
        """Change a member, again and again."""
        while not stopping.is_set():
            try:
                await self.stub.AddMember(a_member(self.creator, self.name), timeout=5, metadata=(("authorization", f"Bearer {self.token}"),))
                self.done += 1
            except grpc.aio.AioRpcError as error:
                self.failed[f"{error.code().name}: {error.details()}"] += 1

    async def more(self) -> None:
        """Until more is done."""
        enough = self.done + 20

        async def done() -> bool:
            return self.done >= enough

        await until(done, "more writes", within=30)


def a_member(creator: str, name: str) -> AddMemberRequest:
    """A write that may be made any number of times, each with its event."""
    return AddMemberRequest(request_id=new_id(), creator_id=creator, subject=name, roles=[MEMBER_ROLE_MEMBER])


async def test_g10_a_replica_that_stops_ends_what_it_has_in_hand_and_no_client_of_both_sees_it_go(town: Town) -> None:
    founder = await town.city.enrol("Hedy")
    held = Creator(await town.city.creator("Held Up", founder), founder)
    own = town.city.stub(ValueCreatorServiceStub, "governance", as_=founder, replica=1)
    running, stopping, name = town.city.process(LEAVING), asyncio.Event(), f"g10:{new_id()}"
    async with _client_of_both(town) as client:
        writing = asyncio.create_task(client.write(stopping))
        async with _in_the_way(town, held.creator_id):
            in_hand = asyncio.ensure_future(own.AddMember(a_member(held.creator_id, name), timeout=20))
            await until(partial(_blocked, town), "the call to be in hand", within=10)
            began, leaving = time.monotonic(), asyncio.create_task(town.city.take_down(LEAVING))
            await until(partial(_not_ready, town), "it to say that it is not ready", within=3, every=0.01)
            assert running.alive
            assert not in_hand.done()
        assert (await in_hand).member.subject == name
        await leaving
        assert await running.wait() == 0
        assert time.monotonic() - began < BUDGET
        await client.more()
        await town.city.bring_back(LEAVING)
        await client.more()
        stopping.set()
        await writing
    assert client.failed == Counter()
    await states.at_rest(town, "governance")
    said = await _said(town)
    assert said[client.name] == client.done
    assert said[name] == 1


@asynccontextmanager
async def _in_the_way(town: Town, creator: str) -> AsyncIterator[None]:
    """The row that a call needs is held until the end of the block: the call stays in hand so long."""
    connection = await asyncpg.connect(town.city.stores.postgres.dsn("governance"))
    try:
        async with connection.transaction():
            await connection.execute("select 1 from value_creator where creator_id = $1 for update", creator)
            yield
    finally:
        await connection.close()


@asynccontextmanager
async def _client_of_both(town: Town) -> AsyncIterator[Client]:
    token = await town.city.client(town.creator.founder).token("governance")
    async with grpc.aio.insecure_channel(f"ipv4:{','.join(town.city.at.grpc['governance'])}", options=OPTIONS) as channel:
        yield Client(ValueCreatorServiceStub(channel), token, town.creator.creator_id)


async def _blocked(town: Town) -> bool:
    return bool(await town.rows("governance", BLOCKED))


async def _not_ready(town: Town) -> bool:
    return not await is_ready(f"http://{town.city.http_of(LEAVING)}/health/ready")


async def _said(town: Town) -> Counter[str]:
    """How many events each member has; one that the relay sent twice counts once."""
    kind = MemberAdded.DESCRIPTOR.full_name
    records = [r for r in await wire.read(town.city.at.kafka, "city.governance.v1") if wire.header(r, "ce_type") == kind and wire.is_said(r)]
    return Counter({wire.header(r, "ce_id"): MemberAdded.FromString(r.value).subject for r in records}.values())


@pytest.mark.slow
async def test_g10_the_whole_city_stops_in_order_with_journeys_under_way_and_goes_on_where_it_was(town: Town) -> None:
    journeys = await asyncio.gather(*(town.propose() for _ in range(20)))
    running, began = [town.city.process(process) for process in PROCESSES], time.monotonic()
    await asyncio.gather(*(town.city.take_down(process) for process in PROCESSES))
    assert time.monotonic() - began < BUDGET
    assert {each.child.name: await each.wait() for each in running} == dict.fromkeys(PROCESSES, 0)
    await asyncio.gather(*(town.city.bring_back(process) for process in PROCESSES))
    ended = await town.ended([journey.journey_id for journey in journeys], within=60)
    assert {journey.state for journey in ended.values()} == {shared.JOURNEY_STATE_LIVE}
