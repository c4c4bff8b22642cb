"""Deployments and what they use: each owner sees its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from city.infrastructure.v1 import deployment_service_pb2 as pb
from stratapolis.chassis import changes
from stratapolis.chassis.db import Row
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.chassis.times import to_timestamp
from stratapolis.infrastructure.codec.deployments import STATE_OF, shown
from stratapolis.infrastructure.codec.pools import amount
from stratapolis.infrastructure.domain.errors import DeploymentNotFound
from stratapolis.infrastructure.store import deployments, pools

WATCH_SECONDS = 0.2
"""How often a watch looks at the database for more."""
WATCH_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Deployments:
    """DeploymentService."""

    async def get_deployment(self, request: pb.GetDeploymentRequest, call: Call) -> pb.GetDeploymentResponse:
        """One deployment; of a version that was deployed twice, the newer."""
        found = await deployments.one(call.tx, call.owners, request.service_id, request.version)
        if found is None:
            raise DeploymentNotFound("there is no such deployment")
        return pb.GetDeploymentResponse(deployment=shown(found))

    async def list_deployments(self, request: pb.ListDeploymentsRequest, call: Call) -> pb.ListDeploymentsResponse:
        """A page of deployments."""
        page = Page.of(request, datetime, str)
        states = [STATE_OF[state] for state in request.states] or None
        found = await deployments.listed(call.tx, call.owners, request.service_id, states, page.after, page.size + 1)
        fitting, token = page.fit(found, shown, lambda each: (each.created_at, each.journey_id))
        return pb.ListDeploymentsResponse(deployments=fitting, next_page_token=token)

    async def watch_deployments(self, request: pb.WatchDeploymentsRequest, call: Call) -> AsyncIterator[pb.WatchDeploymentsResponse]:
        """First how everything stands, without what is retired; then each change."""
        async with call.db.transaction(readonly=True) as tx:
            horizon = await changes.horizon(tx)
        after, retired_since = changes.cursor_of(request.cursor, horizon), "0" if request.cursor else horizon
        while True:
            async with call.db.transaction(readonly=True) as tx:
                found = await deployments.changed(tx, call.owners, request.service_id, after, retired_since, WATCH_AT_ONCE)
            for each, after in found:
                yield pb.WatchDeploymentsResponse(deployment=shown(each), cursor=changes.written(after))
            if not found:
                await asyncio.sleep(WATCH_SECONDS)

    async def get_utilisation(self, request: pb.GetUtilisationRequest, call: Call) -> pb.GetUtilisationResponse:
        """What is used of what is held."""
        page = Page.of(request, datetime, str)
        rows = await pools.utilisation(call.tx, call.owners, request.pool, page.after, page.size + 1)
        held, used = await pools.total(call.tx, call.owners, request.pool)
        fitting, token = page.fit(rows, _utilisation, lambda row: (row["created_at"], row["journey_id"]))
        return pb.GetUtilisationResponse(services=fitting, held=amount(held), used=amount(used), next_page_token=token)


def _utilisation(row: Row) -> pb.Utilisation:
    shown_row = pb.Utilisation(
        service_id=row["service_id"], version=row["version"], owner=row["owner"], pool=row["pool"], held=amount(pools.amount(row)),
        used=amount(pools.amount(row, "used_")),
    )  # fmt: skip
    if row["looked_at"] is not None:
        shown_row.look_time.CopyFrom(to_timestamp(row["looked_at"]))
    return shown_row
