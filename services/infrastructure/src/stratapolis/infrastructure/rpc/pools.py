"""Pools: registered by operators, seen by all."""

from __future__ import annotations

from dataclasses import dataclass

from city.infrastructure.v1 import pool_service_pb2 as pb
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.infrastructure.codec.pools import amount_of, quota_of, shown
from stratapolis.infrastructure.domain.errors import PoolNotFound
from stratapolis.infrastructure.domain.pool import Share, resized
from stratapolis.infrastructure.store import pools


@dataclass(frozen=True, slots=True)
class Pools:
    """PoolService. `quota` holds where a pool says nothing else."""

    quota: Share

    async def register_pool(self, request: pb.RegisterPoolRequest, call: Call) -> pb.RegisterPoolResponse:
        """A new pool, or another size for one; never below what is held of it."""
        await pools.make(call.tx, request.name, call.at)
        was = await pools.row_for_update(call.tx, request.name)
        if was is None:
            raise PoolNotFound(f"there is no pool {request.name}")
        capacity = resized(request.name, pools.amount(was, "used_"), amount_of(request.capacity))
        row = await pools.resize(call.tx, request.name, capacity, quota_of(request.quota))
        return pb.RegisterPoolResponse(pool=shown(pools.pool(row, self.quota), row["created_at"]))

    async def get_pool(self, request: pb.GetPoolRequest, call: Call) -> pb.GetPoolResponse:
        """What is used and free."""
        row = await pools.row(call.tx, request.name)
        if row is None:
            raise PoolNotFound(f"there is no pool {request.name}")
        return pb.GetPoolResponse(pool=shown(pools.pool(row, self.quota), row["created_at"]))

    async def list_pools(self, request: pb.ListPoolsRequest, call: Call) -> pb.ListPoolsResponse:
        """A page of pools."""
        page = Page.of(request, str)
        rows = await pools.listed(call.tx, page.after[0] if page.after else "", page.size + 1)
        fitting, token = page.fit(rows, lambda row: shown(pools.pool(row, self.quota), row["created_at"]), lambda row: (row["name"],))
        return pb.ListPoolsResponse(pools=fitting, next_page_token=token)
